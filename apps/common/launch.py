"""Starts a vertical's page: `python -m apps.common.launch law --port 8501`."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from apps.common.accents import ACCENTS
from fmapps.errors import ConfigurationError, FmappsError
from fmapps.vertical import load

APPS = Path(__file__).resolve().parents[1]

_FIXED = {
    "browser.gatherUsageStats": "false",
    "server.fileWatcherType": "none",
    "server.maxUploadSize": "200",
    "server.showEmailPrompt": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "runner.magicEnabled": "false",
    "logger.hideWelcomeMessage": "true",
    "logger.level": "warning",
}


def command(
    vertical_page: Path, *, port: int, address: str = "127.0.0.1", headless: bool = True, accent: str = ""
) -> list[str]:
    """The command that serves one page.

    Args:
        vertical_page: the page's file.
        port: to listen on.
        address: to listen on; anything but loopback makes the page ask who is there.
        headless: leave it to the caller to open a browser.
        accent: the page's colour, as #rrggbb; empty: that of `apps/.streamlit/config.toml`.
    """
    options = {
        **_FIXED,
        "server.address": address,
        "server.port": str(port),
        "server.headless": "true" if headless else "false",
        **({"theme.primaryColor": accent} if accent else {}),
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(vertical_page), *flags]


def environment(*, corpus: Path | None = None, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment that `command` runs in.

    Args:
        corpus: a corpus folder for the page to offer first.
        base: what to start from; None: this process's.
    """
    env = dict(os.environ if base is None else base)
    # Without this, the server would take a visitor's address from X-Forwarded-For, and the page could no longer tell
    # whether the other end of the connection is the trusted proxy.
    env["FORWARDED_ALLOW_IPS"] = ""
    env["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
    if corpus is not None:
        env["FMAPPS_CORPUS"] = str(corpus.resolve())
    return env


def page_of(vertical: str) -> Path:
    """The page's file of an installed vertical.

    Raises:
        UnknownVerticalError: no installed package offers it.
        ConfigurationError: it has no page.
    """
    page = load(vertical).page or APPS / f"{vertical}.py"
    if not page.is_file():
        raise ConfigurationError(
            f"the vertical {vertical!r} has no page", where=str(page), remedy="set Vertical.page to its Streamlit file"
        )
    return page


def serve(vertical: str, *, corpus: Path | None, port: int, address: str, open_browser: bool) -> int:
    """Serve a vertical's page until it is interrupted.

    Args:
        vertical: its name.
        corpus: a corpus folder to offer first; one that does not exist is not made, and said.
        port: to listen on; 0: any free one.
        address: to listen on.
        open_browser: whether to open it once it answers.

    Returns:
        0 when it was interrupted; otherwise what the server returned.

    Raises:
        ConfigurationError: the port is taken, the page does not exist, or the server did not start.
    """
    page = page_of(vertical)
    if corpus is not None and not corpus.is_dir():
        print(f"{corpus}: there is no corpus there (`fmapps ingest` makes one); without it", file=sys.stderr)  # noqa: T201
        corpus = None
    chosen = _free_port(address, port)
    server = subprocess.Popen(  # noqa: S603 (our own interpreter, no shell)
        command(page, port=chosen, address=address, accent=ACCENTS.get(vertical, "")),
        env=environment(corpus=corpus),
        stdout=sys.stderr,
        start_new_session=True,
    )
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        server.terminate()

    previous = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        host = "127.0.0.1" if address in {"0.0.0.0", "::"} else address  # noqa: S104 (compared, not bound)
        url = f"http://[{host}]:{chosen}" if ":" in host else f"http://{host}:{chosen}"
        if _answers(url, server) and not stopping:
            print(url, flush=True)  # noqa: T201 (the caller reads it)
            if open_browser:
                webbrowser.open(url)
        code = server.wait()
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait()
        for name, handler in previous.items():
            signal.signal(name, handler)
    if stopping:
        return 0
    if code:
        raise ConfigurationError(
            f"the server ended with {code}", where=str(page), remedy="read what it wrote above; try another --port"
        )
    return code


def _free_port(address: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen there: {error.strerror or error}",
                where=f"{address}:{port}",
                remedy="choose another --port (0 takes any free one) or --address",
            ) from None
        return int(probe.getsockname()[1])


def _answers(url: str, server: subprocess.Popen[bytes], *, patience: float = 120.0) -> bool:
    """Wait until the server is healthy; False once it has ended."""
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + patience
    while server.poll() is None:
        try:
            with opener.open(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (URLError, OSError):
            pass
        if time.monotonic() > deadline:
            raise ConfigurationError(f"the server did not answer in {patience:.0f} seconds", where=url)
        time.sleep(0.1)
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m apps.common.launch", description=__doc__)
    parser.add_argument("vertical", help="whose page to serve, such as law")
    parser.add_argument("--corpus", type=Path, help="a corpus folder to offer first")
    parser.add_argument("--port", type=int, default=8501, help="to listen on; 0: any free one")
    parser.add_argument("--address", default="127.0.0.1", help="to listen on")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    options = parser.parse_args(arguments)
    try:
        return serve(
            options.vertical,
            corpus=options.corpus,
            port=options.port,
            address=options.address,
            open_browser=not options.no_browser,
        )
    except FmappsError as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command's message)
        return 1


if __name__ == "__main__":
    sys.exit(main())
