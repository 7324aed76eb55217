"""The reader's language and zone, and how times and numbers are written for them."""

from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, dates, numbers
from flask import Flask
from flask_babel import Babel, get_locale, get_timezone
from flask_babel import gettext as _
from markupsafe import Markup

from app.web import guards, translating
from app.web.scope import doors
from app.web.visit import DEFAULT_LANGUAGE, DEFAULT_ZONE

LANGUAGES = {"en": "English", "de": "Deutsch"}
DAYS = {"en": "d MMM y", "de": "d. MMM y"}
TIME = "HH:mm"


def install(app: Flask) -> None:
    """Make templates speak the reader's language."""
    app.config["BABEL_DEFAULT_LOCALE"] = DEFAULT_LANGUAGE
    app.config["BABEL_DEFAULT_TIMEZONE"] = DEFAULT_ZONE
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(translating.FOLDER)
    Babel(app, locale_selector=_language, timezone_selector=_zone)
    app.jinja_env.filters.update(
        when=when,
        day=day,
        ago=ago,
        lasting=lasting,
        number=number,
        clock=clock,
        day_month=day_month,
        local_input=local_input,
    )
    app.jinja_env.globals.update(zone_name=zone_name, language=language)


def when(at: datetime | None) -> Markup:
    """Write a moment as `23 Nov 2026, 09:40` in the reader's zone."""
    return not_known() if at is None else _time(at, _written(at, f"{_day()}, {TIME}"))


def day(at: datetime | date | None) -> Markup:
    """Write a day as `23 Nov 2026`."""
    if at is None:
        return not_known()
    if isinstance(at, datetime):
        return _time(at, _written(at, _day()))
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(), dates.format_date(at, _day(), locale=_locale())
    )


def day_month(at: date) -> str:
    """Write a day without its year, `23 Nov`, for the axis of a chart."""
    short = "d. MMM" if language() == "de" else "d MMM"
    return str(dates.format_date(at, short, locale=_locale()))


def clock(at: datetime | None) -> Markup:
    """Write the time of a day as `09:40`."""
    return not_known() if at is None else _time(at, _written(at, TIME))


def local_input(at: datetime) -> str:
    """Write a moment as a field of date and time holds it, in the reader's zone."""
    return at.astimezone(_tz()).strftime("%Y-%m-%dT%H:%M")


def ago(at: datetime | None) -> Markup:
    """Write how long ago a moment was, or how far it is, with the moment itself behind it."""
    if at is None:
        return not_known()
    distance = at - doors().transactions.clock.now()
    text = dates.format_timedelta(distance, add_direction=True, locale=_locale())
    return _time(at, text, title=_written(at, f"{_day()}, {TIME}"))


def lasting(span: timedelta) -> str:
    """Write how long something takes: `3 hours`."""
    return str(dates.format_timedelta(span, locale=_locale()))


def number(value: float | None) -> Markup | str:
    """Write a number with the separators of the reader's language."""
    return not_known() if value is None else numbers.format_decimal(value, locale=_locale())


def not_known() -> Markup:
    """Say that no source told."""
    return Markup('<span class="mute">{}</span>').format(_("Not known"))


def zone_name() -> str:
    """Return the zone that times are shown in, as it is said once on a page."""
    return str(_tz())


def language() -> str:
    """Return the code of the reader's language."""
    return str(_locale())


def zone(name: str) -> ZoneInfo | None:
    """Return a zone by its name, or None if there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _day() -> str:
    """Return how a day is written in the reader's language."""
    return DAYS.get(language(), DAYS[DEFAULT_LANGUAGE])


def _written(at: datetime, pattern: str) -> str:
    return dates.format_datetime(at, pattern, tzinfo=_tz(), locale=_locale())


def _time(at: datetime, text: str, title: str = "") -> Markup:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if title:
        shape = Markup('<time datetime="{}" title="{}">{}</time>')
        return shape.format(stamp, title, text)
    return Markup('<time datetime="{}">{}</time>').format(stamp, text)


def _tz() -> tzinfo:
    return get_timezone() or ZoneInfo(DEFAULT_ZONE)


def _locale() -> Locale:
    return get_locale() or Locale(DEFAULT_LANGUAGE)


def _language() -> str:
    """Speak the language somebody chose, else what their browser asks for, if we know it."""
    from flask import request

    visit = guards.visit()
    if visit is not None and visit.language in LANGUAGES:
        return visit.language
    return request.accept_languages.best_match(list(LANGUAGES)) or DEFAULT_LANGUAGE


def _zone() -> str:
    visit = guards.visit()
    return DEFAULT_ZONE if visit is None else visit.zone
