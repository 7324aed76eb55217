"""What people do in a review, each a call of the API as that person."""

from typing import Any

from support.cast import Cast

TEMPLATE = "Everything"


def template(cast: Cast, *, fallback: str | None = "frank", **more: Any) -> dict[str, Any]:
    """Make a template; its fallback is Frank unless told otherwise."""
    who = cast.identity(fallback).public_id if fallback else None
    body = {"name": TEMPLATE, "sources": ["corp"], "fallback": who, **more}
    found: dict[str, Any] = cast.call("olga").post("/campaign-templates", body, 201)
    return found


def launch(cast: Cast, **more: Any) -> str:
    """Launch a campaign of everything in corp; returns its id."""
    template(cast, **more)
    found: str = cast.call("olga").post("/campaigns", {"template": TEMPLATE}, 201)["id"]
    cast.house.drain()
    return found


def items(cast: Cast, who: str, campaign: str) -> list[dict[str, Any]]:
    """Return what is put to somebody."""
    found: list[dict[str, Any]] = cast.call(who).get(
        f"/review-items?campaign={campaign}&limit=500"
    )["items"]
    return found


def all_items(cast: Cast, campaign: str) -> list[dict[str, Any]]:
    """Return every item, as an operator sees them."""
    path = f"/review-items?campaign={campaign}&everybodys=true&limit=500"
    found: list[dict[str, Any]] = cast.call("olga").get(path)["items"]
    return found


def said(item: dict[str, Any], decision: str = "keep", **more: Any) -> dict[str, Any]:
    """Return what is said of an item; a revoke has its reason."""
    reason = {"reason": "No longer in that team"} if decision == "revoke" else {}
    return {"id": item["id"], "version": item["version"], "decision": decision, **reason, **more}


def decide(cast: Cast, who: str, *each: dict[str, Any], status: int = 200) -> Any:
    """Decide items as somebody."""
    return cast.call(who).post("/review-items/decisions", {"items": list(each)}, status)


def sign_off(cast: Cast, who: str, campaign: str, status: int = 200) -> Any:
    """Sign off as somebody, and let what follows happen."""
    found = cast.call(who).post(f"/campaigns/{campaign}/sign-off", {}, status)
    cast.house.drain()
    return found


def close(cast: Cast, campaign: str, status: int = 200, who: str = "olga") -> Any:
    """Close a campaign."""
    return cast.call(who).post(f"/campaigns/{campaign}/close", {}, status)


def progress(cast: Cast, campaign: str) -> dict[str, Any]:
    """Return how far a campaign is."""
    found: dict[str, Any] = cast.call("olga").get(f"/campaigns/{campaign}")["progress"]
    return found


def keep_everything(cast: Cast, campaign: str, *, but: str | None = None) -> None:
    """Let every reviewer keep all of theirs and sign off; one may be left out."""
    names = {cast.identity(name).public_id: name for name in cast.tokens if name != "hr"}
    for reviewer in sorted({each["reviewer"]["id"] for each in all_items(cast, campaign)}):
        name = names[reviewer]
        if name == but:
            continue
        open_ones = [each for each in items(cast, name, campaign) if each["state"] == "open"]
        if open_ones:
            decide(cast, name, *(said(each) for each in open_ones))
        sign_off(cast, name, campaign)
