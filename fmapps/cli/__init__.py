"""The fmapps command."""

from __future__ import annotations


def main() -> None:
    """Run the command with the arguments of this process, and end the process with its exit code."""
    from fmapps.cli.application import application

    application(prog_name="fmapps")
