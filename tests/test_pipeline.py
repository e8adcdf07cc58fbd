"""The laws of the four ways to put steps together, and of watching them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.pipeline import Step, chain, fan_out, named, observed, until, when


def plus(amount: int) -> Step[int]:
    return lambda value: value + amount


def times(amount: int) -> Step[int]:
    return lambda value: value * amount


numbers = st.integers(-1000, 1000)
steps = st.one_of(numbers.map(plus), st.integers(-3, 3).map(times))


@given(st.lists(steps, max_size=6), numbers)
def test_chain_applies_its_steps_in_order(several: list[Step[int]], value: int) -> None:
    expected = value
    for step in several:
        expected = step(expected)
    assert chain(*several)(value) == expected


@given(steps, steps, steps, numbers)
def test_chain_is_associative(one: Step[int], two: Step[int], three: Step[int], value: int) -> None:
    assert chain(chain(one, two), three)(value) == chain(one, chain(two, three))(value)


@given(numbers)
def test_an_empty_chain_changes_nothing(value: int) -> None:
    assert chain()(value) == value


@given(numbers)
def test_when_takes_one_branch_only(value: int) -> None:
    taken: list[str] = []

    def marked(name: str) -> Step[int]:
        def step(value: int, /) -> int:
            taken.append(name)
            return value

        return step

    when(lambda number: number > 0, marked("then"), marked("otherwise"))(value)
    assert taken == (["then"] if value > 0 else ["otherwise"])


@given(steps, numbers)
def test_when_without_otherwise_leaves_the_value(step: Step[int], value: int) -> None:
    assert when(lambda _: False, step)(value) == value
    assert when(lambda _: True, step)(value) == step(value)


@given(st.lists(steps, max_size=5), numbers)
def test_every_branch_of_a_fan_out_sees_the_same_value(branches: list[Step[int]], value: int) -> None:
    seen: list[tuple[int, list[int]]] = []

    def merge(original: int, results: object) -> int:
        assert isinstance(results, list)
        seen.append((original, results))
        return original

    assert fan_out(branches, merge)(value) == value
    assert seen == [(value, [branch(value) for branch in branches])]


@given(st.integers(1, 8), numbers)
def test_until_never_goes_past_its_bound(bound: int, value: int) -> None:
    assert until(lambda _: False, plus(1), bound=bound)(value) == value + bound


@given(st.integers(0, 20), st.integers(0, 20))
def test_until_stops_as_soon_as_the_condition_holds(value: int, goal: int) -> None:
    assert until(lambda number: number >= goal, plus(1), bound=20)(value) == max(value, goal)


@pytest.mark.parametrize("bound", [0, -1])
def test_until_refuses_a_loop_of_no_rounds(bound: int) -> None:
    with pytest.raises(ValueError, match="at least one round"):
        until(lambda _: True, plus(1), bound=bound)


@given(steps, numbers)
def test_a_named_step_does_what_the_step_does_watched_or_not(step: Step[int], value: int) -> None:
    told: list[tuple[str, float]] = []
    assert named("step", step)(value) == step(value)
    with observed(lambda name, seconds: told.append((name, seconds))):
        assert named("step", step)(value) == step(value)
    assert [name for name, _ in told] == ["step"]
    assert told[0][1] >= 0


def test_only_what_runs_inside_the_block_is_told() -> None:
    told: list[str] = []
    pipeline = chain(named("one", plus(1)), named("two", plus(2)))
    pipeline(0)
    with observed(lambda name, _: told.append(name)):
        pipeline(0)
    pipeline(0)
    assert told == ["one", "two"]


def test_a_step_that_fails_is_timed_and_its_error_goes_on() -> None:
    told: list[str] = []

    def fails(value: int, /) -> int:
        raise LookupError("no such thing")

    with observed(lambda name, _: told.append(name)), pytest.raises(LookupError):
        named("fails", fails)(1)
    assert told == ["fails"]


def test_an_inner_observer_takes_over_and_gives_back() -> None:
    outer: list[str] = []
    inner: list[str] = []
    with observed(lambda name, _: outer.append(name)):
        with observed(lambda name, _: inner.append(name)):
            named("inside", plus(1))(0)
        named("outside", plus(1))(0)
    assert (outer, inner) == (["outside"], ["inside"])


def test_threads_do_not_hear_each_other() -> None:
    told: dict[str, list[str]] = {"a": [], "b": []}
    together = threading.Barrier(2)

    def work(name: str) -> Callable[[], None]:
        def run() -> None:
            with observed(lambda step, _: told[name].append(step)):
                together.wait(timeout=10)
                named(name, plus(1))(0)
                together.wait(timeout=10)

        return run

    threads = [threading.Thread(target=work(name)) for name in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert told == {"a": ["a"], "b": ["b"]}
