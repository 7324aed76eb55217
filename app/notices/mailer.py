"""The port through which people are told outside the app, and what stands behind it.

`SmtpMailer` sends through a relay with TLS and a time-out. `MemoryMailer` keeps what it was given,
for tests and the demonstration. Without a relay there is no mailer, and notices stay in the app.
"""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

TIMEOUT_SECONDS = 20
DEFAULT_PORTS = {"smtp": 587, "smtps": 465}


class MailError(Exception):
    """A message could not be handed over; the sentence says why, without secrets."""


class Mailer(Protocol):
    """Hands a message to one person."""

    def send(self, *, to: str, subject: str, body: str) -> None:
        """Send one plain-text message.

        Raises:
            MailError: It was not accepted.
        """
        ...


class SmtpMailer:
    """Sends through a relay; `smtp://` upgrades to TLS before anything is said.

    `smtps://` begins with TLS.

    The address may carry user and password, and the sender as `?from=ADDRESS`.
    """

    def __init__(self, url: str) -> None:
        """Read the relay's address.

        Raises:
            MailError: It is not a relay's address.
        """
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise MailError("ATTESTRY_SMTP_URL is smtp://HOST or smtps://HOST.")
        self._scheme = parts.scheme
        self._host = parts.hostname
        self._port = _port(parts) or DEFAULT_PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
        self._sender = unquote(query.get("from", f"attestry@{self._host}"))

    def send(self, *, to: str, subject: str, body: str) -> None:
        """Send one plain-text message.

        Raises:
            MailError: It was not accepted.
        """
        message = EmailMessage()
        try:
            message["From"], message["To"] = self._sender, to
            message["Subject"] = " ".join(subject.split())
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(body)
            self._hand_over(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise MailError(f"{self._host}: {type(error).__name__}: {error}") from error

    def _hand_over(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self._scheme == "smtps":
            relay: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            relay = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        with relay:
            if self._scheme == "smtp":
                relay.starttls(context=context)
            if self._user:
                relay.login(self._user, self._password)
            relay.send_message(message)


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise MailError("ATTESTRY_SMTP_URL has a port that is no number up to 65535.") from error


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the memory mailer was given."""

    to: str
    subject: str
    body: str


@dataclass(slots=True)
class MemoryMailer:
    """Keeps messages; refuses the addresses it is told to refuse."""

    outbox: list[Sent] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def send(self, *, to: str, subject: str, body: str) -> None:
        """Keep one message.

        Raises:
            MailError: The address is one of `refused`.
        """
        if to in self.refused:
            raise MailError("The relay refused the address.")
        self.outbox.append(Sent(to, subject, body))
