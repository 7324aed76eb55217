"""Pages of sources and their reads: how each stands, and what a parked one waits for."""

from support.cast import PEOPLE, Cast
from support.visitor import Visitor


def visitor(cast: Cast, who: str = "frank") -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE[who][0])


def test_sources_say_how_they_stand_and_which_are_simulated(cast: Cast) -> None:
    text = visitor(cast).page("/sources")
    assert 'href="/sources/corp"' in text
    assert "simulated: its state is a file" in text
    assert "Complete" in text


def test_a_source_is_read_by_its_button_and_the_page_waits_for_the_end(cast: Cast) -> None:
    frank = visitor(cast)
    answer = frank.submit("/sources/corp/sync", on="/sources/corp")
    assert answer.status_code == 303
    run = answer.headers["Location"]
    assert "It is being read." in frank.page(run)
    assert "HX-Refresh" not in frank.get(f"{run}/now").headers
    cast.house.drain()
    assert frank.get(f"{run}/now").headers["HX-Refresh"] == "true"
    assert "Memberships" in frank.page(run)


def test_a_second_read_beside_the_first_is_refused_in_words(cast: Cast) -> None:
    frank = visitor(cast)
    frank.submit("/sources/corp/sync", on="/sources/corp")
    assert frank.submit("/sources/corp/sync", on="/sources/corp").status_code == 409


def test_a_disabled_source_offers_no_read(cast: Cast) -> None:
    frank = visitor(cast)
    assert frank.submit("/sources/corp/disable", on="/sources/corp").status_code == 303
    text = frank.page("/sources/corp")
    assert "Disabled" in text
    assert "Read it now" not in text


def test_a_source_or_a_read_that_is_not_there_is_not_found(cast: Cast) -> None:
    frank = visitor(cast)
    frank.page("/sources/nothing", 404)
    frank.page("/sync-runs/nothing", 404)
