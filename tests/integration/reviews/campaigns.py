"""What people do in tests of reviews, each a call of the API as that person."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from app.kernel.ledger import LedgerEntry
from support.cast import Cast

WHY = "Moved to another team"
Item = dict[str, Any]


def template(cast: Cast, name: str = "Everything", **more: Any) -> dict[str, Any]:
    """Save a template whose last resort is Carol, unless told otherwise."""
    body = {"name": name, "fallback": cast.identity("carol").public_id, **more}
    found: dict[str, Any] = cast.call("olga").post("/campaign-templates", body, 201)
    return found


def only(cast: Cast, *groups: str, source: str = "corp") -> list[str]:
    """Return the scope that some groups make."""
    return [cast.group(source, each).public_id for each in groups]


def launch(cast: Cast, *groups: str, **more: Any) -> str:
    """Launch a campaign over some groups of corp; none: over everything. Returns its id."""
    if groups:
        more["entitlements"] = only(cast, *groups)
    template(cast, **more)
    campaign: str = cast.call("olga").post("/campaigns", {"template": "Everything"}, 201)["id"]
    return campaign


def items(cast: Cast, name: str) -> list[Item]:
    """Return what is put to somebody."""
    found: list[Item] = cast.call(name).get("/review-items?limit=200")["items"]
    return found


def all_items(cast: Cast, campaign: str) -> list[Item]:
    """Return everybody's items of a campaign."""
    path = f"/review-items?limit=200&everybodys=true&campaign={campaign}"
    found: list[Item] = cast.call("dana").get(path)["items"]
    return found


def said(item: Item, decision: str = "keep", **more: Any) -> dict[str, Any]:
    """Return what a reviewer says of an item, at the version they were shown."""
    if decision == "revoke":
        more = {"reason": WHY, **more}
    return {"id": item["id"], "version": item["version"], "decision": decision, **more}


def decide(cast: Cast, name: str, says: Iterable[dict[str, Any]]) -> Any:
    """Send decisions as somebody; returns the raw answer."""
    return cast.call(name)("POST", "/review-items/decisions", {"items": list(says)})


def decided(cast: Cast, name: str, says: Iterable[dict[str, Any]]) -> list[Item]:
    """Send decisions that are taken; returns the items as they are then."""
    given = decide(cast, name, says)
    assert given.status_code == 200, given.get_data(as_text=True)
    found: list[Item] = given.get_json()["items"]
    return found


def sign_off(cast: Cast, campaign: str, name: str) -> Any:
    """Sign off as somebody; returns the raw answer."""
    return cast.call(name)("POST", f"/campaigns/{campaign}/sign-off", {})


def finish(cast: Cast, campaign: str, name: str, revoke: Sequence[str] = ()) -> None:
    """Let a reviewer revoke what they hold in some groups, keep the rest, and sign off."""
    says = [
        said(each, "revoke" if each["shown"]["group_name"] in revoke else "keep")
        for each in items(cast, name)
    ]
    decided(cast, name, says)
    answer = sign_off(cast, campaign, name)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    cast.house.drain()


def close(cast: Cast, campaign: str) -> Any:
    """Close a campaign as the operator; returns the raw answer."""
    return cast.call("olga")("POST", f"/campaigns/{campaign}/close", {})


def shown(cast: Cast, campaign: str) -> dict[str, Any]:
    """Return a campaign as the operator sees it."""
    found: dict[str, Any] = cast.call("olga").get(f"/campaigns/{campaign}")
    return found


def kinds(cast: Cast) -> list[str]:
    """Return the kinds of everything that was recorded, in its order."""
    with cast.house.read() as reading:
        return list(reading.session.scalars(sa.select(LedgerEntry.kind).order_by(LedgerEntry.id)))


def name_of(item: Item) -> tuple[str, str]:
    """Return login and group of an item."""
    return item["shown"]["account_login"], item["shown"]["group_name"]
