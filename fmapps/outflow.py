"""What leaves this machine, told by whoever sends it at the moment it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outflow:
    """One sending.

    Attributes:
        destination: the service or host, such as "api.example.com"; never a path, a query or a credential.
        purpose: what for, such as "compose an answer"; nothing of what was sent.
        bytes: how many left.
        rule: id of the rule, or name of the setting, under which it was allowed.
    """

    destination: str
    purpose: str
    bytes: int
    rule: str


_collected: ContextVar[list[Outflow] | None] = ContextVar("fmapps_outflows", default=None)


def sent(outflow: Outflow) -> None:
    """Tell the turn that is under way what is being sent; call it before sending, so that a failure is told too.

    Outside a turn there is nobody to tell. A thread that a step starts itself must run in a copy of its context
    (`contextvars.copy_context`), as `asyncio.to_thread` does.
    """
    collected = _collected.get()
    if collected is not None:
        collected.append(outflow)


@contextmanager
def collecting() -> Iterator[list[Outflow]]:
    """What is sent inside the block, in order."""
    collected: list[Outflow] = []
    token = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(token)
