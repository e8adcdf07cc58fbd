"""The contract that every vertical keeps, run by the package that brings this one."""

from __future__ import annotations

import fmapps_vertical_library
import pytest

from fmapps.assistant import Assistant
from fmapps.corpus import Corpus
from fmapps.records import Action
from fmapps.testing import VerticalContract
from fmapps.vertical import Vertical, load


class TestContract(VerticalContract):
    @pytest.fixture
    def vertical(self) -> Vertical:
        return fmapps_vertical_library.VERTICAL

    def test_its_own_task_and_rule_work_by_name(self, corpus: Corpus) -> None:
        assistant = Assistant("library", corpus=corpus)
        assert assistant.run("shelf", call_number="510.2").model_dump() == {"floor": 3}
        assert assistant.ask("Who borrowed the book about bees?").decision.action is Action.REFUSE


def test_it_is_loaded_from_where_it_was_installed(pytestconfig: pytest.Config) -> None:
    assert load("library") is fmapps_vertical_library.VERTICAL
    assert pytestconfig.rootpath not in fmapps_vertical_library.VERTICAL.samples.parents
