"""The page of one's notices."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from app.kernel.uow import Reading, UnitOfWork
from app.notices import queries, service
from app.web import pages
from app.web.pages import Form
from app.web.paging import Window

blp = pages.pages("notices", __name__)


@pages.page(blp, "/notices")
def notices(reading: Reading, form: Form | None = None) -> str:
    """What one was told, newest first."""
    window = Window(cursor=request.args.get("cursor") or None)
    return pages.render("notices/notices.html", page=queries.my_notices(reading, window), form=form)


@pages.action(blp, "/notices/<notice_id>/read", again=notices)
def read(uow: UnitOfWork, _form: Form, notice_id: str) -> Response:
    """Note that one was read."""
    service.mark_read(uow, notice_id=notice_id)
    return pages.seen(url_for(f"{blp.name}.notices"), notice=_("Marked as read."))
