"""What the doctor finds, and what it says to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fmapps.cli import doctor
from fmapps.settings import settings
from tests.cli.conftest import Command


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """The command with no setting of ours in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [*doctor._TRACERS, *doctor._KEYS, *doctor._LIBRARY_SETTINGS]:
        monkeypatch.delenv(name, raising=False)
    for name in doctor._known_settings():
        monkeypatch.delenv(name, raising=False)
    settings.cache_clear()
    yield Command()
    settings.cache_clear()


def checks(command: Command, *arguments: str) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in command("doctor", *arguments, "--json").json["checks"]}


def test_a_sound_installation_ends_with_0(command: Command) -> None:
    ended = command("doctor")
    assert ended.code == 0, ended.out
    found = checks(command)
    assert found["weights"]["state"] == "fine"
    assert "SHA-256 as published" in found["weights"]["detail"]
    assert found["arithmetic"]["detail"].split()[0] in {"bfloat16", "float32"}
    assert "torch 2." in found["packages"]["detail"]
    assert "law" in found["verticals"]["detail"]


def test_every_gap_has_a_remedy(command: Command) -> None:
    found = checks(command, "--corpus", "nowhere.fmapps")
    assert found["corpus nowhere.fmapps"]["state"] == "gap"
    assert "fmapps ingest" in found["corpus nowhere.fmapps"]["remedy"]
    assert all(check["remedy"] for check in found.values() if check["state"] != "fine")


def test_missing_weights_end_with_1(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMAPPS_EMBEDDER", "nowhere")
    settings.cache_clear()
    ended = command("doctor")
    assert ended.code == 1
    assert "MISSING weights: nowhere" in ended.out


def test_a_missing_package_names_the_command_that_installs_it(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str | None:
        return {"tantivy": None, "typer": "0.1"}.get(name, "999") if name in {"tantivy", "typer"} else real(name)

    real = doctor._version
    monkeypatch.setattr(doctor, "_version", version)
    found = checks(command)
    assert found["tantivy"]["state"] == "missing"
    assert found["tantivy"]["remedy"].startswith("pip install 'tantivy")
    assert found["typer"]["state"] == "gap"
    assert "0.1, and fmapps asks for" in found["typer"]["detail"]
    assert command("doctor").code == 1


def test_a_key_is_named_and_never_shown(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_API_KEY", "very-secret-value")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ended = command("doctor")
    assert "LANGSMITH_API_KEY is set" in ended.out
    assert "HF_HUB_OFFLINE=1" in ended.out
    assert "very-secret-value" not in ended.out + ended.err


def test_a_misspelt_setting_is_noticed(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMAPPS_CORPSE", "x")
    found = checks(command)
    assert found["FMAPPS_CORPSE"]["state"] == "gap"
    assert "FMAPPS_CORPUS" in found["FMAPPS_CORPSE"]["remedy"]


def test_tracing_that_is_on_is_a_gap(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    assert checks(command)["tracing"]["state"] == "fine"
    monkeypatch.setenv("FMAPPS_TRACING", "true")
    settings.cache_clear()
    found = checks(command)["tracing"]
    assert found["state"] == "gap"
    assert "leave this machine" in found["detail"]


def test_a_corpus_that_is_none_is_a_gap(command: Command, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"\xff\xd8")
    assert checks(command, "--corpus", "photos")["corpus photos"]["state"] == "gap"
