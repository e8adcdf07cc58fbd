"""Small matrix products on one thread: waking a second costs more than it brings, and far more on a busy machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController, threadpool_limits

_guard = threading.Lock()
_inside = 0
_limits: threadpool_limits | Any = None


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep numpy's linear algebra on the calling thread inside the block.

    It takes effect for the main thread; OpenBLAS, as numpy's wheels bring it, does not follow it in others, where
    the block changes nothing. What held before comes back when the last thread leaves.
    """
    global _inside, _limits
    with _guard:
        _inside += 1
        if _inside == 1:
            _limits = _blas().limit(limits=1)
    try:
        yield
    finally:
        with _guard:
            _inside -= 1
            if _inside == 0:
                _limits.restore_original_limits()


@cache
def _blas() -> ThreadpoolController:
    """The linear algebra libraries of this process."""
    return ThreadpoolController().select(user_api="blas")
