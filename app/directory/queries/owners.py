"""Who is meant by what somebody typed for an owner: many at once, for a sheet holds thousands."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.directory.models import Account, Identity
from app.kernel.errors import FieldErrors
from app.kernel.phrases import phrase
from app.kernel.uow import Reading

AT_ONCE = 300


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who may answer for an entitlement.

    Attributes:
        key: Internal key of the identity.
        id: Its public id.
        name: How they are called.
        is_active: Whether they are there to answer.
    """

    key: int
    id: str
    name: str
    is_active: bool


def find_owners(reading: Reading, words: Collection[str]) -> dict[str, list[Owner]]:
    """Find whom ids, employee numbers, mails or logins mean (no authorisation).

    Args:
        reading: Who looks.
        words: As typed.

    Returns:
        For each of the words everybody it may mean; an id or a number counts before the rest.
    """
    exact: dict[str, dict[int, Owner]] = {each: {} for each in words}
    others: dict[str, dict[int, Owner]] = {each: {} for each in words}
    wanted = sorted(exact)
    for begin in range(0, len(wanted), AT_ONCE):
        part = wanted[begin : begin + AT_ONCE]
        by_mail: dict[str, list[str]] = {}
        for each in part:
            by_mail.setdefault(each.lower(), []).append(each)
        shown = (Identity.id, Identity.public_id, Identity.display_name, Identity.is_active)
        known = sa.or_(
            Identity.public_id.in_(part),
            Identity.employee_number.in_(part),
            sa.func.lower(Identity.mail).in_(sorted(by_mail)),
        )
        rows = reading.session.execute(
            sa.select(*shown, Identity.employee_number, Identity.mail).where(
                known, Identity.ended_at.is_(None)
            )
        )
        for key, public_id, name, is_active, number, mail in rows:
            who = Owner(key, public_id, name, is_active)
            for word in (public_id, number):
                if word in exact:
                    exact[word][key] = who
            for word in by_mail.get((mail or "").lower(), ()):
                others[word][key] = who
        logins = reading.session.execute(
            sa.select(*shown, Account.login)
            .join(Identity, Identity.id == Account.identity_id)
            .where(Account.login.in_(part), Account.ended_at.is_(None), Identity.ended_at.is_(None))
        )
        for key, public_id, name, is_active, login in logins:
            others[login][key] = Owner(key, public_id, name, is_active)
    return {each: list((exact[each] or others[each]).values()) for each in exact}


def one_owner(meant: Sequence[Owner], wrong: FieldErrors) -> Owner | None:
    """Return the one person who is meant, if they can answer."""
    if not meant:
        wrong.add("owner", phrase("Nobody has this id, mail, employee number or login."))
    elif len(meant) > 1:
        wrong.add("owner", phrase("This may mean several people: give the id."))
    elif not meant[0].is_active:
        wrong.add("owner", phrase("This person is not active: name one who can answer."))
    else:
        return meant[0]
    return None
