"""Where commands write: results on stdout, progress and notes on stderr, failures as one message and an exit code."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import PurePath
from typing import Any, ParamSpec, TypeAlias

import typer
from rich.console import Console

from fmapps.errors import FmappsError

FAILED = 1
FAULT = 70
INTERRUPTED = 130
PIPE_CLOSED = 141
"""What a shell reports of a program that its reader hung up on."""

Tell: TypeAlias = Callable[[str, int, int | None], None]
"""Told a stage, how much of it is done, and how much there is where that is known."""

P = ParamSpec("P")

_errors = Console(stderr=True, markup=False, highlight=False, emoji=False)
_CONTROLS = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_SECONDS_BETWEEN_LINES = 5.0
_WORDS = {True: "yes", False: "no", None: "none", "": "none"}
_traces = False


def show_traces(wanted: bool) -> None:
    """Whether a failure shows its whole trace."""
    global _traces
    _traces = wanted


def emit(value: object) -> None:
    """Write a value to stdout as JSON."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """A record, or anything made of records, as JSON knows it."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, FmappsError):
        return {"code": value.code, "message": value.message, "where": value.where, "remedy": value.remedy}
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted(plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, date | PurePath):
        return str(value)
    return value


def say(text: str = "", *, indent: int = 0, hanging: int = 0) -> None:
    """Write to stdout, wrapped to the terminal; as it is where stdout is a file or a pipe.

    Args:
        text: may come from a document: control characters, which a terminal would obey, are replaced.
        indent: columns before every line.
        hanging: further columns before every line but the first.
    """
    lines = []
    for line in text.translate(_CONTROLS).split("\n"):
        first, rest = " " * indent, " " * (indent + hanging)
        if sys.stdout.isatty():
            width = max(min(shutil.get_terminal_size().columns, 110), 40)
            lines.append(textwrap.fill(line, width, initial_indent=first, subsequent_indent=rest))
        else:
            lines.append(first + line if line else "")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def say_fields(record: object) -> None:
    """Write the fields of a record to stdout, one a line, as a person reads them."""
    for name, value in plain(record).items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            value = ", ".join(f"{key}: {item}" for key, item in value.items()) or "none"
        if isinstance(value, list):
            say(f"{label}: {len(value) or 'none'}")
            for item in value:
                say(f"- {item}", indent=2, hanging=2)
            continue
        shown = f"{value:,}" if type(value) in (int, float) else _WORDS.get(value, value)
        say(f"{label}: {shown}", hanging=2)


def note(text: str) -> None:
    """Write to stderr what is no result."""
    _errors.print(text.translate(_CONTROLS), soft_wrap=True)


@contextmanager
def progress() -> Iterator[Tell]:
    """Show the progress of long work on stderr: bars on a terminal, now and then a line elsewhere."""
    if not _errors.is_terminal:
        yield _lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_errors) as bars:
        shown: dict[str, tuple[TaskID, float]] = {}

        def tell(stage: str, done: int, total: int | None) -> None:
            if stage not in shown:
                shown[stage] = bars.add_task(stage.translate(_CONTROLS), total=total, rate=""), time.monotonic()
            task, began = shown[stage]
            bars.update(task, completed=done, total=total, rate=_rate(done, time.monotonic() - began))

        yield tell


def _lines() -> Tell:
    began: dict[str, float] = {}
    spoke: dict[str, float] = {}

    def tell(stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        began.setdefault(stage, now)
        finished = total is not None and done >= total
        if finished or now - spoke.get(stage, now - _SECONDS_BETWEEN_LINES) >= _SECONDS_BETWEEN_LINES:
            spoke[stage] = now
            of = f" of {total:,}" if total else ""
            note(f"{stage}: {done:,}{of} {_rate(done, now - began[stage])}".rstrip())

    return tell


def _rate(done: int, seconds: float) -> str:
    return f"({done / seconds:,.0f} a second)" if done and seconds > 0.2 else ""


def reporting(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose failures end in one message on stderr and an exit code, and with --json also on stdout."""

    @functools.wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        as_json = bool(options.get("as_json"))
        try:
            command(*arguments, **options)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except BrokenPipeError:
            # The interpreter flushes stdout once more as it ends: give it somewhere to write.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(PIPE_CLOSED) from None
        except KeyboardInterrupt:
            note("Interrupted. What was committed before stays.")
            raise typer.Exit(INTERRUPTED) from None
        except FmappsError as error:
            raise typer.Exit(_fail(error, as_json)) from None
        except OSError as error:
            known = FmappsError(
                error.strerror or str(error),
                where=str(error.filename or ""),
                remedy="make that path readable and writable, or name another",
            )
            raise typer.Exit(_fail(known, as_json)) from None
        except Exception as error:
            raise typer.Exit(_apologise(error, as_json)) from None

    return run


def failure(error: FmappsError) -> str:
    """What went wrong, where and what to do, on lines of their own."""
    lines = [f"Error: {error.message}"]
    if error.where:
        lines.append(f"  where:  {error.where}")
    if error.remedy:
        lines.append(f"  remedy: {error.remedy}")
    return "\n".join(lines)


def _fail(error: FmappsError, as_json: bool) -> int:
    if _traces:
        traceback.print_exc()
    note(failure(error))
    if as_json:
        emit({"error": error})
    return FAILED


def _apologise(error: Exception, as_json: bool) -> int:
    if _traces:
        traceback.print_exc()
    else:
        # Its message is left out: it may quote a document.
        note(
            f"Sorry: this is a fault of fmapps ({type(error).__name__}).\n"
            "  remedy: run it again as `fmapps --debug ...` and report the trace; it may quote your documents, so read "
            "it first"
        )
    if as_json:
        emit({"error": {"code": "fault", "message": type(error).__name__, "where": "", "remedy": "fmapps --debug"}})
    return FAULT
