"""`/evidence/samples` and `/evidence/access`: the sampling room."""

from datetime import UTC, date, datetime, time, timedelta

from flask import Response, request, url_for
from flask_babel import gettext as _

from app.audit import bundles, life, nonces, populations, queries, sampling, schemas
from app.audit.routes import blp
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages
from app.web.pages import Form
from app.web.paging import Window
from app.web.scope import doors


@pages.page(blp, "/evidence/samples")
def sample_list(reading: Reading, form: Form | None = None) -> str:
    """The samples, newest first, and the form that draws one."""
    found = sampling.list_samples(reading, Window(cursor=request.args.get("cursor") or None))
    return pages.render(
        "audit/samples.html",
        page=found,
        choices=queries.campaign_names(reading),
        open_ones=queries.campaign_names(reading, only_open=True),
        words_given=nonces.given_nonces(reading),
        form=form,
    )


@pages.action(blp, "/evidence/samples", again=sample_list)
def draw_sample(uow: UnitOfWork, form: Form) -> Response:
    """Draw one."""
    drawn = sampling.draw_sample(uow, populations.SampleWish(**form.load(schemas.SampleForm)))
    return pages.seen(url_for(f"{blp.name}.sample", sample_id=drawn.id), notice=_("Drawn."))


@pages.action(blp, "/evidence/nonces", again=sample_list)
def give_nonce(uow: UnitOfWork, form: Form) -> Response:
    """Give a word of one's own to an open campaign."""
    given = form.load(schemas.NonceForm)
    nonces.give_nonce(uow, campaign_id=given["open_campaign"], nonce=given["nonce"])
    return pages.seen(url_for(f"{blp.name}.sample_list"), notice=_("Given. Keep it."))


@pages.page(blp, "/evidence/samples/<sample_id>")
def sample(reading: Reading, sample_id: str, form: Form | None = None) -> str:
    """One sample; each line leads to the life of what was drawn."""
    found = sampling.find_sample(reading, sample_id)
    has_authority = doors().settings.tsa_url is not None
    return pages.render("audit/sample.html", sample=found, has_authority=has_authority, form=form)


@pages.action(blp, "/evidence/samples/<sample_id>/bundle", again=sample)
def bundle_sample(uow: UnitOfWork, form: Form, sample_id: str) -> Response:
    """Ask for the bundle of a sample; a worker builds it."""
    wish = bundles.Wish(sample=sample_id, **form.load(schemas.SampleBundleForm))
    made = bundles.request(uow, wish)
    return pages.seen(url_for(f"{blp.name}.bundle", bundle_id=made.id))


@pages.page(blp, "/evidence/access/<account_id>/<group_id>")
def access(reading: Reading, account_id: str, group_id: str) -> str:
    """The life of one access, and whether it was held at the end of a day."""
    on = request.args.get("on", "")
    found = life.life_of(reading, account_id, group_id, _end_of(on))
    return pages.render("audit/life.html", life=found, on=on)


def _end_of(text: str) -> datetime | None:
    """Return the end of a day, in UTC; None if none was given, or what was given is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime.combine(day, time(), UTC) + timedelta(days=1)
