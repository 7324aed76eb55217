"""A launch freezes a population of complete reads and puts every part of it to somebody."""

import sqlalchemy as sa

from app.directory.models import Account, Group, Membership, Source
from integration.reviews.steps import TEMPLATE, all_items, items, launch, template
from support.cast import Cast


def held(cast: Cast) -> int:
    """How many memberships are open in corp."""
    with cast.house.read() as reading:
        return (
            reading.session.scalar(
                sa.select(sa.func.count())
                .select_from(Membership)
                .join(Group, Group.id == Membership.group_id)
                .join(Source, Source.id == Group.source_id)
                .where(Source.name == "corp", Membership.valid_to.is_(None))
            )
            or 0
        )


def test_everything_is_put_to_somebody_or_left_out_with_a_rule(cast: Cast) -> None:
    campaign = launch(cast)
    detail = cast.call("olga").get(f"/campaigns/{campaign}")
    excluded = sum(each["memberships"] for each in detail["excluded"])
    assert all(each["reason"] for each in detail["excluded"])
    assert len(all_items(cast, campaign)) + excluded == held(cast) == detail["population"]


def test_nobody_reviews_themselves(cast: Cast) -> None:
    campaign = launch(cast)
    for each in all_items(cast, campaign):
        assert each["holder"] is None or each["holder"]["id"] != each["reviewer"]["id"]


def test_the_manager_decides_then_the_owner_then_the_fallback(cast: Cast) -> None:
    campaign = launch(cast)
    seen = {
        (each["holder"]["name"], each["shown"]["group_name"]): (
            each["reviewer"]["name"],
            each["via"],
        )
        for each in all_items(cast, campaign)
        if each["holder"]
    }
    assert seen["Alice", "Staff"] == ("Bob", "manager")
    assert seen["Bob", "Staff"] == ("Frank", "manager")
    orphans = [each for each in all_items(cast, campaign) if each["holder"] is None]
    assert all(each["via"] in {"owner", "fallback"} for each in orphans)


def test_who_has_nobody_to_ask_is_excluded_with_that_reason(cast: Cast) -> None:
    campaign = launch(cast, fallback=None)
    rules = {each["rule"] for each in cast.call("olga").get(f"/campaigns/{campaign}")["excluded"]}
    assert "nobody_to_ask" in rules
    assert "Frank" not in {
        each["holder"]["name"] for each in all_items(cast, campaign) if each["holder"]
    }


def test_a_preview_says_what_a_launch_then_does_and_stores_nothing(cast: Cast) -> None:
    template(cast)
    told = cast.call("olga").post("/campaigns?preview=true", {"template": TEMPLATE}, 200)
    assert cast.call("olga").get("/campaigns")["items"] == []
    campaign = cast.call("olga").post("/campaigns", {"template": TEMPLATE}, 201)
    assert told["items"] == campaign["progress"]["items"]
    assert told["population"] == campaign["population"]
    assert told["if_nobody_answers"]["removals"] == 0
    assert {each["name"]: each["items"] for each in told["reviewers"]} == {
        each["name"]: each["items"] for each in campaign["progress"]["reviewers"]
    }


def test_it_stands_on_the_last_complete_read_not_on_one_that_was_cut_off(cast: Cast) -> None:
    cast.put("corp", "payroll", "mallory")
    cast.breaks("corp", "truncated")
    assert cast.sync("corp") == "incomplete"
    campaign = launch(cast)
    names = {
        (each["shown"]["account_login"], each["shown"]["group_name"])
        for each in all_items(cast, campaign)
    }
    assert ("mallory", "Payroll") not in names
    with cast.house.read() as reading:
        from app.directory.models import SyncRun

        (read,) = cast.call("olga").get(f"/campaigns/{campaign}")["snapshot"]
        run = reading.session.scalars(
            sa.select(SyncRun).where(SyncRun.public_id == read["run"])
        ).one()
        assert run.state.value == "complete"
        assert run.digest == read["digest"]


def test_a_source_that_was_never_read_to_its_end_starts_no_campaign(cast: Cast) -> None:
    with cast.house.write() as uow:
        from app.directory import service as directory

        directory.add_source(
            uow,
            cast.house.house.seal,
            name="fresh",
            kind="memory",
            settings={"path": str(cast.file("corp"))},
            secrets={},
        )
    template(cast, sources=["fresh"])
    answer = cast.call("olga").post("/campaigns", {"template": TEMPLATE}, 409)
    assert "fresh" in answer["detail"]


def test_what_a_mirror_shows_is_reviewed_where_it_is_mastered(cast: Cast) -> None:
    campaign = launch(cast, sources=["corp", "cloud"])
    sources = {
        (each["shown"]["source"], each["shown"]["group_name"]) for each in all_items(cast, campaign)
    }
    assert ("corp", "Payroll") in sources
    assert ("cloud", "Payroll") not in sources


def test_what_was_shown_stays_as_it_was_whatever_changes_later(cast: Cast) -> None:
    campaign = launch(cast)
    before = {each["id"]: each["shown"] for each in all_items(cast, campaign)}
    cast.edit("corp", "eve", display_name="Somebody Else", department="Elsewhere")
    cast.take("corp", "ledger", "bob")
    cast.sync("corp")
    after = all_items(cast, campaign)
    assert {each["id"]: each["shown"] for each in after} == before
    gone = [each for each in after if each["gone_at"]]
    assert [(each["shown"]["account_login"], each["shown"]["group"]) for each in gone] == [
        ("bob", cast.group("corp", "ledger").public_id)
    ]


def test_reviewers_are_told_once_and_nobody_else(cast: Cast) -> None:
    campaign = launch(cast)
    reviewers = {each["reviewer"]["name"].lower() for each in all_items(cast, campaign)}
    for name in ("alice", "bob", "carol", "dana", "frank", "mallory"):
        told = [
            each for each in cast.call(name).get("/notices")["items"] if each["about"] == campaign
        ]
        assert len(told) == (1 if name in reviewers else 0), name


def test_only_who_may_launches(cast: Cast) -> None:
    template(cast)
    for name in ("alice", "dana"):
        cast.call(name).post("/campaigns", {"template": TEMPLATE}, 403)


def test_a_reviewer_sees_their_own_items_and_nobody_elses(cast: Cast) -> None:
    campaign = launch(cast)
    mine = items(cast, "bob", campaign)
    assert mine
    assert {each["reviewer"]["name"] for each in mine} == {"Bob"}
    assert items(cast, "alice", campaign) == []
    answer = cast.call("alice")("GET", f"/campaigns/{campaign}")
    assert answer.status_code == 404
    refused = cast.call("bob")("GET", f"/review-items?campaign={campaign}&everybodys=true")
    assert refused.status_code == 403


def test_every_account_of_the_population_is_known(cast: Cast) -> None:
    campaign = launch(cast)
    with cast.house.read() as reading:
        known = set(reading.session.scalars(sa.select(Account.login)))
    assert {each["shown"]["account_login"] for each in all_items(cast, campaign)} <= known
