"""Pages of users and of members, made into what is kept of them straight from their bytes.

Hundreds of thousands of records come in a whole read, and of each a few values are needed: the rest
is passed over without an object for it. A page on which any record is not as documented is read
once more, record by record, so that a strange one is set aside and the others are not.
"""

from collections.abc import Sequence

import msgspec

from connectors.okta import mapping
from connectors.okta.answers import objects
from connectors.okta.entitled import id_of
from connectors.records import Account, Problem

BETWEEN = "\n"


class Named(msgspec.Struct, gc=False):
    """Of a member nothing but its id is needed."""

    id: str


USERS = msgspec.json.Decoder(list[mapping.User])
NAMED = msgspec.json.Decoder(list[Named])


def users(raw: bytes, since: str) -> tuple[list[Account | Problem], dict[str, tuple[str, ...]]]:
    """Return the accounts on a page, and the times of those that changed after a moment.

    Args:
        raw: The page as it came.
        since: The moment, as Okta writes it.

    Raises:
        IncompleteReadError: The page is no list, or breaks off.
    """
    try:
        found = USERS.decode(raw)
    except msgspec.DecodeError:
        listed = objects(raw)
        recent = mapping.recent(listed, since, *mapping.USER_STAMPS)
        return [mapping.account(each) for each in listed], recent
    changed = [each for each in found if each.last_updated and each.last_updated > since]
    return (
        [mapping.account_of(each) for each in found],
        {each.id: (str(each.last_updated),) for each in changed},
    )


def member_ids(raw: bytes) -> list[str]:
    """Return the ids of the members on a page, `NAMELESS` where one has none.

    Raises:
        IncompleteReadError: The page is no list, or breaks off.
    """
    try:
        return [each.id for each in NAMED.decode(raw)]
    except msgspec.DecodeError:
        return [id_of(each) for each in objects(raw)]


def folded(ids: Sequence[str]) -> str | tuple[str, ...]:
    """Keep ids in little room until they are asked for, by `unfolded`."""
    text = BETWEEN.join(ids)
    return text if ids and text.count(BETWEEN) == len(ids) - 1 else tuple(ids)


def unfolded(kept: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids that `folded` keeps."""
    return tuple(kept.split(BETWEEN)) if isinstance(kept, str) else kept
