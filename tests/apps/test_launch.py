"""However a page is started, it listens where it was told and sends nobody any statistics."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from apps.common.launch import APPS, command, environment, main, page_of
from fmapps.errors import UnknownVerticalError
from tests.apps.servers import free_port, running, wait_until_healthy

PAGES = sorted(APPS.glob("[a-z]*.py"))


def browser_settings(port: int) -> tuple[bool, str]:
    """What a browser is told when it opens a session: whether to send statistics, and the theme's colour."""
    origin = f"http://127.0.0.1:{port}"
    with connect(
        f"ws://127.0.0.1:{port}/_stcore/stream", origin=origin, subprotocols=["streamlit"], proxy=None
    ) as stream:
        rerun = BackMsg()
        rerun.rerun_script.query_string = ""
        stream.send(rerun.SerializeToString())
        while True:
            message = ForwardMsg()
            received = stream.recv(timeout=30)
            assert isinstance(received, bytes)
            message.ParseFromString(received)
            if message.WhichOneof("type") == "new_session":
                session = message.new_session
                return session.config.gather_usage_stats, session.custom_theme.primary_color


def test_every_vertical_has_its_page() -> None:
    assert [page.stem for page in PAGES] == ["education", "healthcare", "law"]
    for page in PAGES:
        assert page_of(page.stem) == page


def test_a_vertical_that_is_not_installed_is_named_as_such() -> None:
    with pytest.raises(UnknownVerticalError):
        page_of("astrology")


def test_the_command_keeps_to_loopback_and_turns_statistics_off() -> None:
    flags = command(APPS / "law.py", port=8600)
    assert "--server.address=127.0.0.1" in flags
    assert "--browser.gatherUsageStats=false" in flags
    assert "--server.port=8600" in flags
    assert "--server.headless=true" in flags
    assert str(APPS / "law.py") in flags


def test_the_environment_hides_no_visitor_behind_a_forwarded_address(tmp_path: Path) -> None:
    env = environment(corpus=tmp_path / "a.fmapps", base={"FORWARDED_ALLOW_IPS": "*", "KEEP": "1"})
    assert env["FORWARDED_ALLOW_IPS"] == ""
    assert env["FMAPPS_CORPUS"] == str(tmp_path / "a.fmapps")
    assert env["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] == "false"
    assert env["KEEP"] == "1"


@pytest.mark.slow
def test_a_page_started_by_hand_from_anywhere_gathers_no_statistics_and_stays_on_loopback(tmp_path: Path) -> None:
    port = free_port()
    by_hand = [sys.executable, "-m", "streamlit", "run", str(APPS / "law.py"), f"--server.port={port}"]
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text("[browser]\ngatherUsageStats = true\n")
    home = {"HOME": str(tmp_path), "FMAPPS_APP_HOME": str(tmp_path / "apps"), "STREAMLIT_SERVER_HEADLESS": "true"}
    with running(by_hand, folder=tmp_path, environment=home) as process:
        wait_until_healthy(port, process)
        gathers, _ = browser_settings(port)
        assert gathers is False
        with closing(socket.create_server(("127.0.0.2", port))):
            """Bound to one loopback address only, so another one is free."""


@pytest.mark.slow
@pytest.mark.parametrize("interrupt", [signal.SIGINT, signal.SIGTERM])
def test_launched_it_prints_its_address_and_ends_cleanly_when_interrupted(
    interrupt: signal.Signals, tmp_path: Path
) -> None:
    launched = [sys.executable, "-m", "apps.common.launch", "healthcare", "--port", "0", "--no-browser"]
    home = {"FMAPPS_APP_HOME": str(tmp_path)}
    with running(launched, folder=tmp_path, environment=home) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        port = int(url.rsplit(":", 1)[1])
        wait_until_healthy(port, process)
        gathers, colour = browser_settings(port)
        assert gathers is False
        assert colour == "#0b5351"
        process.send_signal(interrupt)
        assert process.wait(timeout=20) == 0
        with closing(socket.socket()) as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, "the server is still there"


def test_a_port_that_is_taken_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        status = main(["law", "--port", str(taken.getsockname()[1]), "--no-browser"])
    assert status == 1
    said = capsys.readouterr().err
    assert "--port" in said
    assert "Traceback" not in said


def test_an_unknown_vertical_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["astrology", "--no-browser"]) == 1
    assert "astrology" in capsys.readouterr().err


@pytest.mark.slow
def test_a_corpus_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "typo.fmapps"
    options = ["--corpus", str(missing), "--port", "0", "--no-browser"]
    launched = [sys.executable, "-m", "apps.common.launch", "law", *options]
    with running(launched, folder=tmp_path, environment={"FMAPPS_APP_HOME": str(tmp_path / "home")}) as process:
        assert process.stdout is not None
        assert "typo.fmapps" in process.stdout.readline()
        url = process.stdout.readline().strip()
        browser_settings(int(url.rsplit(":", 1)[1]))
    assert not missing.exists()
