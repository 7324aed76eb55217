"""A review stands on what is known for certain; what was not read is named, or left out."""

import json
import zipfile
from datetime import timedelta

from app.audit import bundles
from app.directory import service as directory
from integration.reviews import campaigns as at
from support.cast import Cast

REASON = "Its owner keeps its members secret."


def hide(cast: Cast, group: str) -> str:
    """Let the members of a group be unreadable from now on, and read the source whole."""
    with cast.house.write() as uow:
        directory.set_source(
            uow,
            cast.house.house.seal,
            name="corp",
            settings={"unreadable": f"corp-{group}"},
            secrets={},
        )
    with cast.house.write() as uow:
        directory.request_sync(uow, source_name="corp", full=True)
    cast.house.drain()
    return cast.sync("corp")


def test_no_review_starts_on_a_group_that_was_not_read_until_it_is_left_out_by_name(
    cast: Cast,
) -> None:
    at.template(cast, sources=["corp"])
    assert hide(cast, "payroll") == "incomplete"
    olga = cast.call("olga")
    refused = olga("POST", "/campaigns", {"template": "Everything"})
    assert refused.status_code == 409
    assert "Payroll, since" in refused.get_json()["detail"]
    body = {"group": "Payroll", "reason": REASON}
    assert olga("POST", "/sources/corp/exclusions", body).status_code == 201
    assert cast.sync("corp") == "complete"
    launched = olga("POST", "/campaigns", {"template": "Everything"})
    assert launched.status_code == 201, launched.get_json()
    campaign = launched.get_json()["id"]
    (shown,) = olga.get(f"/campaigns/{campaign}")["snapshot"]
    assert (shown["mode"], shown["full_run"] != shown["run"]) == ("delta", True)
    cast.house.clock.advance(timedelta(hours=1))
    with cast.house.write() as uow:
        asked = bundles.request(uow, bundles.Wish(campaign=campaign)).id
    cast.house.drain()
    with zipfile.ZipFile(bundles.bundle_path(cast.house.home, asked)) as held:
        left_out = [json.loads(each) for each in held.read("data/excluded.jsonl").splitlines()]
        runs = [json.loads(each) for each in held.read("data/sources.jsonl").splitlines()]
    by_name = [each for each in left_out if each["rule"] == "left_out_by_name"]
    assert by_name[0]["what"] == "group"
    assert (by_name[0]["group_name"], by_name[0]["reason"]) == ("Payroll", REASON)
    assert {each["group_name"] for each in by_name} == {"Payroll"}
    assert {each["what"] for each in by_name} == {"group", "membership"}
    assert {each["run"]: each["mode"] for each in runs} == {
        shown["full_run"]: "full",
        shown["run"]: "delta",
    }
