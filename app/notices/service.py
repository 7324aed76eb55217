"""Commands of notices: tell somebody, on the record, and hand the message over once."""

from collections.abc import Mapping

import sqlalchemy as sa

from app import events
from app.directory.models import Identity
from app.kernel.errors import NotFoundError, NothingToChangeError
from app.kernel.jobs import Job, Queue
from app.kernel.phrases import phrase
from app.kernel.uow import Transactions, UnitOfWork
from app.notices.domain import NoticeState
from app.notices.mailer import Mailer, MailError
from app.notices.models import Notice

SEND = "send_notice"
IN_APP = "app"
MAIL = "mail"


def tell(
    uow: UnitOfWork, *, recipient_id: int, kind: str, about: str, subject: str, body: str
) -> Notice | None:
    """Tell one person one thing, in the app and by mail if there is an address.

    Telling the same person the same kind of thing about the same object again does nothing, so
    that a repeated delivery does not mail twice.

    Returns:
        The notice, or None if it was told before.
    """
    again = uow.session.scalar(
        sa.select(Notice.id).where(
            Notice.recipient_id == recipient_id, Notice.kind == kind, Notice.about == about
        )
    )
    if again is not None:
        return None
    recipient = uow.session.get_one(Identity, recipient_id)
    by_mail = recipient.mail is not None
    notice = Notice(
        public_id=uow.ids.new(),
        recipient_id=recipient_id,
        kind=kind,
        about=about,
        subject=subject,
        body=body,
        channel=MAIL if by_mail else IN_APP,
        state=NoticeState.QUEUED if by_mail else NoticeState.SENT,
        created_at=uow.now,
        sent_at=None if by_mail else uow.now,
    )
    uow.session.add(notice)
    uow.record(
        events.NoticeQueued(
            subject=notice.public_id,
            recipient=recipient.public_id,
            notice_kind=kind,
            about=about,
        )
    )
    if by_mail:
        uow.enqueue(Job(Queue.DELIVER, SEND, notice.public_id, {"notice": notice.public_id}))
    return notice


def run_send(tx: Transactions, mailer: Mailer | None, payload: Mapping[str, str]) -> None:
    """Hand one notice to the mailer; the runner of `send_notice` jobs.

    A process that dies between handing over and noting it sends the mail again: a message twice is
    better than one that never came.
    """
    with tx.read() as reading:
        row = reading.session.execute(
            sa.select(Notice.subject, Notice.body, Identity.mail)
            .join(Identity, Identity.id == Notice.recipient_id)
            .where(Notice.public_id == payload["notice"], Notice.state == NoticeState.QUEUED)
        ).one_or_none()
    if row is None:
        return
    error = None
    if mailer is not None and row.mail is not None:
        try:
            mailer.send(to=row.mail, subject=row.subject, body=row.body)
        except MailError as refused:
            error = str(refused)
    with tx.write() as uow:
        _note(uow, payload["notice"], error, is_mailed=mailer is not None)


def _note(uow: UnitOfWork, notice_id: str, error: str | None, *, is_mailed: bool) -> None:
    notice = uow.session.scalars(
        sa.select(Notice).where(Notice.public_id == notice_id).with_for_update()
    ).one()
    if notice.state is not NoticeState.QUEUED:
        return
    if not is_mailed:
        notice.channel = IN_APP
    if error is not None:
        notice.state = NoticeState.FAILED
        notice.error = error
        uow.record(
            events.NoticeFailed(subject=notice.public_id, channel=notice.channel, error=error)
        )
        return
    notice.state = NoticeState.SENT
    notice.sent_at = uow.now
    uow.record(events.NoticeSent(subject=notice.public_id, channel=notice.channel))


def mark_read(uow: UnitOfWork, *, notice_id: str) -> Notice:
    """Note that the actor has read one of their notices.

    Raises:
        NotFoundError: There is none of the actor's.
        NothingToChangeError: It was read before.
    """
    notice = uow.session.scalar(
        sa.select(Notice).where(
            Notice.public_id == notice_id,
            Notice.recipient_id == uow.actor.require_identity(),
        )
    )
    if notice is None:
        raise NotFoundError(phrase("There is no such notice of yours."))
    if notice.read_at is not None:
        raise NothingToChangeError(phrase("This was read before."))
    notice.read_at = uow.now
    uow.record(events.NoticeRead(subject=notice.public_id))
    return notice
