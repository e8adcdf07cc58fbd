"""Commands about verticals: which are installed, and their apps."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from fmapps.cli.options import CorpusOption, JsonOption, folder
from fmapps.cli.output import FAILED, emit, note, say
from fmapps.errors import FmappsError, MissingDependencyError

LAUNCHER = "apps.common.launch"
"""The module that serves a vertical's page."""

PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes any free one.")]
BrowserOption = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")]


def verticals(*, as_json: JsonOption = False) -> None:
    """List the installed verticals with their tasks and parameters."""
    from fmapps.cli.requests import describe_fields, own_parameters
    from fmapps.vertical import installed, load

    rows: list[dict[str, Any]] = []
    broken: list[FmappsError] = []
    for name in installed():
        try:
            vertical = load(name)
        except FmappsError as error:
            broken.append(error)
            rows.append({"name": name, "error": error})
            continue
        rows.append(
            {
                "name": vertical.name,
                "title": vertical.title,
                "description": vertical.description,
                "notice": vertical.notice,
                "parameters": own_parameters(vertical.tasks[0].request),
                "tasks": [
                    {"name": task.name, "description": task.description, "request": task.request.model_json_schema()}
                    for task in vertical.tasks
                ],
                "examples": vertical.examples,
            }
        )
        if not as_json:
            say(f"{vertical.name}: {vertical.title}. {vertical.description}", hanging=2)
            say(f"parameters of a question: {', '.join(rows[-1]['parameters']) or 'none'}", indent=2, hanging=2)
            for task in vertical.tasks:
                say(f"task {task.name}: {task.description}", indent=2, hanging=2)
                say(f"fields: {describe_fields(task.request)}", indent=4, hanging=2)
            say()
    if as_json:
        emit({"verticals": rows})
    elif not rows:
        say("No vertical is installed.")
    for fault in broken:
        note(str(fault))
    if broken:
        raise typer.Exit(FAILED)


def app(
    vertical: Annotated[str, typer.Argument(metavar="VERTICAL", help="The vertical; `fmapps verticals` lists them.")],
    *,
    corpus: CorpusOption = None,
    port: PortOption = 8501,
    address: Annotated[
        str, typer.Option("--address", help="Where to listen; beyond this machine the app asks who is there.")
    ] = "127.0.0.1",
    browser: BrowserOption = True,
) -> None:
    """Serve a vertical's app until it is interrupted."""
    from fmapps.vertical import load

    serve(load(vertical).name, folder(corpus), port=port, address=address, browser=browser)


def serve(vertical: str, corpus: Path, *, port: int, address: str = "127.0.0.1", browser: bool = True) -> None:
    """Become the server of a vertical's app: it takes this process's place, and its signals and exit code.

    Args:
        vertical: its name.
        corpus: the folder that the app offers first.
        port: to listen on; 0: any free one.
        address: to listen on.
        browser: whether to open the page once it answers.

    Raises:
        MissingDependencyError: the apps are not installed.
    """
    try:
        found = find_spec(LAUNCHER)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise MissingDependencyError("the apps are not installed", where=LAUNCHER, remedy="pip install fmapps")
    note(f"Starting the {vertical} app; Ctrl-C ends it")
    sys.stdout.flush()
    sys.stderr.flush()
    options = ["--corpus", str(corpus), "--port", str(port), "--address", address]
    if not browser:
        options.append("--no-browser")
    # -P: a folder named `apps` where the command is run is not the one that is meant.
    command = [sys.executable, "-P", "-m", LAUNCHER, vertical, *options]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, no shell
