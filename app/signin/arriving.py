"""Whom the provider vouched for, let in: tied to one identity, with the roles of their claims.

The first time by a verified mail address that exactly one active identity has, unless an
administrator tied them by hand; from then on by issuer and subject alone, whatever becomes of the
address. An identity has one account at a provider, so that an address given to somebody new does
not make them somebody old.
"""

from datetime import timedelta

import sqlalchemy as sa

from app.directory.models import Identity
from app.events import ProviderTied, ProviderUntied, RoleGranted, RoleRevoked, SignInRefused
from app.kernel.actor import FRESH_FOR, SYSTEM, Permission, Role
from app.kernel.errors import ConflictError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork
from app.signin import sessions
from app.signin.domain import CLAIMED_AGAIN, CLAIMED_HOLDS, RefusedError, Trouble, holds
from app.signin.models import ProviderTie, RoleGrant
from app.signin.service import find_person
from app.signin.vouching import Vouched
from app.web.visit import SignedInBy

UNKNOWN = "unknown"
MAIL, HAND = "mail", "hand"


def arrive(uow: UnitOfWork, vouched: Vouched, browser: sessions.Browser) -> sessions.NewSession:
    """Sign in whom the provider vouched for.

    Raises:
        RefusedError: They are nobody here, or nobody any more.
    """
    uow.actor = SYSTEM
    identity = _tied(uow, vouched.issuer, vouched.subject) or _tie(uow, vouched)
    if not identity.is_active or identity.ended_at is not None:
        raise RefusedError(Trouble.NOT_ACTIVE, identity.public_id)
    take_roles(uow, identity, vouched)
    proof = sessions.Proof(
        SignedInBy.PROVIDER,
        vouched.proven_at or uow.now - FRESH_FOR - timedelta(seconds=1),
        issuer=vouched.issuer,
        subject=vouched.subject,
    )
    return sessions.begin(uow, identity=identity, proof=proof, browser=browser)


def take_roles(uow: UnitOfWork, identity: Identity, vouched: Vouched) -> None:
    """Make the roles that claims gave somebody those that they give now.

    What an administrator gave is left alone, and not given twice. Such a role ends by itself after
    thirty days without a sign-in: nobody keeps one by staying away.
    """
    open_ = uow.session.scalars(
        sa.select(RoleGrant).where(
            RoleGrant.identity_id == identity.id, RoleGrant.ended_at.is_(None)
        )
    ).all()
    held = [each for each in open_ if holds(uow.now, until=each.until, ended_at=None)]
    until = uow.now + CLAIMED_HOLDS
    for each in held:
        if each.issuer is None:
            continue
        if each.role not in vouched.roles:
            each.ended_at = uow.now
            uow.record(
                RoleRevoked(subject=identity.public_id, role=each.role.value, issuer=vouched.issuer)
            )
        elif each.until is not None and until - each.until >= CLAIMED_AGAIN:
            each.until = until
            _record_given(uow, identity, each)
    for role in sorted(vouched.roles - {each.role for each in held}):
        _give(uow, identity, role, vouched.issuer)


def _give(uow: UnitOfWork, identity: Identity, role: Role, issuer: str) -> None:
    given = RoleGrant(
        public_id=uow.ids.new(),
        identity_id=identity.id,
        role=role,
        granted_by=uow.actor.public_id,
        granted_at=uow.now,
        until=uow.now + CLAIMED_HOLDS,
        ended_at=None,
        issuer=issuer,
        limits=None,
    )
    uow.session.add(given)
    _record_given(uow, identity, given)


def _record_given(uow: UnitOfWork, identity: Identity, given: RoleGrant) -> None:
    uow.record(
        RoleGranted(
            subject=identity.public_id,
            role=given.role.value,
            until=given.until,
            issuer=given.issuer,
            limits=given.limits,
        )
    )


