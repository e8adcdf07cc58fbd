"""The doctor: what is installed and set, what that means, and what to do about each gap."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path

import typer

from fmapps.cli.options import CorpusOption, JsonOption, folder
from fmapps.cli.output import FAILED, emit, say
from fmapps.errors import FmappsError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_TRACERS = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")
_KEYS = ("LANGSMITH_API_KEY", "LANGCHAIN_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN")
_LIBRARY_SETTINGS = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HOME", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


class State(StrEnum):
    """How a thing stands."""

    FINE = "fine"
    GAP = "gap"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        name: of the thing.
        state: `missing` where fmapps cannot work without it, `gap` where it can.
        detail: what was found.
        remedy: what to do about it; empty where nothing needs doing.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


def doctor(*, corpus: CorpusOption = None, as_json: JsonOption = False) -> None:
    """Say what is installed, which weights and processor features, and what to do about each gap.

    Exit code 1 where something is missing that fmapps cannot work without.
    """
    place = folder(corpus)
    sections: tuple[Callable[[], Iterator[Check]], ...] = (
        _python,
        _packages,
        _processor,
        _weights,
        _verticals,
        lambda: _corpus(place),
        _browser,
        _environment,
        _network,
    )
    checks = [check for section in sections for check in section()]
    if as_json:
        emit({"checks": checks})
    else:
        for check in checks:
            mark = {State.FINE: "ok", State.GAP: "gap", State.MISSING: "MISSING"}[check.state]
            say(f"{mark:<8}{check.name}: {check.detail}", hanging=8)
            if check.remedy:
                say(f"to mend it: {check.remedy}", indent=8, hanging=2)
    if any(check.state is State.MISSING for check in checks):
        raise typer.Exit(FAILED)


def _python() -> Iterator[Check]:
    fine = sys.version_info >= (3, 11)
    yield Check(
        "python",
        State.FINE if fine else State.MISSING,
        f"{platform.python_version()} on {platform.platform()}, {sys.executable}",
        "" if fine else "use Python 3.11 or newer",
    )


def _packages() -> Iterator[Check]:
    """What fmapps declares that it needs, and then its extras."""
    from packaging.requirements import Requirement

    needed: list[Requirement] = []
    optional: dict[str, Requirement] = {}
    for line in requires("fmapps") or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed.append(requirement)
        else:
            optional.setdefault(requirement.name, requirement)
    found: list[str] = [f"fmapps {version('fmapps')}"]
    for requirement in needed:
        have = _version(requirement.name)
        if have is None:
            yield Check(
                requirement.name,
                State.MISSING,
                "not installed",
                f"pip install '{requirement.name}{requirement.specifier}'",
            )
        elif not requirement.specifier.contains(have, prereleases=True):
            yield Check(
                requirement.name,
                State.GAP,
                f"{have}, and fmapps asks for {requirement.specifier}",
                f"pip install '{requirement.name}{requirement.specifier}'",
            )
        else:
            found.append(f"{requirement.name} {have}")
    yield Check("packages", State.FINE, ", ".join(found))
    absent = sorted(name for name in optional if _version(name) is None)
    yield Check(
        "optional packages",
        State.GAP if absent else State.FINE,
        f"not installed: {', '.join(absent)}" if absent else "all installed",
        "pip install 'fmapps[dev]', for tests and benchmarks only" if absent else "",
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> Iterator[Check]:
    from fmapps.retrieval.embedding import processor_features

    features = ", ".join(sorted(processor_features())) or "none that this system tells of"
    yield Check("processor", State.FINE, f"{platform.machine()}, {os.cpu_count()} processors; features: {features}")


def _weights() -> Iterator[Check]:
    """The embedder: whether its files are the ones they should be, and in which arithmetic it will run."""
    from fmapps.retrieval.embedding import PACKAGE, default_embedder
    from fmapps.settings import settings

    try:
        embedder = default_embedder(settings())
        fingerprint = embedder.fingerprint
    except FmappsError as error:
        yield Check("weights", State.MISSING, f"{error.where}: {error.message}", error.remedy)
        return
    own = settings().embedder
    source = (
        f"of {own}, as you set it"
        if own
        else f"of {PACKAGE} {version(PACKAGE)} in {distribution(PACKAGE).locate_file('')}, SHA-256 as published"
    )
    yield Check("weights", State.FINE, f"{source}; dimension {embedder.dimension}, fingerprint {fingerprint[:16]}")
    threads = settings().threads or "all"
    yield Check(
        "arithmetic", State.FINE, f"{embedder.precision} (FMAPPS_PRECISION={settings().precision}), threads: {threads}"
    )


def _verticals() -> Iterator[Check]:
    from fmapps.vertical import installed, load

    names = []
    for name in installed():
        try:
            vertical = load(name)
        except FmappsError as error:
            yield Check(f"vertical {name}", State.GAP, error.message, error.remedy)
            continue
        names.append(name)
        if not vertical.samples.is_dir():
            yield Check(f"vertical {name}", State.GAP, f"no samples in {vertical.samples}", "reinstall its package")
    yield Check(
        "verticals",
        State.FINE if names else State.MISSING,
        ", ".join(names) or "none installed",
        "" if names else "pip install fmapps, which brings three",
    )


def _corpus(place: Path) -> Iterator[Check]:
    from fmapps.corpus import Corpus

    name = f"corpus {place}"
    if not place.exists():
        yield Check(name, State.GAP, "not there yet", f"fmapps ingest PATH... --corpus {place}")
        return
    try:
        with Corpus.open(place, create=False, read_only=True) as opened:
            found = opened.status()
    except FmappsError as error:
        yield Check(name, State.GAP, error.message, error.remedy)
        return
    free = shutil.disk_usage(place).free / 2**30
    yield Check(
        name, State.FINE, f"{found.documents} documents, {found.passages} passages; {free:.1f} GiB free on its disk"
    )


def _browser() -> Iterator[Check]:
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path:
        yield Check("chromium", State.FINE, path)
    else:
        yield Check("chromium", State.GAP, "not found; only the browser tests need it", "install the package chromium")


def _environment() -> Iterator[Check]:
    own = sorted(name for name in os.environ if name.startswith("FMAPPS_"))
    known = _known_settings()
    for name in own:
        if name not in known:
            yield Check(name, State.GAP, "set, but no such setting", f"choose one of: {', '.join(sorted(known))}")
    told = [f"{name}={os.environ[name]}" for name in (*own, *_LIBRARY_SETTINGS) if name in os.environ]
    # A key is named and never shown.
    told += [f"{name} is set" for name in _KEYS if name in os.environ]
    yield Check("environment", State.FINE, "; ".join(told) or "nothing set that matters")


def _known_settings() -> set[str]:
    from fmapps.settings import Settings

    return {f"FMAPPS_{name.upper()}" for name in Settings.model_fields}


def _network() -> Iterator[Check]:
    from fmapps.settings import settings

    asked = [name for name in _TRACERS if os.environ.get(name, "").lower() in ("1", "true")]
    if settings().tracing:
        yield Check(
            "tracing",
            State.GAP if asked else State.FINE,
            f"allowed, and asked for by {', '.join(asked)}: questions and passages leave this machine"
            if asked
            else "allowed, not asked for",
            "unset FMAPPS_TRACING, unless that is meant" if asked else "",
        )
    else:
        yield Check("tracing", State.FINE, f"off{'; overrides ' + ', '.join(asked) if asked else ''}")
    if settings().allow_downloads:
        yield Check(
            "downloads",
            State.GAP,
            "model libraries may reach a model hub",
            "unset FMAPPS_ALLOW_DOWNLOADS, unless that is meant",
        )
    else:
        yield Check("downloads", State.FINE, "off: model libraries are kept offline")
