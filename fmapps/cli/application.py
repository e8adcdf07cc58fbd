"""The command's tree: each group of commands has its own module, and heavy imports wait until a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

import fmapps
from fmapps.cli import output
from fmapps.cli.audit import audit
from fmapps.cli.demo import demo
from fmapps.cli.doctor import doctor
from fmapps.cli.documents import ingest, remove, status, verify
from fmapps.cli.questions import ask, run, search
from fmapps.cli.verticals import app, verticals

_EPILOG = (
    "Exit codes: 0 done (an abstention is an answer too); 1 something asked for failed, with what to do about it on "
    "stderr; 2 the command was misspelt; 70 a fault of fmapps; 130 interrupted. With --json, stdout carries JSON only."
)

application = typer.Typer(
    name="fmapps",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _panel, _commands in {
    "Documents": (ingest, remove, status, verify),
    "Questions": (search, ask, run),
    "Verticals and apps": (verticals, app, demo),
    "Installation": (doctor,),
}.items():
    for _command in _commands:
        application.command(rich_help_panel=_panel)(output.reporting(_command))
application.add_typer(audit, rich_help_panel="Record")


def _version(wanted: bool) -> None:
    if wanted:
        output.say(fmapps.__version__)
        raise typer.Exit


@application.callback()
def root(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole trace when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Cited answers from your own documents, offline."""
    output.show_traces(debug)
