"""Erasing personal values by right: salt and value go, the commitment stays, every proof holds.

An entry of the ledger never changes. What the law may have erased is the clear value behind a
commitment and its salt: without the salt nobody can find the value by trying. Bundles that were
handed over before cannot be called back; the next ones no longer open what was erased.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from app import events
from app.kernel.actor import Permission
from app.kernel.errors import InvalidInputError, NothingToChangeError
from app.kernel.ledger import LedgerDisclosure, LedgerEntry
from app.kernel.uow import UnitOfWork
from app.provisioning import attributing

AT_ONCE = 1_000
LONGEST_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: how many values, of how many entries."""

    entries: int
    fields: int


def erase(uow: UnitOfWork, *, subject: str, reason: str) -> Erased:
    """Erase every value disclosed in entries that name a subject.

    Args:
        uow: The unit of work.
        subject: The public id of a person, a request or whatever else entries are about. An entry
            counts if it is about the subject, was caused by it, or names it in its data or in
            what it discloses. Facts of a verdict name people, not requests: to have all of a
            person erased, give the person.
        reason: On whose request and by what right; kept as a commitment, like any reason.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: No subject, or no reason.
        NothingToChangeError: No value is held that names it.
    """
    uow.actor.require(Permission.DISCLOSURE_ERASE)
    _refuse_unclear(subject, reason)
    rows = uow.session.execute(
        sa.select(
            LedgerDisclosure.id,
            LedgerDisclosure.entry_id,
            LedgerDisclosure.value,
            LedgerEntry.body,
            LedgerEntry.kind,
            LedgerEntry.subject,
        )
        .join(LedgerEntry, LedgerEntry.id == LedgerDisclosure.entry_id)
        .where(LedgerEntry.kind != events.DisclosureErased.kind)  # by what right stays told
        .execution_options(yield_per=AT_ONCE)
    )
    # The body names every id in quotes, as a whole string: subject, actor or a value in data. So do
    # the facts of a verdict, which stand behind one commitment.
    name = f'"{subject}"'
    wanted = name.encode("ascii")
    found: dict[int, int] = {}
    findings = set()
    for row in rows:
        if wanted in row.body or name in row.value:
            found[row.id] = row.entry_id
            if row.kind == events.DriftAttributed.kind:
                findings.add(row.subject)
    if not found:
        raise NothingToChangeError("No value is held of an entry that names this subject.")
    keys = sorted(found)
    for at in range(0, len(keys), AT_ONCE):
        uow.session.execute(
            sa.delete(LedgerDisclosure)
            .where(LedgerDisclosure.id.in_(keys[at : at + AT_ONCE]))
            .execution_options(synchronize_session=False)
        )
    attributing.forget(uow, subject, sorted(findings))  # who a log named stands there in clear
    erased = Erased(entries=len(set(found.values())), fields=len(found))
    uow.record(
        events.DisclosureErased(
            subject=subject, entries=erased.entries, fields=erased.fields, reason=reason
        )
    )
    return erased


def _refuse_unclear(subject: str, reason: str) -> None:
    wrong = {}
    if not subject.isascii() or not subject.replace("-", "").isalnum():
        wrong["subject"] = "Give the public id that the entries name."
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        wrong["reason"] = "Say on whose request and by what right."
    if wrong:
        raise InvalidInputError(wrong)