def tie(uow: UnitOfWork, *, who: str, issuer: str | None, subject: str) -> Identity:
    """Tie somebody to their account at the provider by hand, where no verified address does.

    Args:
        uow: The unit of work.
        who: Mail address, employee number or id of an active person.
        issuer: The provider that is set up, or None.
        subject: What the provider calls their account (the claim `sub`); they are shown it when
            they are not let in.

    Raises:
        NotPermittedError: The actor may not.
        NotFreshError: The actor signed in too long ago.
        NotFoundError: Nobody is known so.
        ConflictError: No provider is set up, or one of the two is tied to another.
        NothingToChangeError: They are tied so already.
    """
    uow.actor.require(Permission.ROLE_WRITE)
    uow.actor.require_fresh(uow.now)
    if issuer is None:
        raise ConflictError(phrase("No identity provider is set up: see ATTESTRY_OIDC_ISSUER."))
    identity = find_person(uow, who)
    holder = _tied(uow, issuer, subject)
    if holder is not None and holder.id == identity.id:
        raise NothingToChangeError(
            phrase("%(identity)s is tied to this account already.", identity=identity.display_name)
        )
    if holder is not None:
        raise ConflictError(phrase("This account is tied to somebody else: untie them first."))
    if _tie_of(uow, identity, issuer) is not None:
        raise ConflictError(
            phrase(
                "%(identity)s has another account there: untie it first.",
                identity=identity.display_name,
            )
        )
    _keep_tie(uow, identity, issuer, subject, how=HAND)
    return identity


def untie(uow: UnitOfWork, *, who: str) -> int:
    """Untie somebody from their accounts at providers; their next sign-in ties them anew.

    Returns:
        From how many.

    Raises:
        NotFoundError: Nobody is known so.
        NothingToChangeError: They are tied to none.
    """
    uow.actor.require(Permission.ROLE_WRITE)
    uow.actor.require_fresh(uow.now)
    identity = find_person(uow, who, even_if_left=True)
    found = uow.session.scalars(
        sa.select(ProviderTie).where(ProviderTie.identity_id == identity.id)
    ).all()
    if not found:
        raise NothingToChangeError(
            phrase("%(identity)s is tied to no account.", identity=identity.display_name)
        )
    for each in found:
        uow.session.delete(each)
        uow.record(ProviderUntied(subject=identity.public_id, issuer=each.issuer))
    return len(found)


def note_refusal(uow: UnitOfWork, trouble: Trouble) -> None:
    """Tell the ledger that somebody who came from the provider was not let in."""
    how = SignedInBy.PROVIDER.value
    uow.record(SignInRefused(subject=UNKNOWN, how=how, why=trouble.value))


def _tied(uow: UnitOfWork, issuer: str, subject: str) -> Identity | None:
    return uow.session.scalar(
        sa.select(Identity)
        .join(ProviderTie, ProviderTie.identity_id == Identity.id)
        .where(ProviderTie.issuer == issuer, ProviderTie.subject == subject)
    )


def _tie(uow: UnitOfWork, vouched: Vouched) -> Identity:
    """Tie an account to the one active identity that has its verified address."""
    if vouched.mail is None:
        raise RefusedError(Trouble.MAIL_NOT_VERIFIED, subject=vouched.subject)
    found = uow.session.scalars(
        sa.select(Identity)
        .where(
            sa.func.lower(Identity.mail) == vouched.mail.lower(),
            Identity.is_active,
            Identity.ended_at.is_(None),
        )
        .limit(2)
    ).all()
    if not found:
        raise RefusedError(Trouble.UNKNOWN_PERSON, subject=vouched.subject)
    if len(found) > 1:
        raise RefusedError(Trouble.SEVERAL_PEOPLE, subject=vouched.subject)
    identity = found[0]
    tie = _tie_of(uow, identity, vouched.issuer)
    if tie is not None and tie.subject == vouched.subject:
        return identity  # another window of theirs was first, a moment ago
    if tie is not None:
        raise RefusedError(Trouble.TIED_TO_ANOTHER, identity.public_id)
    _keep_tie(uow, identity, vouched.issuer, vouched.subject, how=MAIL)
    return identity


def _tie_of(uow: UnitOfWork, identity: Identity, issuer: str) -> ProviderTie | None:
    return uow.session.scalar(
        sa.select(ProviderTie).where(
            ProviderTie.issuer == issuer, ProviderTie.identity_id == identity.id
        )
    )


def _keep_tie(uow: UnitOfWork, identity: Identity, issuer: str, subject: str, *, how: str) -> None:
    uow.session.add(
        ProviderTie(issuer=issuer, subject=subject, identity_id=identity.id, tied_at=uow.now)
    )
    uow.session.flush()
    uow.record(ProviderTied(subject=identity.public_id, issuer=issuer, how=how, account=subject))
