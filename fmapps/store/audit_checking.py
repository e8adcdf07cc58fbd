"""Reads the audit log again from its first record, and says what is wrong, where, and what cannot be proved."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fmapps.errors import CorruptStoreError
from fmapps.store.audit import GENESIS, AuditLog, commitment, digest
from fmapps.store.seal import Head

MOST_PROBLEMS = 100
"""After so many, the rest are not listed; the log has been replaced, not edited."""


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """Something that is not as it was recorded.

    Attributes:
        first: number of the first record concerned; 0 where it is not about single records.
        last: of the last one.
        message: what is wrong.
    """

    first: int
    last: int
    message: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a reading of the whole log found.

    Attributes:
        records: how many there are.
        erased: how many of them no longer say who asked, as a record of an erasure accounts for.
        problems: in the order of the log; empty where it is whole.
        proved: what the check has shown, in sentences.
        unproved: what it cannot show, in sentences.
        head: number and hash of the newest record, to be noted elsewhere.
    """

    records: int
    erased: int
    problems: tuple[AuditProblem, ...]
    proved: tuple[str, ...]
    unproved: tuple[str, ...]
    head: Head


@dataclass(slots=True)
class _Reading:
    """What has been seen on the way through the log."""

    tail: Head = field(default_factory=lambda: Head(0, GENESIS))
    records: int = 0
    first_sealed: int = 0
    problems: list[AuditProblem] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    present: set[int] = field(default_factory=set)
    erasures: list[tuple[int, int]] = field(default_factory=list)
    commitments: dict[int, tuple[str, int]] = field(default_factory=dict)
    vouched: bool = False

    def wrong(self, first: int, last: int, message: str) -> None:
        known = self.problems[-1] if self.problems else None
        if known and known.message == message and known.last == first - 1:
            self.problems[-1] = AuditProblem(known.first, last, message)
        else:
            self.problems.append(AuditProblem(first, last, message))


def check(log: AuditLog, *, versions: Mapping[int, str] | None = None) -> AuditReport:
    """Read the whole log again.

    Args:
        log: with the seal it was written with, where there is one.
        versions: for each document version that the store holds, the commitment to its text, by its number.
    """
    reading = _Reading()
    head, head_problem = None, ""
    # The head first: the log may only have grown by the time it is read.
    if log.seal:
        try:
            head = log.seal.head()
        except CorruptStoreError as error:
            head_problem = error.message
    with log.reading() as connection:
        if connection is not None:
            _read(connection, log, reading, head)
            _read_personal(connection, reading)
    erased = _account_for_erasures(reading)
    _compare_versions(reading, versions or {})
    if log.seal and log.seal.head_file:
        _compare_head(reading, head, head_problem)
    problems = sorted(reading.problems, key=lambda problem: (problem.first, problem.last))
    if len(problems) > MOST_PROBLEMS:
        rest = len(problems) - MOST_PROBLEMS
        problems = [*problems[:MOST_PROBLEMS], AuditProblem(0, 0, f"{rest} more problems are not listed")]
    proved, unproved = _proofs(log, reading, head, sound=not problems)
    return AuditReport(reading.records, erased, tuple(problems), proved, unproved, reading.tail)


def _read(connection: sqlite3.Connection, log: AuditLog, reading: _Reading, head: Head | None) -> None:
    rows = connection.execute(
        """
        SELECT records.sequence, hash, seal, body, principal, role, question, answer, salt
        FROM records LEFT JOIN personal USING (sequence) ORDER BY records.sequence
        """
    )
    for sequence, hashed, seal, body, *personal in rows:
        reading.records += 1
        expected = reading.tail.sequence + 1
        if sequence < expected:
            reading.wrong(sequence, sequence, "does not belong: records are numbered from 1")
            continue
        if sequence > expected:
            reading.wrong(
                expected,
                sequence - 1,
                f"missing: deleted; record {sequence}, which follows, cannot be checked without them",
            )
        elif not isinstance(body, str) or hashed != digest(sequence, reading.tail.hash, body):
            reading.wrong(sequence, sequence, "not as it was recorded: edited, moved or put in")
        if log.seal:
            if log.seal.fits(str(hashed), seal):
                reading.first_sealed = reading.first_sealed or sequence
            elif seal is not None:
                reading.wrong(sequence, sequence, "its seal was not made with this key")
            elif reading.first_sealed:
                reading.wrong(sequence, sequence, "has no seal: put in, or recorded by a process without the key")
        if head and sequence == head.sequence:
            reading.vouched = hashed == head.hash
        reading.tail = Head(sequence, str(hashed))
        _read_body(reading, sequence, body, personal)


