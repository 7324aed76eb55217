"""Links that sign somebody in once.

`init` makes one for the first administrator, the demonstration one for each persona. Shown once,
kept by digest; looking at one uses nothing up.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from typing_extensions import override

from app.directory.models import Identity
from app.events import SessionTied, SignInLinkMade, SignInRefused
from app.kernel.actor import Permission, Role
from app.kernel.errors import (
    AttestryError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
)
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.signin import sessions
from app.signin.domain import LINK_HOLDS, REUSABLE_HOLDS, holds, token_digest
from app.signin.models import SigninLink, SigninSession
from app.signin.service import find_person, give_role
from app.web.visit import SignedInBy

PATH = "/sign-in/link/"
MAX_SECRET = 200
UNKNOWN_LINK = "unknown"
UNKNOWN = "This sign-in link is not known here. Check that it is whole, or ask for a new one."
USED = "This sign-in link has been used. It works once; ask for a new one."
EXPIRED = "This sign-in link has expired. Ask for a new one."
ELSEWHERE = "This sign-in link works in a demonstration only."


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link just made; the only time its secret exists outside its holder's hands.

    Attributes:
        id: Public id.
        path: Path of the page that it opens; never logged, never shown in a `repr`.
    """

    id: str
    path: str

    @override
    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"NewLink(id={self.id!r})"


@dataclass(frozen=True, slots=True)
class LinkShown:
    """What the page of a link tells before it is used.

    Attributes:
        name: Who would be signed in; empty for a first administrator without address.
        is_reusable: Whether it works again afterwards.
    """

    name: str
    is_reusable: bool


def make(
    uow: UnitOfWork,
    *,
    who: str | None = None,
    role: Role | None = None,
    mail: str | None = None,
    is_reusable: bool = False,
) -> NewLink:
    """Make a link for a person, or for a first administrator who is nobody yet.

    Args:
        uow: The unit of work.
        who: Public id, mail or employee number of the person; or
        role: the role of somebody who is no identity yet.
        mail: Their mail address, by which they may be tied to an identity later.
        is_reusable: It may be used many times, in a demonstration only.
    """
    uow.actor.require(Permission.ROLE_WRITE)
    uow.actor.require_fresh(uow.now)
    if (role is None) == (who is None):
        raise InvalidInputError({"who": phrase("Give either a person, or a role.")})
    identity = None if who is None else find_person(uow, who)
    secret = uow.ids.secret()
    link = SigninLink(
        public_id=uow.ids.new(),
        digest=token_digest(secret),
        identity_id=None if identity is None else identity.id,
        role=role,
        mail=mail,
        is_reusable=is_reusable,
        created_at=uow.now,
        created_by=uow.actor.public_id,
        expires_at=uow.now + (REUSABLE_HOLDS if is_reusable else LINK_HOLDS),
        used_at=None,
    )
    uow.session.add(link)
    uow.record(
        SignInLinkMade(
            subject=link.public_id,
            identity=None if identity is None else identity.public_id,
            role=None if role is None else role.value,
            expires_at=link.expires_at,
            is_reusable=is_reusable,
        )
    )
    return NewLink(link.public_id, PATH + secret)


def look(reading: Reading, secret: str, *, is_demonstration: bool) -> LinkShown:
    """Tell what a link would do, without using it.

    Raises:
        NotFoundError: It is not known.
        ConflictError: It has been used, or has expired.
    """
    row = _found(reading, secret)
    _check(reading, row, is_demonstration=is_demonstration)
    return LinkShown(name=row.display_name or row.mail or "", is_reusable=row.is_reusable)


