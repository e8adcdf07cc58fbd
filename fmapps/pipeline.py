"""How a turn flows: four ways to put steps together, and one place where they are watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, Protocol, TypeAlias, TypeVar

T = TypeVar("T")


class Step(Protocol[T]):
    """Takes a value and returns the next one; never changes the one it was given."""

    def __call__(self, value: T, /) -> T:
        """The next value."""
        ...


Observer: TypeAlias = Callable[[str, float], None]
"""Told the name of each step that ended and the seconds it took."""

_observer: ContextVar[Observer | None] = ContextVar("fmapps_step_observer", default=None)


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Send the time of every named step inside the block to `observer`."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


@dataclass(frozen=True, slots=True)
class named(Generic[T]):
    """A step with a name, so that it can be timed and traced, replaced or wrapped."""

    name: str
    step: Step[T]

    def __call__(self, value: T, /) -> T:
        """Run the step, and tell the observer, if there is one, how long it took."""
        observer = _observer.get()
        if observer is None:
            return self.step(value)
        began = perf_counter()
        try:
            return self.step(value)
        finally:
            observer(self.name, perf_counter() - began)


def chain(*steps: Step[T]) -> Step[T]:
    """One step after the other."""

    def run(value: T, /) -> T:
        for step in steps:
            value = step(value)
        return value

    return run


def when(condition: Callable[[T], bool], step: Step[T], otherwise: Step[T] | None = None) -> Step[T]:
    """`step` where the condition holds, else `otherwise`, else the value as it is."""

    def run(value: T, /) -> T:
        if condition(value):
            return step(value)
        return otherwise(value) if otherwise else value

    return run


def fan_out(steps: Sequence[Step[T]], merge: Callable[[T, Sequence[T]], T]) -> Step[T]:
    """Every step on the same value; `merge` makes one of the value and what came back, in the order of the steps."""
    branches = tuple(steps)

    def run(value: T, /) -> T:
        return merge(value, [branch(value) for branch in branches])

    return run


def until(condition: Callable[[T], bool], step: Step[T], *, bound: int) -> Step[T]:
    """`step` again and again until the condition holds, `bound` times at most."""
    if bound < 1:
        raise ValueError(f"bound is {bound}: a loop needs at least one round")

    def run(value: T, /) -> T:
        for _ in range(bound):
            if condition(value):
                break
            value = step(value)
        return value

    return run
