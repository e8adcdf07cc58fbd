"""Linear algebra is held to one thread inside the block, and only there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
from threadpoolctl import threadpool_info

from fmapps.retrieval.threads import single_threaded_blas


def _threads() -> list[int]:
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return [library["num_threads"] for library in blas if "numpy" in library["filepath"]]


def test_the_limit_holds_inside_the_block_and_ends_with_it():
    before = _threads()
    assert before
    with single_threaded_blas():
        assert set(_threads()) == {1}
    assert _threads() == before


def test_threads_that_come_and_go_leave_what_was_there_before():
    before = _threads()
    together = Barrier(4)

    def work(_):
        for _ in range(20):
            together.wait(timeout=10)
            with single_threaded_blas():
                np.ones((8, 8)) @ np.ones((8, 8))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert _threads() == before
