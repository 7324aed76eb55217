"""Reads of notices: each person sees their own."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.kernel.uow import Reading
from app.notices.models import Notice
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice."""

    id: str
    kind: str
    about: str
    subject: str
    body: str
    channel: str
    state: str
    created_at: datetime
    read_at: datetime | None


def my_notices(reading: Reading, window: Window) -> Page[NoticeRow]:
    """Return the actor's notices, newest first."""
    statement = (
        sa.select(Notice)
        .where(Notice.recipient_id == reading.actor.require_identity())
        .order_by(Notice.id.desc())
    )
    after = window.after_id()
    if after:
        statement = statement.where(Notice.id < after)
    found = reading.session.scalars(statement.limit(window.limit + 1)).all()
    shown = page(found, window, key=lambda each: [each.id])
    return Page([as_row(each) for each in shown.items], shown.next_cursor)


def as_row(notice: Notice) -> NoticeRow:
    """Return what its recipient sees of a notice."""
    return NoticeRow(
        id=notice.public_id,
        kind=notice.kind,
        about=notice.about,
        subject=notice.subject,
        body=notice.body,
        channel=notice.channel,
        state=notice.state.value,
        created_at=notice.created_at,
        read_at=notice.read_at,
    )