def _read_body(reading: _Reading, sequence: int, body: object, personal: list[Any]) -> None:
    try:
        parsed = json.loads(body)  # type: ignore[arg-type]
        person = parsed.get("person")
        if parsed.get("kind") == "erasure":
            reading.erasures += [(int(first), int(last)) for first, last in parsed["erased"]]
        for number, (_, committed) in parsed.get("versions", {}).items():
            if committed:
                reading.commitments.setdefault(int(number), (str(committed), sequence))
    except (AttributeError, KeyError, TypeError, ValueError):
        # A body that is not what was written fails its hash, which has been said, or follows a gap.
        if not reading.problems or reading.problems[-1].last < sequence - 1:
            reading.wrong(sequence, sequence, "cannot be read")
        return
    *fields, salt = personal
    if salt is None:
        if person is not None:
            reading.missing.append(sequence)
        return
    reading.present.add(sequence)
    try:
        fits = commitment(salt, *fields) == person
    except TypeError:
        fits = False
    if not fits:
        reading.wrong(sequence, sequence, "who asked, or the fingerprint of the words, is not as it was recorded")


def _read_personal(connection: sqlite3.Connection, reading: _Reading) -> None:
    rows = connection.execute("SELECT sequence FROM personal WHERE sequence NOT IN (SELECT sequence FROM records)")
    for (sequence,) in rows:
        reading.wrong(sequence, sequence, "personal fields of a record that is not there")


def _account_for_erasures(reading: _Reading) -> int:
    """Every record without its personal fields was erased on record, and no erased one has them back."""
    tail = reading.tail.sequence
    on_record = {sequence for first, last in reading.erasures for sequence in range(max(first, 1), min(last, tail) + 1)}
    for sequence in reading.missing:
        if sequence not in on_record:
            reading.wrong(sequence, sequence, "who asked was deleted, and no erasure is on record")
    for sequence in sorted(on_record & reading.present):
        reading.wrong(sequence, sequence, "who asked was erased, and has been put back")
    return len(on_record.intersection(reading.missing))


def _compare_versions(reading: _Reading, versions: Mapping[int, str]) -> None:
    for number, (committed, sequence) in reading.commitments.items():
        if versions.get(number, committed) != committed:
            reading.wrong(sequence, sequence, f"the store's text of version {number} is not the one that was retrieved")


def _compare_head(reading: _Reading, head: Head | None, problem: str) -> None:
    tail = reading.tail.sequence
    if problem:
        reading.wrong(0, 0, problem)
    elif head is None:
        if tail:
            reading.wrong(
                0, 0, "there is no head for this log: it was removed, the corpus was moved, or none was begun"
            )
    elif head.sequence > tail:
        reading.wrong(tail + 1, head.sequence, "missing: the tail was cut; the head vouches for them")
    elif not reading.vouched:
        reading.wrong(head.sequence, head.sequence, "not the record that the head vouches for: the chain was rebuilt")


def _proofs(
    log: AuditLog, reading: _Reading, head: Head | None, *, sound: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    proved, unproved = [], []
    if sound and reading.records:
        proved.append(f"Records 1 to {reading.tail.sequence} form one chain: none was edited, deleted or moved alone.")
    if log.seal is None:
        unproved.append(
            "That the chain was not rebuilt, or its last record exchanged, by someone who can write the folder: "
            "records carry no seal. FMAPPS_AUDIT_KEY_FILE names a key for that."
        )
    elif sound and reading.first_sealed:
        proved.append(f"Nobody without the key made or changed record {reading.first_sealed} or a later one.")
    if log.seal and reading.first_sealed > 1:
        unproved.append(
            f"That records 1 to {reading.first_sealed - 1}, made without a key, were what they are before record "
            f"{reading.first_sealed} sealed them."
        )
    if log.seal is None or log.seal.head_file is None:
        unproved.append(
            "That the newest records were not cut off: nothing outside the corpus says how many there were. "
            "FMAPPS_AUDIT_HEAD, with a key, names a folder for that."
        )
    elif sound and head:
        proved.append(f"The tail was not cut: the head outside the corpus vouches for record {head.sequence}.")
        if head.sequence < reading.tail.sequence:
            unproved.append(
                f"That nothing was cut after record {reading.tail.sequence}: the head stops at {head.sequence}; a "
                "process ended between a record and its head."
            )
    if log.seal and log.seal.head_file:
        unproved.append(
            "That corpus and head were not both put back to an older state: note the number and hash of the newest "
            "record elsewhere, now and then."
        )
    unproved.append(
        "That every turn was recorded: only FMAPPS_AUDIT=required refuses a turn that cannot be, and what does not "
        "run through fmapps is not seen."
    )
    return tuple(proved), tuple(unproved)
