"""What rows of several data files share: whose, of what, and by which rule they belong."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.audit.scope import SampleScope, Scope
from app.directory.models import (
    Account,
    Group,
    Identity,
    Source,
)

Statement = sa.Select[*tuple[Any, ...]]


By = aliased(Identity)


Reviewer = aliased(Identity)


def pairs(scope: Scope, table: Any) -> sa.ColumnElement[bool]:
    """Of a sample, only what is about the access that was drawn."""
    if isinstance(scope, SampleScope):
        return scope.memberships(table.account_id, table.group_id)
    return sa.true()


def whole(scope: Scope) -> sa.ColumnElement[bool]:
    """What is about no one access belongs to every bundle but a sample's."""
    return sa.false() if isinstance(scope, SampleScope) else sa.true()


def what_(what: str) -> sa.Label[str]:
    return sa.literal(what).label("what")


HELD = (
    Source.name.label("source"),
    Account.public_id.label("account"),
    Account.login.label("account_login"),
    Account.display_name.label("account_name"),
    Identity.public_id.label("identity"),
    Identity.display_name.label("identity_name"),
    Group.public_id.label("group"),
    Group.name.label("group_name"),
)
