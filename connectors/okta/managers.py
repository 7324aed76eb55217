"""Who is whose manager, where the manager is not among what changed.

`managerId` holds whatever an organisation puts there. In a delta the managers themselves are rarely
told, so that Okta is asked for those that are not, some in each call.
"""

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from connectors.errors import (
    ConnectorError,
    CursorRefusedError,
    DeniedError,
    IncompleteReadError,
    MisconfiguredError,
    UnavailableError,
)
from connectors.okta import mapping
from connectors.okta.answers import path
from connectors.okta.client import Listing, OktaClient
from connectors.records import Account, Problem

A_CALL = 40  # names in one question
OWN = ("id", "profile.login", "profile.email", "profile.employeeNumber")


def with_managers(
    client: OktaClient, accounts: Sequence[Account], new: Container[str]
) -> list[Account]:
    """Return accounts with their managers by id; Okta is asked for those that are not among them.

    Whoever reports to an account that is new is told with it: they had no manager until now. That
    an account goes by another number now is seen by the next whole read.

    Args:
        client: Of the organisation.
        accounts: As told, with whatever stands in `managerId`.
        new: Ids of those that were made since the last read.

    Raises:
        CursorRefusedError: Okta does not answer such questions; everything has to be read.
    """
    came = mapping.names_of(each for each in accounts if each.external_id in new)
    known = {each.external_id for each in accounts}
    reports = _search(client, came, ("profile.managerId",))
    kept = [*accounts, *(each for each in reports if each.external_id not in known)]
    told = mapping.names_of(kept)
    asked = {each.manager_id for each in kept if each.manager_id} - told.keys()
    found = mapping.names_of(_search(client, asked, OWN))
    return mapping.resolve_managers(kept, {**found, **told})


def _search(client: OktaClient, names: Iterable[str], where: Sequence[str]) -> Iterator[Account]:
    """Yield the accounts that have one of some names in one of some attributes."""
    rest = iter(sorted(names))
    while some := list(islice(rest, A_CALL // len(where))):
        wanted = " or ".join(
            f"{attribute} eq {json.dumps(each, ensure_ascii=False)}"
            for each in some
            for attribute in where
        )
        try:
            found: list[Any] = client.list_all(Listing(path("users", limit="200", search=wanted)))
        except (UnavailableError, DeniedError, MisconfiguredError, IncompleteReadError):
            raise
        except ConnectorError as error:
            raise CursorRefusedError(f"Managers cannot be looked up: {error}") from error
        yield from (each for each in map(mapping.account, found) if not isinstance(each, Problem))
