"""What people ask, one question a line, sorted by whether a rule must see it."""

from __future__ import annotations

from pathlib import Path

from fmapps.records import Action, Finding, Principal, Stage, Turn
from fmapps.safety.policy import Policy, decide

FOLDER = Path(__file__).parent / "cases"


def read(name: str) -> list[str]:
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def turn(question: str, *, role: str = "", **parameters: str | int) -> Turn:
    return Turn(question=question, query=question, principal=Principal("someone", role), parameters=parameters)


def findings(policy: Policy, rule: str, asked: Turn) -> list[Finding]:
    found = [finding for finding in policy.findings(asked, Stage.INPUT) if finding.rule_id == rule]
    assert all(0 <= f.start <= f.end <= len(asked.question) and f.message and f.source for f in found)
    return found


def action(policy: Policy, asked: Turn) -> Action:
    return decide(policy.findings(asked, Stage.INPUT)).action
