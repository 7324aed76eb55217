"""Make the web application of a house: doors, error answers, headers, blueprints."""

from collections.abc import Mapping

from flask import Flask

from app import finding, waiting
from app.audit.api import blp as audit
from app.audit.routes import blp as audit_pages
from app.audit.routes import looks
from app.catalog.api import blp as catalog
from app.catalog.routes import blp as catalog_pages
from app.directory import doers
from app.directory import queries as directory_queries
from app.directory.api import blp as directory
from app.directory.routes import blp as directory_pages
from app.kernel.settings import Settings
from app.lifecycle.api import blp as lifecycle
from app.lifecycle.routes import blp as lifecycle_pages
from app.lifecycle.routes import on_operations
from app.notices.api import blp as notices
from app.notices.routes import blp as notices_pages
from app.provisioning import telling
from app.provisioning.api import blp as provisioning
from app.provisioning.overview import needing_a_person
from app.provisioning.routes import blp as provisioning_pages
from app.requests import desk
from app.requests.api import blp as requests
from app.requests.routes import blp as requests_pages
from app.reviews import worklist
from app.reviews.api import blp as reviews
from app.reviews.routes import blp as reviews_pages
from app.rulebook.routes import blp as rulebook_pages
from app.signin.api import blp as signin
from app.signin.routes import blp as signin_pages
from app.signin.service import authenticate
from app.signin.sessions import authenticate_session, note_seen, owner_of
from app.web import (
    find,
    frame,
    health,
    home,
    instance,
    openapi,
    pages,
    panels,
    problems,
    rail,
    reasons,
    security,
    throttle,
)
from app.web.scope import Doors
from app.wiring import House, Ports, build

STAGES = (
    directory,
    catalog,
    signin,
    requests,
    provisioning,
    lifecycle,
    reviews,
    notices,
    audit,
)

PAGES = (
    signin_pages,
    instance.blp,
    requests_pages,
    notices_pages,
    provisioning_pages,
    lifecycle_pages,
    reviews_pages,
    directory_pages,
    catalog_pages,
    rulebook_pages,
    audit_pages,
)
COUNTS: Mapping[str, rail.Count] = {
    "reviews": worklist.waiting,
    "approvals": desk.count_questions,
    "tasks": needing_a_person,
}
# Page to what later stages put on it.
PANELS = {"operations": (on_operations,)}


def open_to(app: Flask, settings: Settings, house: House) -> None:
    """Let an application serve a house: nothing else in it knows of one.

    Args:
        app: The application.
        settings: The instance's settings.
        house: What is behind the doors.
    """
    app.extensions["attestry"] = Doors(
        settings, house.tx, authenticate, house, authenticate_session, note_seen, owner_of
    )
    throttle.install(app, house.tx.clock.now)


def create_app(
    settings: Settings, ports: Ports | None = None, *, house: House | None = None
) -> Flask:
    """Make a WSGI application.

    Args:
        settings: The instance's settings.
        ports: What to use instead of the real thing.
        house: A house that stands already; then `ports` is of no use.
    """
    standing = house or build(settings, ports)
    app = Flask("app", static_folder=None)
    open_to(app, settings, standing)
    problems.install(app)
    security.install(app)
    health.install(app)
    frame.install(app)
    pages.install(app)
    rail.install(app, COUNTS)
    panels.install(app, PANELS)
    looks.install(app)
    find.install(app, finding.FINDERS)
    reasons.install(app, finding.reasons)
    doers.install(app, telling.doers)
    home.install(app, directory_queries.source_lines, waiting.MAKERS)
    api = openapi.install(app)
    for blueprint in STAGES:
        api.register_blueprint(blueprint)
    for each in PAGES:
        app.register_blueprint(each)
    return app
