"""What an assistant records of a turn, and the audit log of a corpus as its keepers use it."""

from __future__ import annotations

import logging
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from time import perf_counter
from typing import Any, TypeAlias

from fmapps.corpus import Corpus
from fmapps.errors import ConfigurationError, FmappsError, StoreError
from fmapps.outflow import Outflow, collecting
from fmapps.pipeline import Step
from fmapps.records import Answer, Citation, Passage, Turn
from fmapps.settings import Settings
from fmapps.store.audit import AUDIT, AuditLog, Entry, Person, commitment
from fmapps.store.audit_checking import AuditReport
from fmapps.store.audit_checking import check as check_log
from fmapps.store.seal import Seal

__all__ = ["Audit", "AuditReport", "Entry", "Record"]

Record: TypeAlias = Step[tuple[Turn, Answer]]
"""Records a turn with the answer it came to."""

logger = logging.getLogger(__name__)


class Audit:
    """The audit log of a corpus.

    A record holds: when, which vertical, what came of it (answered, abstained, stopped, failed), which rules fired and
    decided, which passages were retrieved and cited, which model, what left the machine, and how long it took. Question
    and answer are kept as keyed fingerprints only, who asked as fields that can be erased. Documents appear as
    the store's internal numbers, their versions as a commitment salted with a value that is removed with the version:
    after a removal neither id nor text is in the log, and a guessed text cannot be tested against it.

    Args:
        corpus: whose log.
        settings: whether to record, and where key and head are; None: those of the corpus.

    Raises:
        ConfigurationError: a head is asked for without a key, or key or head lie where they must not.
    """

    def __init__(self, corpus: Corpus, *, settings: Settings | None = None) -> None:
        current = settings or corpus._settings
        if current.audit_head and not current.audit_key_file:
            raise ConfigurationError(
                "FMAPPS_AUDIT_HEAD is set, and no key: whoever can change the head could write it anew",
                where="FMAPPS_AUDIT_KEY_FILE",
                remedy="name a file with a key, or unset FMAPPS_AUDIT_HEAD",
            )
        timeout = min(10.0, current.writer_timeout)
        seal = None
        if current.audit_key_file:
            seal = Seal.from_files(current.audit_key_file, current.audit_head, corpus=corpus.path, timeout=timeout)
        self.mode = current.audit
        self.path = corpus.path / AUDIT
        self._database = corpus._database
        self.log = AuditLog(corpus.path, seal=seal, required=self.mode == "required", timeout=timeout)
        self._warned = False

    @classmethod
    def of(cls, corpus: Corpus) -> Audit:
        """The audit of this corpus object, one for all assistants over it; closed when the corpus is forgotten."""
        with _guard:
            known = _audits.get(corpus)
            if known is None:
                known = _audits[corpus] = cls(corpus)
                weakref.finalize(corpus, known.log.close)
            return known

    @contextmanager
    def turn(self, begun: Turn, *, vertical: str) -> Iterator[Record]:
        """See to it that the turn inside the block leaves a record, also where it fails.

        Yields:
            What records the turn when it came to its answer.

        Raises:
            StoreError: the record could not be written, and the settings require it.
        """
        if self.mode == "off":
            yield lambda came: came
            return
        began = perf_counter()
        recorded = False
        with collecting() as outflows:

            def record(came: tuple[Turn, Answer], /) -> tuple[Turn, Answer]:
                nonlocal recorded
                recorded = True
                turn, answer = came
                self._append(_come_to_answer(answer), turn, answer.text, vertical, began, outflows, answer.citations)
                return came

            try:
                yield record
            except BaseException as error:
                if not recorded:
                    code = error.code if isinstance(error, FmappsError) else type(error).__name__
                    failed = {"outcome": "failed", "error": code}
                    self._append(failed, begun, "", vertical, began, outflows, ())
                raise

    def entries(
        self, *, limit: int | None = None, principal: str | None = None, question: str | None = None
    ) -> Iterator[Entry]:
        """Records, the newest first; see `AuditLog.entries`."""
        return self.log.entries(limit=limit, principal=principal, question=question)

    def verify(self) -> AuditReport:
        """Read the whole log again, and compare the versions it names with the store's."""
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT number, digest, {_salt(connection)} FROM versions")  # noqa: S608
            versions = {number: commitment(salt, digest) for number, digest, salt in rows if salt}
        return check_log(self.log, versions=versions)

    def erase(self, principal: str) -> int:
        """Forget a person's id, role and fingerprints; the chain stays whole, and says from which records.

        Returns:
            From how many records.
        """
        return self.log.erase(principal)

    def accept(self) -> AuditReport:
        """Begin the head anew at the end of the log as it stands, which must be whole apart from its head.

        Raises:
            ConfigurationError: no head is kept.
            StoreError: the log itself is not whole.
        """
        if self.log.seal is None or self.log.seal.head_file is None:
            raise ConfigurationError(
                "no head is kept", where="FMAPPS_AUDIT_HEAD", remedy="name a folder for it, and a key"
            )
        report = check_log(AuditLog(self.path.parent, seal=Seal(self.log.seal.key)))
        if report.problems:
            raise StoreError(
                f"the log is not whole: {report.problems[0].message}",
                where=f"{self.path}, record {report.problems[0].first}",
                remedy=f"keep {AUDIT} as evidence elsewhere; a new log begins where it is gone",
            )
        self.log.accept()
        return self.verify()

    def _append(
        self,
        came: Mapping[str, object],
        turn: Turn,
        answer: str,
        vertical: str,
        began: float,
        outflows: Iterable[Outflow],
        citations: Iterable[Citation],
    ) -> None:
        try:
            passages = [hit.passage for hit in turn.hits]
            body = {
                "kind": "turn",
                "vertical": vertical,
                **came,
                "action": str(turn.decision.action),
                "rules": [[finding.rule_id, str(finding.action)] for finding in turn.findings],
                "decided": list(turn.decision.rules),
                **self._places(passages, list(citations)),
                "model": turn.model,
                "outflows": [[flow.destination, flow.purpose, flow.bytes, flow.rule] for flow in outflows],
                "milliseconds": round(1000 * (perf_counter() - began), 3),
            }
            who = turn.principal
            self.log.append(body, Person(who.id, who.role, turn.question, answer))
        except FmappsError as error:
            if self.mode == "required":
                raise StoreError(
                    f"the turn could not be recorded, and this deployment requires it: {error.message}",
                    where=error.where,
                    remedy=error.remedy,
                ) from error
            if not self._warned:
                self._warned = True
                logger.warning(
                    "Turns are not recorded: %s: %s. To mend it: %s. FMAPPS_AUDIT=required withholds such answers.",
                    error.where,
                    error.message,
                    error.remedy,
                )

    def _places(self, passages: list[Passage], citations: list[Citation]) -> dict[str, Any]:
        """What was retrieved and cited, as [version number, start, end], and the versions by their number."""
        everywhere: list[Passage | Citation] = [*passages, *citations]
        pairs = {(place.document_id, place.version) for place in everywhere}
        numbers: dict[tuple[str, str], int] = {}
        versions: dict[str, tuple[int, str | None]] = {}
        if pairs:
            with self._database.read() as connection:
                query = (
                    f"SELECT versions.number, versions.document, {_salt(connection)} FROM documents "  # noqa: S608
                    "JOIN versions ON versions.document = documents.number "
                    "WHERE documents.id = ? AND versions.digest = ?"
                )
                for pair in pairs:
                    row = connection.execute(query, pair).fetchone()
                    # None where it was removed while the turn was under way.
                    if row is not None:
                        number, document, salt = row
                        numbers[pair] = number
                        versions[str(number)] = (document, commitment(salt, pair[1]) if salt else None)

        def placed(places: Iterable[Passage | Citation]) -> list[list[int | None]]:
            return [[numbers.get((place.document_id, place.version)), place.start, place.end] for place in places]

        return {"retrieved": placed(passages), "cited": placed(citations), "versions": versions}


def _come_to_answer(answer: Answer) -> dict[str, object]:
    outcome = "stopped" if answer.decision.action.stops else "abstained" if answer.abstained else "answered"
    return {"outcome": outcome, "claims": len(answer.claims), "characters": len(answer.text)}


def _salt(connection: sqlite3.Connection) -> str:
    """The column with a version's salt; stores made before there was one have none."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(versions)")}
    return "salt" if "salt" in columns else "NULL"


_guard = Lock()
_audits: weakref.WeakKeyDictionary[Corpus, Audit] = weakref.WeakKeyDictionary()
