"""What each stage finds for the field in the top bar, and the page behind a grant.

No stage sees the others; here they meet.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote

from app.audit import bundles
from app.directory.domain import IdentityKind
from app.directory.queries import finding as directory
from app.grants.queries import requests_behind
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError, NotPermittedError
from app.kernel.uow import Reading
from app.provisioning import queries as provisioning
from app.requests import queries as requests
from app.reviews import queries as reviews
from app.web.find import Finder, Hit
from app.web.frame import has_page
from app.web.paging import MAX_LIMIT, Window

Found = TypeVar("Found")
AN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def people(reading: Reading, words: str, most: int) -> list[Hit]:
    """People and services."""
    return [
        Hit(
            each.kind.value,
            each.name,
            f"/identities/{each.id}",
            " · ".join(part for part in (each.login, each.detail) if part),
            "user" if each.kind is IdentityKind.PERSON else "bot",
        )
        for each in directory.find_people(reading, words, most)
    ]


def groups(reading: Reading, words: str, most: int) -> list[Hit]:
    """Groups."""
    found = directory.find_groups(reading, words, most)
    return [Hit("group", each.name, f"/groups/{each.id}", each.source, "boxes") for each in found]


def sources(reading: Reading, words: str, most: int) -> list[Hit]:
    """Sources by name, and a read by its id."""
    found = [
        Hit("source", name, f"/sources/{quote(name, safe='')}", "", "plug")
        for name in directory.find_sources(reading, words, most)
    ]
    if AN_ID.fullmatch(words):
        name = directory.find_run(reading, words)
        found += [Hit("run", name, f"/sync-runs/{words}", words, "refresh-cw")] if name else []
    return found


def asked(reading: Reading, words: str, most: int) -> list[Hit]:
    """Requests of theirs, or all by role: by whom they are for, by access, or by id."""
    actor = reading.actor
    if actor.identity_id is None and not actor.may(Permission.REQUEST_READ_ALL):
        return []
    rows: Sequence[requests.RequestRow]
    if AN_ID.fullmatch(words):
        rows = _there(lambda: [requests.request_detail(reading, words).row])
    else:
        rows = requests.list_requests(reading, Window(limit=most), words=words).items
    return [
        Hit(
            "request",
            each.entitlement.name,
            f"/requests/{each.id}",
            each.beneficiary.name,
            "key-round",
        )
        for each in rows
    ]


def campaigns(reading: Reading, words: str, most: int) -> list[Hit]:
    """Campaigns, for those who run or check them; there are few of them."""
    if not reading.actor.may(Permission.CAMPAIGN_READ):
        return []
    found = reviews.list_campaigns(reading, Window(limit=MAX_LIMIT)).items
    wanted = words.casefold()
    return [
        Hit("campaign", each.name, f"/campaigns/{each.id}", "", "calendar-check")
        for each in found
        if wanted in each.name.casefold() or wanted == each.id
    ][:most]


def by_id(reading: Reading, words: str, _most: int) -> list[Hit]:
    """What has no name of its own: a task, a bundle."""
    if not AN_ID.fullmatch(words):
        return []
    found = _there(
        lambda: [
            Hit(
                "task",
                provisioning.task_detail(reading, words).row.id,
                f"/tasks/{words}",
                icon="list-todo",
            )
        ]
    )
    if has_page("/evidence"):
        found += _there(
            lambda: [
                Hit(
                    "bundle",
                    bundles.find_bundle(reading, words).id,
                    f"/evidence/{words}",
                    icon="shield-check",
                )
            ]
        )
    return found


def reasons(reading: Reading, grants: Iterable[str]) -> Mapping[str, str]:
    """Return the page of the request behind each grant, for those who may open it."""
    actor = reading.actor
    if actor.identity_id is None and not actor.may(Permission.REQUEST_READ_ALL):
        return {}
    behind = requests_behind(reading, grants)
    return {grant: f"/requests/{request}" for grant, request in behind.items()}


def _there(look: Callable[[], list[Found]]) -> list[Found]:
    """Return what there is; what is not there, or not theirs to see, is not found."""
    try:
        return look()
    except (NotFoundError, NotPermittedError):
        return []


FINDERS: tuple[Finder, ...] = (people, groups, asked, campaigns, sources, by_id)
