"""The start page: for whoever is signed in what waits for them, for others how things stand."""

from datetime import timedelta

import pytest
from flask import Flask

from app.kernel.actor import Role
from app.kernel.uow import Reading
from app.signin import links
from app.web import home, rail
from app.web.home import Item, Waiting
from support.cast import Cast
from support.house import TestHouse
from support.statements import counted
from support.visitor import Visitor


def served(house: TestHouse, *made: Waiting | None) -> Flask:
    """Return the application with lists of our own on its start page."""
    app: Flask = house.app()

    def maker(waiting: Waiting | None) -> home.Maker:
        def make(_reading: Reading) -> Waiting | None:
            return waiting

        return make

    told = app.extensions[home.EXTENSION]
    app.extensions[home.EXTENSION] = home.Told(told.sources, [maker(each) for each in made])
    return app


def test_a_stranger_sees_what_this_is_and_how_to_come_in(house: TestHouse, cast: Cast) -> None:
    text = house.visitor().page("/")
    assert cast.tokens
    for said in ("Who has access", "Health", "simulated", "corp.json", "/sign-in", "/api/docs"):
        assert said in text
    assert "Alice" not in text


def test_the_page_answers_even_when_nothing_works(house: TestHouse) -> None:
    visitor = house.visitor()
    visitor.client.set_cookie("__Host-attestry", "something")
    with house.tx.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE signin_session")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
    text = visitor.page("/")
    assert "It cannot work" in text
    assert "attestry init" in text


@pytest.mark.usefixtures("cast")
def test_whoever_is_signed_in_sees_what_waits_and_until_when(house: TestHouse) -> None:
    late = Item("Payroll <b>", "for Alice", "/approvals/1", house.clock.now(), is_late=True)
    asked = Waiting("Approvals", [late], 7, "/approvals", "No approval waits for you")
    mine = Waiting("Your requests", [], 0, "/requests", "You wait for nothing", is_asking=False)
    text = Visitor(served(house, asked, mine, None)).sign_in(house.tx, "1002").page("/")
    assert "Payroll &lt;b&gt;" in text
    assert "2 Mar 2026, 08:00" in text
    assert "Late" in text
    assert "Show all 7" in text
    assert "You wait for nothing" in text
    assert "Bob" in text


@pytest.mark.usefixtures("cast")
def test_an_empty_page_says_that_this_is_good(house: TestHouse) -> None:
    text = Visitor(served(house)).sign_in(house.tx, "1001").page("/")
    assert "Nothing waits for you" in text


@pytest.mark.usefixtures("cast")
def test_a_count_is_shown_where_the_reader_runs_something(house: TestHouse) -> None:
    def three(_reading: Reading) -> int:
        return 3

    app: Flask = house.app()
    app.extensions[rail.COUNTS] = dict.fromkeys(("reviews", "tasks"), three)
    with app.test_request_context("/"):
        known = {line.path for line in rail.lines()}
    operator = Visitor(app).sign_in(house.tx, "1007").page("/")
    assert ("3 wait" in operator) is ("/tasks" in known)
    assert 'href="/tasks"' not in Visitor(app).sign_in(house.tx, "1001").page("/")


def test_a_first_administrator_is_told_how_to_become_somebody(house: TestHouse) -> None:
    with house.write() as uow:
        path = links.make(uow, role=Role.ADMIN).path
    text = house.visitor().follow(path).page("/")
    assert "not tied to a person yet" in text
    assert 'href="/account"' in text


@pytest.mark.usefixtures("cast")
def test_the_page_costs_the_same_at_every_click(house: TestHouse) -> None:
    visitor = house.visitor("1007")
    visitor.page("/")
    with counted(house) as first:
        visitor.page("/")
    house.clock.advance(timedelta(seconds=30))
    house.visitor("1001")
    with counted(house) as second:
        visitor.page("/")
    assert len(first) == len(second) <= 12
