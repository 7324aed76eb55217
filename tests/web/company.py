"""The demonstration company with a browser for each of its people, for walks through all of it."""

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Flask

from app.kernel.ledger import LedgerEntry
from support.house import TestHouse
from support.visitor import Visitor

# Told each time: looking is what is recorded.
LOOKS = ("audit.looked", "bundle.downloaded", "list.taken", "source.checked")


@dataclass(slots=True)
class Company:
    """The demonstration company.

    Attributes:
        house: Its house.
        app: Its application.
        links: How each persona comes in; the links of a demonstration hold more than once.
        people: A browser of each persona, signed in.
    """

    house: TestHouse
    app: Flask
    links: dict[str, str]
    people: dict[str, Visitor]

    def enter(self, persona: str) -> Visitor:
        """Open another browser of a persona, with a session of its own."""
        return Visitor(self.app).follow(self.links[persona])

    def entries(self) -> int:
        """How many entries the ledger has, without what tells of looking and of signing in."""
        counted = sa.select(sa.func.count(LedgerEntry.id)).where(
            LedgerEntry.kind.not_in(LOOKS), LedgerEntry.kind.not_like("session.%")
        )
        with self.house.read() as reading:
            return reading.session.scalar(counted) or 0
