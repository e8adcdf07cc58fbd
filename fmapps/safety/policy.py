"""Rules, the policy that orders them, and the decision that their findings add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fmapps.errors import ConfigurationError
from fmapps.records import Action, Decision, Finding, Stage, Turn


@dataclass(frozen=True, slots=True)
class Rule:
    """One check.

    Attributes:
        id: unique in its policy, such as "core.crisis".
        stage: where in the turn it looks.
        source: on whose authority it stands.
        check: returns what it saw; deterministic, needs no model and no network.
    """

    id: str
    stage: Stage
    source: str
    check: Callable[[Turn], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Policy:
    """Ordered rules; the strongest action among their findings is the decision."""

    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        ids = [rule.id for rule in self.rules]
        repeated = sorted({id_ for id_ in ids if ids.count(id_) > 1})
        if repeated:
            raise ConfigurationError(f"rules {repeated} stand twice in one policy", remedy="give each rule its own id")

    def __add__(self, rules: Iterable[Rule]) -> Policy:
        """This policy with more rules after its own: a deployment can tighten."""
        return Policy(self.rules + tuple(rules))

    def findings(self, turn: Turn, stage: Stage) -> tuple[Finding, ...]:
        """What the rules of one stage see in the turn, in the order of the rules."""
        return tuple(finding for rule in self.rules if rule.stage is stage for finding in rule.check(turn))


def decide(findings: Iterable[Finding]) -> Decision:
    """The strongest action that any finding asks for, with all findings."""
    seen = tuple(findings)
    action = max((finding.action for finding in seen), key=lambda action: action.strength, default=Action.ALLOW)
    return Decision(action, seen)
