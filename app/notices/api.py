"""`/notices`."""

from typing import Any

from app.kernel.uow import Reading, UnitOfWork
from app.notices import queries, schemas, service
from app.web import scope
from app.web.paging import Page
from app.web.shapes import EmptySchema, PageArgs, window

blp = scope.api("notices", "What you were told.")


@blp.route("/notices", methods=["GET"])
@scope.query(blp, schemas.NoticePage, args=PageArgs)
def list_notices(reading: Reading, args: dict[str, Any]) -> Page[queries.NoticeRow]:
    """Your notices, newest first."""
    return queries.my_notices(reading, window(args))


@blp.route("/notices/<notice_id>/read", methods=["POST"])
@scope.command(blp, schemas.NoticeSchema, body=EmptySchema)
def mark_read(uow: UnitOfWork, _body: dict[str, Any], notice_id: str) -> queries.NoticeRow:
    """Note that you have read one."""
    return queries.as_row(service.mark_read(uow, notice_id=notice_id))
