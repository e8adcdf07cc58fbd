"""Importing fmapps, and asking its command for help, loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

HEAVY = ("torch", "transformers", "langchain", "langchain_core", "streamlit", "faiss", "tantivy", "lxml", "pypdfium2")
"""Each takes longer to load than all of fmapps."""

BOUND = 3.0
"""Seconds in which an import ends on any machine; torch alone takes about as long on a slow one."""


def loaded_after(statement: str) -> tuple[float, set[str]]:
    """The seconds a statement takes in a fresh interpreter, and the top-level modules that are loaded then."""
    program = (
        "import json, sys, time\n"
        "began = time.perf_counter()\n"
        f"{statement}\n"
        "print(json.dumps([time.perf_counter() - began, sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    seconds, modules = json.loads(finished.stdout.splitlines()[-1])
    return seconds, set(modules)


@pytest.mark.parametrize(
    "statement",
    [
        "import fmapps",
        "import fmapps.vertical, fmapps.task, fmapps.settings",
        "import fmapps.cli.application",
    ],
)
def test_a_light_import_loads_nothing_heavy(statement: str, record_property: Callable[[str, object], None]) -> None:
    seconds, modules = loaded_after(statement)
    record_property("seconds", round(seconds, 3))
    sys.stdout.write(f"{statement}: {seconds:.3f} s\n")
    assert not modules & set(HEAVY)
    assert seconds < BOUND


def test_the_check_sees_a_heavy_import() -> None:
    _, modules = loaded_after("import tantivy")
    assert "tantivy" in modules & set(HEAVY)


def test_what_is_imported_late_is_the_same_object() -> None:
    import fmapps
    import fmapps.vertical

    assert fmapps.Vertical is fmapps.vertical.Vertical
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = fmapps.nothing_of_the_kind
