"""Pages of the sources themselves: connecting, settings, reads and what a read changed."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response, request, url_for
from flask_babel import gettext as _

from app.directory import doers, queries, schemas, service
from app.directory.domain import SyncState
from app.directory.queries.sources import SIMULATED
from app.directory.routes import blp
from app.directory.routes.moments import address
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, FieldError, InvalidInputError
from app.kernel.settings import Mode
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages
from app.web.pages import Door, Form
from app.web.paging import Window
from app.web.scope import doors
from app.web.shapes import window
from connectors import registry
from connectors.errors import ConnectorError
from connectors.records import CheckReport

KEY = "key."  # before the names of a source's settings, so that none is taken for a field of ours
OWN_FIELDS = frozenset({"name", "kind", "version"})
RECENT = 10
MOST_LEFT_OUT = 100


@pages.page(blp, "/sources")
def sources(reading: Reading, form: Form | None = None) -> str:
    """The connected sources, each with how its last read went; found by name."""
    args = address(schemas.FindArgs, form)
    found = queries.list_sources(reading, window(args), q=args["q"])
    return pages.render("directory/sources.html", page=found, q=args["q"])


@pages.page(blp, "/sources/new")
def connecting(reading: Reading, form: Form | None = None) -> str:
    """Connect a source: first of which kind, then how it is reached; secrets are never shown."""
    _require_fresh(reading, form)
    kinds = _kinds()
    named = (form["kind"] if form else "") or request.args.get("kind", "")
    keys = registry.kind(named).keys if named in kinds else ()
    _forget_secrets(form)
    return pages.render(
        "directory/connecting.html", form=form, kinds=kinds, kind=named if keys else "", keys=keys
    )


def _require_fresh(reading: Reading, form: Form | None) -> None:
    """Ask for a fresh sign-in before secrets are typed: they are not kept for after it."""
    reading.actor.require(Permission.SOURCE_WRITE)
    if form is None:
        reading.actor.require_fresh(reading.now)


def _try_new(door: Door, form: Form) -> CheckReport | None:
    """Try what was typed; what it says is shown if it cannot be used."""
    if form["kind"] not in _kinds():
        raise InvalidInputError({"kind": _("Choose one of the kinds that are offered.")})
    settings, secrets = _typed(form["kind"], form)
    if form["untried"]:
        return None
    with _at_their_fields():
        report = service.try_settings(
            door.ports.connect,
            kind=form["kind"],
            settings=settings,
            secrets=secrets,
            actor=door.actor,
        )
    return _usable(report, form)


@pages.action(blp, "/sources/new", again=connecting, outside=_try_new)
def connect(uow: UnitOfWork, form: Form, found: CheckReport | None) -> Response:
    """Keep a source that was tried; nothing is read yet."""
    settings, secrets = _typed(form["kind"], form)
    with _at_their_fields():
        source = service.add_source(
            uow,
            doors().ports.seal,
            name=form["name"],
            kind=form["kind"],
            settings=settings,
            secrets=secrets,
        )
    notice = _("Connected. Nothing is read yet: read it now, and look at the difference.")
    if found is None:
        notice = _("Kept without being tried. Check it before you read it.")
    address = url_for(f"{blp.name}.source", name=source.name)
    return pages.seen(address, notice=notice, tone="good" if found else "caution")


@pages.page(blp, "/sources/<name>")
def source(
    reading: Reading, name: str, form: Form | None = None, report: CheckReport | None = None
) -> str:
    """One source: its settings without secrets, and its reads."""
    found = queries.show_source(reading, name)
    part = Window(limit=RECENT, cursor=request.args.get("cursor"))
    return pages.render(
        "directory/source.html",
        source=found,
        page=queries.recent_runs(reading, found, part),
        plan=queries.next_read_of(reading, found),
        left_out=queries.list_exclusions(reading, name, Window(limit=MOST_LEFT_OUT)),
        form=form,
        report=report,
    )


@pages.action(blp, "/sources/<name>/sync", again=source)
def sync(uow: UnitOfWork, form: Form, name: str) -> Response:
    """Start a read of it; as a dry run, a person looks at the difference first."""
    run = service.request_sync(
        uow, source_name=name, dry_run=form["how"] == "dry", full=form["how"] == "full"
    )
    return pages.seen(url_for(f"{blp.name}.run", run_id=run.public_id))


@pages.page(blp, "/sources/<name>/reading")
def reading_rules(reading: Reading, name: str, form: Form | None = None) -> str:
    """When it is read by itself, and how much a read may end without a person."""
    reading.actor.require(Permission.SOURCE_WRITE)
    found = queries.show_source(reading, name)
    return pages.render("directory/reading.html", source=found, form=form, rules=service.RULES)


@pages.action(blp, "/sources/<name>/reading", again=reading_rules)
def set_reading(uow: UnitOfWork, form: Form, name: str) -> Response:
    """Change when and how it is read."""
    typed = form.load(schemas.ReadingBody)
    version = typed.pop("version", None)
    service.set_reading(uow, name=name, rules=typed, version=version)
    address = url_for(f"{blp.name}.source", name=name)
    return pages.seen(address, notice=_("Changed."))


@pages.action(blp, "/sources/<name>/exclusions", again=source)
def exclude(uow: UnitOfWork, form: Form, name: str) -> Response:
    """Leave a group out by name, with a reason."""
    typed = form.load(schemas.ExclusionBody)
    found = service.exclude_group(uow, source_name=name, **typed)
    address = url_for(f"{blp.name}.source", name=name)
    return pages.seen(address, notice=_("%(group)s is left out.", group=found.name))


@pages.action(blp, "/sources/<name>/exclusions/<exclusion_id>/lift", again=source)
def lift_exclusion(uow: UnitOfWork, _form: Form, name: str, exclusion_id: str) -> Response:
    """Expect its members to be read again."""
    found = service.lift_exclusion(uow, exclusion_id=exclusion_id)
    address = url_for(f"{blp.name}.source", name=name)
    return pages.seen(address, notice=_("%(group)s is expected to be read.", group=found.name))


def _try_again(door: Door, _form: Form, name: str) -> CheckReport:
    ports = door.ports
    try:
        return service.check_source(door.tx, ports.connect, ports.seal, name=name, actor=door.actor)
    except ConnectorError as error:
        raise ConflictError(str(error)) from error


@pages.action(blp, "/sources/<name>/check", again=source, outside=_try_again)
def check(uow: UnitOfWork, _form: Form, found: CheckReport, name: str) -> str:
    """Try everything it is asked to do, and say what works."""
    text: str = source(uow, name, report=found)
    return text


@pages.page(blp, "/sources/<name>/settings")
def settings(reading: Reading, name: str, form: Form | None = None) -> str:
    """How it is reached; a secret that is left empty stays as it is."""
    _require_fresh(reading, form)
    found = queries.show_source(reading, name)
    _forget_secrets(form)
    keys = registry.kind(found.kind).keys
    return pages.render("directory/settings.html", source=found, form=form, keys=keys)


def _try_change(door: Door, form: Form, name: str) -> CheckReport | None:
    if form["untried"]:
        return None
    with door.tx.read(door.actor) as reading:
        kind = queries.show_source(reading, name).kind
    values, secrets = _typed(kind, form)
    with _at_their_fields():
        report = service.try_change(
            door.tx,
            door.ports.connect,
            door.ports.seal,
            name=name,
            settings=values,
            secrets=secrets,
            actor=door.actor,
        )
    return _usable(report, form)


@pages.action(blp, "/sources/<name>/settings", again=settings, outside=_try_change)
def set_settings(uow: UnitOfWork, form: Form, found: CheckReport | None, name: str) -> Response:
    """Change how it is reached."""
    values, secrets = _typed(queries.show_source(uow, name).kind, form)
    version = int(form["version"]) if form["version"].isdecimal() else 0
    with _at_their_fields():
        service.set_source(
            uow,
            doors().ports.seal,
            name=name,
            settings=values,
            secrets=secrets,
            version=version,
        )
    address = url_for(f"{blp.name}.source", name=name)
    notice = _("Changed.") if found else _("Changed without being tried. Check it.")
    return pages.seen(address, notice=notice, tone="good" if found else "caution")


@pages.action(blp, "/sources/<name>/disable", again=source)
def disable(uow: UnitOfWork, _form: Form, name: str) -> Response:
    """Stop reading and writing it."""
    service.disable_source(uow, name=name)
    notice = _("It is neither read nor written any more. What it showed stays.")
    return pages.seen(url_for(f"{blp.name}.source", name=name), notice=notice)


@pages.action(blp, "/sources/<name>/enable", again=source)
def enable(uow: UnitOfWork, _form: Form, name: str) -> Response:
    """Read and write it again, as it was set."""
    service.set_source(uow, doors().ports.seal, name=name, settings={}, secrets={})
    notice = _("It is read and written again.")
    return pages.seen(url_for(f"{blp.name}.source", name=name), notice=notice)


# --- what was typed about a source ----------------------------------------------------------


def _kinds() -> tuple[str, ...]:
    """Return what can be connected here; what is simulated, by a file, in a demonstration only."""
    is_demonstration = doors().settings.mode is Mode.DEMONSTRATION
    return tuple(each for each in registry.kind_names() if is_demonstration or each != SIMULATED)


def _typed(kind: str, form: Form) -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings of a form, and its secrets; an empty secret was not typed."""
    values: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for key in registry.kind(kind).keys:
        field = f"{KEY}{key.name}"
        if field not in form:
            continue
        typed = form[field].replace("\r\n", "\n")
        if not key.is_secret:
            values[key.name] = typed.strip()
        elif typed.strip():
            secrets[key.name] = typed.strip("\n")
    return {name: each for name, each in values.items() if each or form["version"]}, secrets


