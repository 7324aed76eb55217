"""The log's head, sent out once a day to people who keep it: by mail or to a webhook.

Whoever keeps yesterday's head can hold today's against it. Addresses are a setting; each day and
address is one row, tried again with growing pauses until it is taken or the day is over, and what
became of it is an entry. Webhooks are signed as Standard Webhooks says.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests
import sqlalchemy as sa

from app import events
from app.audit.domain import DispatchState
from app.audit.models import Dispatch
from app.audit.witnessing import cosigned
from app.kernel.jobs import Job, Queue
from app.kernel.ledger import LedgerCheckpoint
from app.kernel.uow import Reading, Transactions, UnitOfWork

SEND = "send_checkpoint"
PATIENCE_SECONDS = 10
FIRST_PAUSE = timedelta(minutes=5)
MOST_ATTEMPTS = 8
TAKEN = range(200, 300)

Post = Callable[[str, bytes, Mapping[str, str]], int]
Mail = Callable[[str, str, str], None]


class NotTakenError(Exception):
    """Nobody took the head; the sentence says why, without secrets."""


@dataclass(frozen=True, slots=True)
class Outside:
    """How the head leaves the house.

    Attributes:
        targets: Mail addresses and addresses of webhooks.
        mail: Hands mail over (to, subject, body); None: there is no relay.
        post: Sends to a webhook.
        secret: Signs for webhooks; empty: they are not signed.
    """

    targets: Sequence[str]
    mail: Mail | None
    post: Post
    secret: str = ""


def tick(tx: Transactions, outside: Outside) -> None:
    """Enqueue what is to be sent today or to be tried again; called once a minute."""
    if not outside.targets:
        return
    with tx.write() as uow:
        day = uow.now.date().isoformat()
        size = uow.session.scalar(sa.select(sa.func.max(LedgerCheckpoint.size)))
        if size is None:
            return
        held = set(uow.session.scalars(sa.select(Dispatch.target).where(Dispatch.day == day)))
        for target in outside.targets:
            if target not in held:
                _begin(uow, day, target, size)
        uow.session.flush()
        due = uow.session.execute(
            sa.select(Dispatch.public_id, Dispatch.attempts).where(
                Dispatch.state == DispatchState.QUEUED, Dispatch.due_at <= uow.now
            )
        ).all()
        for public_id, attempts in due:
            key = f"{public_id}:{attempts}"
            uow.enqueue(Job(Queue.DELIVER, SEND, key, {"dispatch": public_id}))


def run_send(tx: Transactions, outside: Outside, payload: Mapping[str, str]) -> None:
    """Send one day's head to one address; the runner of `send_checkpoint` jobs.

    A process that dies between sending and noting it sends the same head again, which is harmless.
    """
    public_id = payload["dispatch"]
    with tx.read() as reading:
        found = reading.session.scalar(
            sa.select(Dispatch).where(
                Dispatch.public_id == public_id, Dispatch.state == DispatchState.QUEUED
            )
        )
        if found is None:
            return
        target, note = found.target, _note(reading, found.size)
    try:
        _send(outside, public_id, target, note, tx.clock.now())
    except NotTakenError as error:
        _put_off(tx, public_id, str(error))
        return
    with tx.write() as uow:
        sent = _locked(uow, public_id)
        if sent.state is DispatchState.QUEUED:
            sent.state, sent.sent_at = DispatchState.SENT, uow.now
            sent.attempts += 1
            uow.record(
                events.CheckpointSent(
                    subject=public_id, channel=sent.channel, size=sent.size, target=target
                )
            )


def post_by_http(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send to a webhook; no redirects.

    Raises:
        NotTakenError: It did not answer in time.
    """
    try:
        with requests.post(
            url,
            body,
            headers=dict(headers),
            timeout=PATIENCE_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as answer:
            return answer.status_code
    except (requests.RequestException, OSError) as error:
        raise NotTakenError(f"It did not answer: {type(error).__name__}.") from error


def signed_headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a webhook (standardwebhooks.com)."""
    time = str(int(at.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": time,
    }
    if secret:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = hmac.digest(key, f"{message_id}.{time}.".encode() + body, hashlib.sha256)
        headers["webhook-signature"] = f"v1,{base64.b64encode(signed).decode('ascii')}"
    return headers


def _begin(uow: UnitOfWork, day: str, target: str, size: int) -> None:
    made = Dispatch(
        public_id=uow.ids.new(),
        day=day,
        target=target,
        size=size,
        state=DispatchState.QUEUED,
        attempts=0,
        due_at=uow.now,
    )
    uow.session.add(made)
    uow.record(
        events.CheckpointQueued(
            subject=made.public_id, channel=made.channel, size=size, target=target
        )
    )


def _note(reading: Reading, size: int) -> str:
    note = reading.session.scalar(
        sa.select(LedgerCheckpoint.note).where(LedgerCheckpoint.size == size)
    )
    return str(note) + cosigned(reading, size).lines


def _send(outside: Outside, public_id: str, target: str, note: str, at: datetime) -> None:
    if "://" not in target:
        _mail(outside.mail, target, note)
        return
    document = {"type": "ledger.checkpoint", "timestamp": at.isoformat(), "data": {"note": note}}
    body = json.dumps(document).encode()
    status = outside.post(target, body, signed_headers(outside.secret, public_id, at, body))
    if status not in TAKEN:
        raise NotTakenError(f"It answered {status}.")


def _mail(mail: Mail | None, target: str, note: str) -> None:
    if mail is None:
        raise NotTakenError("There is no mail relay: set ATTESTRY_SMTP_URL.")
    origin, size = note.split("\n", 2)[:2]
    body = (
        "This is the signed head of an Attestry ledger. Keep it: a later head, or a bundle, that "
        f"did not grow out of it shows that the ledger was rewritten.\n\n{note}"
    )
    mail(target, f"Ledger {origin}: {size} entries", body)


def _put_off(tx: Transactions, public_id: str, why: str) -> None:
    with tx.write() as uow:
        kept = _locked(uow, public_id)
        if kept.state is not DispatchState.QUEUED:
            return
        kept.attempts, kept.why = kept.attempts + 1, why
        kept.due_at = uow.now + FIRST_PAUSE * 2 ** (kept.attempts - 1)
        given_up = kept.attempts >= MOST_ATTEMPTS
        if given_up:
            kept.state = DispatchState.FAILED
        uow.record(
            events.CheckpointRefused(
                subject=public_id,
                channel=kept.channel,
                attempts=kept.attempts,
                is_given_up=given_up,
                target=kept.target,
                error=why,
            )
        )


def _locked(uow: UnitOfWork, public_id: str) -> Dispatch:
    return uow.session.scalars(
        sa.select(Dispatch).where(Dispatch.public_id == public_id).with_for_update()
    ).one()