def use(
    uow: UnitOfWork, secret: str, *, browser: sessions.Browser, is_demonstration: bool
) -> sessions.NewSession:
    """Sign in with a link; of two at once, one gets in.

    Raises:
        NotFoundError: It is not known.
        ConflictError: It has been used, or has expired.
        NotSignedInError: Its person is not active.
    """
    row = _found(uow, secret)
    _check(uow, row, is_demonstration=is_demonstration)
    if not row.is_reusable:
        taken = uow.session.execute(
            sa.update(SigninLink)
            .where(SigninLink.public_id == row.public_id, SigninLink.used_at.is_(None))
            .values(used_at=uow.now)
            .returning(SigninLink.id)
        ).all()
        if not taken:
            raise ConflictError(USED)
    identity = None if row.identity_id is None else uow.session.get(Identity, row.identity_id)
    return sessions.begin(
        uow,
        identity=identity,
        proof=sessions.Proof(SignedInBy.LINK, uow.now, link=row.public_id),
        browser=browser,
        role=row.role,
        mail=row.mail,
    )


@dataclass(frozen=True, slots=True)
class TieOffered:
    """Whom a first administrator may be tied to.

    Attributes:
        mail: Their address, as given to `init`; None if none was.
        name: Name of the one active identity that has it, or None.
    """

    mail: str | None
    name: str | None


def tie_offered(reading: Reading, session_id: str) -> TieOffered | None:
    """Tell a first administrator who is no identity yet whom they may be tied to."""
    if reading.actor.identity_id is not None:
        return None
    session, found = _tie(reading, session_id)
    return TieOffered(session.mail, found[0].display_name if len(found) == 1 else None)


def tie(uow: UnitOfWork, session_id: str) -> None:
    """Tie a first administrator's session to the one active identity with their mail address.

    They get the role as that person, unless they hold it already. Nobody can be tied to anyone
    but by the address that whoever set the instance up gave to `init`.

    Raises:
        ConflictError: No identity, or more than one, has the address; or it is done already.
    """
    if uow.actor.identity_id is not None:
        raise ConflictError(phrase("You are signed in as yourself already."))
    session, found = _tie(uow, session_id)
    if len(found) != 1 or session.role is None:
        raise ConflictError(
            phrase(
                "No active person in the directory has your mail address. Connect the source "
                "that knows you, and let it be read."
            )
        )
    person, role = found[0], session.role
    with suppress(NothingToChangeError):
        give_role(uow, who=person.public_id, role=role)
    session.identity_id, session.role = person.id, None
    uow.record(SessionTied(subject=session.public_id, identity=person.public_id))


def _tie(reading: Reading, session_id: str) -> tuple[SigninSession, Sequence[Identity]]:
    session = reading.session.scalars(
        sa.select(SigninSession).where(SigninSession.public_id == session_id)
    ).one()
    if session.mail is None:
        return session, []
    found = reading.session.scalars(
        sa.select(Identity)
        .where(
            sa.func.lower(Identity.mail) == session.mail.lower(),
            Identity.is_active,
            Identity.ended_at.is_(None),
        )
        .limit(2)
    )
    return session, found.all()


def note_refusal(uow: UnitOfWork, secret: str, refusal: AttestryError) -> None:
    """Tell the ledger that a link was refused; of one that is not known, only that it was tried."""
    known = uow.session.scalar(
        sa.select(SigninLink.public_id).where(SigninLink.digest == token_digest(secret))
    )
    why = refusal.code
    uow.record(SignInRefused(subject=known or UNKNOWN_LINK, how=SignedInBy.LINK.value, why=why))


def _found(reading: Reading, secret: str) -> Any:
    row = None
    if len(secret) <= MAX_SECRET:
        row = reading.session.execute(
            sa.select(
                SigninLink.public_id,
                SigninLink.identity_id,
                SigninLink.role,
                SigninLink.mail,
                SigninLink.is_reusable,
                SigninLink.expires_at,
                SigninLink.used_at,
                Identity.display_name,
            )
            .outerjoin(Identity, Identity.id == SigninLink.identity_id)
            .where(SigninLink.digest == token_digest(secret))
        ).one_or_none()
    if row is None:
        raise NotFoundError(UNKNOWN)
    return row


def _check(reading: Reading, row: Any, *, is_demonstration: bool) -> None:
    if row.is_reusable and not is_demonstration:
        raise ConflictError(ELSEWHERE)
    if row.used_at is not None:
        raise ConflictError(USED)
    if not holds(reading.now, until=row.expires_at, ended_at=None):
        raise ConflictError(EXPIRED)