def _forget_secrets(form: Form | None) -> None:
    if form is None:
        return
    form.forget([name for name in form.values if name.startswith(KEY) and _is_secret(name)])


def _is_secret(field: str) -> bool:
    """Say whether any kind takes this field for a secret; better too many than too few."""
    name = field.removeprefix(KEY)
    return any(
        key.is_secret and key.name == name for kind in _kinds() for key in registry.kind(kind).keys
    )


@contextmanager
def _at_their_fields() -> Iterator[None]:
    """Tell what is wrong with a key at its field."""
    try:
        yield
    except InvalidInputError as error:
        raise InvalidInputError(
            [
                FieldError(
                    each.field if each.field in OWN_FIELDS else f"{KEY}{each.field}", each.message
                )
                for each in error.fields
            ]
        ) from None


def _usable(report: CheckReport, form: Form) -> CheckReport:
    """Return a report of a source that can be used; else show what is missing.

    Raises:
        ConflictError: Something that it needs does not work.
    """
    if report.is_usable:
        return report
    form.found = report
    raise ConflictError(_("It cannot be used like this. Nothing was kept."))


@pages.page(blp, "/sync-runs/<run_id>")
def run(reading: Reading, run_id: str, form: Form | None = None) -> str:
    """One read: what was asked, counted and changed, and why it waits if it does.

    What a parked read would change is compared anew, which takes as long as a read has records; it
    comes when it is asked for.
    """
    found, args = queries.show_run(reading, run_id), address(schemas.FindArgs, form)
    changes = None
    if found.state is not SyncState.PARKED or request.args.keys() & {"changes", "cursor", "q"}:
        changes = queries.list_changes(reading, run_id, window(args), q=args["q"])
        changes = doers.named(reading, run_id, changes)
    starter = queries.name_of(reading, found.started_by)
    return pages.render(
        "directory/run.html",
        run=found,
        page=changes,
        q=args["q"],
        starter=starter,
        form=form,
    )


@pages.page(blp, "/sync-runs/<run_id>/now", is_poll=True)
def run_now(reading: Reading, run_id: str) -> Response | str:
    """Whether it is still under way, for a page that waits; at its end the page comes anew."""
    found = queries.show_run(reading, run_id)
    if found.state is SyncState.RUNNING:
        return pages.render("directory/run_now.html", run=found)
    return Response(headers={"HX-Refresh": "true"})


@pages.action(blp, "/sync-runs/<run_id>/accept", again=run)
def accept(uow: UnitOfWork, _form: Form, run_id: str) -> Response:
    """Store exactly what it has read."""
    service.accept_run(uow, run_id=run_id)
    address = url_for(f"{blp.name}.run", run_id=run_id)
    return pages.seen(address, notice=_("Stored exactly as it was read."))


@pages.action(blp, "/sync-runs/<run_id>/refuse", again=run)
def refuse(uow: UnitOfWork, _form: Form, run_id: str) -> Response:
    """Forget what it has read, or give it up."""
    service.refuse_run(uow, run_id=run_id)
    address = url_for(f"{blp.name}.run", run_id=run_id)
    return pages.seen(address, notice=_("Nothing of this read is stored."))
