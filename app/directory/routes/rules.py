"""The page of the rules by which accounts are tied: looked at first, then put in force."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from app.directory import queries, schemas, service
from app.directory.matching import MOST_RULES, SURE_FROM, Field, Rule
from app.directory.routes import blp
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, FieldError, InvalidInputError
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages
from app.web.pages import Form
from app.web.paging import Window

SPARE = 2  # empty rows for new rules
MOST_SOURCES = 200


@pages.page(blp, "/correlation-rules")
def correlation_rules(reading: Reading, form: Form | None = None) -> str:
    """The rules in force, in their order; those who may write sources change them here."""
    return _shown(reading, form, None)


@pages.question(blp, "/correlation-rules/preview", again=correlation_rules)
def preview_rules(reading: Reading, form: Form) -> str:
    """Say what a draft would tie, and put in doubt; nothing is written."""
    rules, version, source = _typed(form)
    found = service.preview_correlation(reading, rules=rules, version=version, source=source)
    return _shown(reading, form, found)


@pages.action(blp, "/correlation-rules", again=correlation_rules)
def set_rules(uow: UnitOfWork, form: Form) -> Response:
    """Put in force what was looked at."""
    uow.actor.require(Permission.SOURCE_WRITE)
    rules, version, source = _typed(form)
    if form["digest"] != service.digest_of_rules(rules, version, source):
        raise ConflictError(_("This is not what you looked at: look at what it would do first."))
    service.set_correlation(uow, rules=rules, version=version, source=source)
    address = url_for(f"{blp.name}.correlation_rules", source=source)
    return pages.seen(address, notice=_("In force. Ties that were made stay."))


def _shown(reading: Reading, form: Form | None, found: service.Foreseen | None) -> str:
    ruling = queries.show_rules(reading)
    names = [each.name for each in queries.list_sources(reading, Window(limit=MOST_SOURCES)).items]
    source = form["source"] if form is not None else request.args.get("source", "")
    source = source if source in names else ""
    has_own = source in ruling.by_source
    rules = ruling.by_source[source] if has_own else () if source else ruling.rules
    places = min(len(rules) + SPARE, MOST_RULES)
    if form is not None:
        places = min(sum(1 for name in form.values if name.startswith("match.")), MOST_RULES)
    return pages.render(
        "directory/rules.html",
        form=form,
        found=found,
        ruling=ruling,
        rules=rules,
        has_own=has_own,
        source=source,
        sources=names,
        places=range(places),
        fields=tuple(Field),
        sure_from=SURE_FROM,
        may_write=reading.actor.may(Permission.SOURCE_WRITE),
    )


def _typed(form: Form) -> tuple[list[Rule], int, str | None]:
    """Return the rules of a form in the order of their numbers; a row without a field is none.

    Raises:
        InvalidInputError: Something in a row is wrong.
    """
    found: list[tuple[int, int, Rule]] = []
    wrong: list[FieldError] = []
    for place in range(MOST_RULES):
        if not form[f"match.{place}"]:
            continue
        row = Form({name: form.all(f"{name}.{place}") for name in (*ROW, "order")})
        try:
            order = int(row["order"] or place + 1)
            found.append((order, place, _rule(row)))
        except ValueError:
            wrong.append(FieldError(f"order.{place}", _("A whole number.")))
        except InvalidInputError as error:
            wrong += [FieldError(f"{each.field}.{place}", each.message) for each in error.fields]
    if wrong:
        raise InvalidInputError(wrong)
    version = int(form["version"]) if form["version"].isdecimal() else 0
    return [rule for _order, _place, rule in sorted(found)], version, form["source"] or None


ROW = ("match", "against", "confidence", "strip_prefix", "strip_suffix", "strip_domain")


def _rule(row: Form) -> Rule:
    typed = row.load(schemas.RuleBody(exclude=("strip_domain",)))
    against = typed["against"] or typed["match"]
    return Rule(**{**typed, "against": against, "strip_domain": bool(row["strip_domain"])})
