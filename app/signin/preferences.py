"""How somebody likes the pages: keys, zone and language, kept with their identity."""

from functools import cache
from zoneinfo import available_timezones

import sqlalchemy as sa

from app.events import PreferencesSet
from app.kernel.errors import FieldErrors, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork
from app.signin.models import Preference

LANGUAGES = {"en": "English", "de": "Deutsch"}
REGIONS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


def set_preferences(uow: UnitOfWork, *, zone: str, language: str, are_keys_on: bool) -> None:
    """Keep how the one who acts likes the pages.

    Raises:
        InvalidInputError: There is no such zone or language.
        NothingToChangeError: They like it so already.
    """
    identity_id = uow.actor.require_identity()
    wrong = FieldErrors()
    if not is_zone(zone):
        wrong.add("zone", phrase("There is no zone of this name. Choose one of the list."))
    if language not in LANGUAGES:
        wrong.add("language", phrase("Choose one of the languages offered."))
    wrong.raise_if_any()
    kept = uow.session.scalar(sa.select(Preference).where(Preference.identity_id == identity_id))
    if kept is None:
        kept = Preference(identity_id=identity_id, zone="", language="", are_keys_on=True)
        uow.session.add(kept)
    if (kept.zone, kept.language, kept.are_keys_on) == (zone, language, are_keys_on):
        raise NothingToChangeError(phrase("It is so already."))
    kept.zone, kept.language, kept.are_keys_on = zone, language, are_keys_on
    uow.record(
        PreferencesSet(
            subject=uow.actor.public_id, zone=zone, language=language, are_keys_on=are_keys_on
        )
    )


def is_zone(name: str) -> bool:
    """Say whether there is a zone of this name."""
    return name in zones()


@cache
def zones() -> tuple[str, ...]:
    """Return the zones one may choose, by the names of places."""
    places = sorted(each for each in available_timezones() if each.startswith(REGIONS))
    return ("UTC", *places)
