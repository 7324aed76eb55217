"""What an LDAP server refuses, or the way to it, as the error that says what to do about it.

Result codes: RFC 4511 appendix A. ldap3 gives most of what keeps a connection from opening as one
error, so that it has to be told apart by its text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ldap3.core.exceptions import LDAPExceptionError

from connectors.errors import (
    ConnectorError,
    DeniedError,
    IncompleteReadError,
    MisconfiguredError,
    TargetConflictError,
    TargetMissingError,
    UnavailableError,
)
from connectors.ldap.config import Address

SUCCESS, TIME_LIMIT, SIZE_LIMIT, ADMIN_LIMIT = 0, 3, 4, 11
STRONGER_AUTH, CONFIDENTIALITY, CONSTRAINT, NO_OBJECT = 8, 13, 19, 32
BAD_DN, BAD_CREDENTIALS, NO_ACCESS, BUSY, UNAVAILABLE, UNWILLING = 34, 49, 50, 51, 52, 53
REFERRAL = 10

# Active Directory tells in the text of result 49 what was wrong (MS-ERREF, Win32 codes).
SIGN_IN = {
    "52e": "The password or the account name is wrong.",
    "525": "There is no such account.",
    "533": "The account is disabled.",
    "701": "The account has expired.",
    "773": "The account must change its password first.",
    "775": "The account is locked out.",
    "532": "The password has expired.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's result of a write."""

    code: int
    name: str
    message: str

    @property
    def text(self) -> str:
        """Code and name, as evidence keeps them."""
        return f"{self.code} {self.name}"


def refused(answer: Answer, what: str) -> ConnectorError:
    """Return the error for a write that a server did not do.

    Args:
        answer: Its result.
        what: What was to be done, for the sentence.
    """
    if answer.code == NO_ACCESS:
        return DeniedError(f"The server does not allow to {what}: give the account that right.")
    if answer.code in (BUSY, UNAVAILABLE):
        return UnavailableError(f"The server is too busy to {what}; it is tried again later.")
    if answer.code == NO_OBJECT:
        return TargetMissingError(f"It is not there (any more), so that nobody can {what}.")
    if answer.code in (UNWILLING, CONSTRAINT):
        return TargetConflictError(
            f"The server does not {what} in its present state: {answer.text}."
        )
    return ConnectorError(f"The server refused to {what}: {answer.text}.")


def accept(result: Mapping[str, Any], base: str) -> None:
    """Accept a page with result 0; turn anything else into the error it means.

    Args:
        result: Of the page, as ldap3 gives it.
        base: Where was searched.

    Raises:
        IncompleteReadError: A limit was reached, or the list ended without success.
        MisconfiguredError: The base is not there.
        TargetMissingError: The base was an id, and there is no such entry.
        DeniedError: Reading is not allowed.
    """
    code = result["result"]
    if code == SUCCESS:
        return
    named = f"{code} {result['description']}"
    if code in (TIME_LIMIT, SIZE_LIMIT, ADMIN_LIMIT):
        raise IncompleteReadError(
            f"The server cut the list ({named}): lower page_size, or raise the account's limit."
        )
    if code in (NO_OBJECT, BAD_DN, REFERRAL):
        if base.startswith("<GUID="):
            raise TargetMissingError("There is no such entry.")
        raise MisconfiguredError(
            f"base_dn: there is no {base!r} on this server ({named}).", key="base_dn"
        )
    if code == NO_ACCESS:
        raise DeniedError("The account may not read here: give it the right to read.")
    raise IncompleteReadError(f"The server ended the list with {named}.")


def refused_sign_in(result: Mapping[str, Any]) -> ConnectorError:
    """Return the error for a sign-in that was refused.

    Args:
        result: Of the bind, as ldap3 gives it.
    """
    code, message = result["result"], result.get("message") or ""
    if code == BAD_CREDENTIALS:
        reason = next((text for key, text in SIGN_IN.items() if f"data {key}" in message), None)
        told = reason or "The account name or password is wrong."
        return MisconfiguredError(
            f"Sign-in was refused: {told} Look at bind_dn and password.", key="password"
        )
    if code in (STRONGER_AUTH, CONFIDENTIALITY):
        return MisconfiguredError(
            "The server wants an encrypted connection: use ldaps://, or start_tls=true.", key="uri"
        )
    if code in (BUSY, UNAVAILABLE):
        return UnavailableError("The server is too busy to sign in; try again later.")
    return MisconfiguredError(
        f"Sign-in was refused: {code} {result['description']}. Look at bind_dn.", key="bind_dn"
    )


def refused_connection(  # noqa: PLR0911 - one a meaning
    address: Address, error: LDAPExceptionError
) -> ConnectorError:
    """Return the error for a connection that did not open.

    Args:
        address: Where to.
        error: What ldap3 gave, told apart by its text.
    """
    text = str(error).lower()
    where = address.text
    if "doesn't match" in text or "mismatch" in text or "not valid for" in text:
        return MisconfiguredError(
            f"The certificate of {where} is for another name: use the name that stands in it.",
            key="uri",
        )
    if "certificate has expired" in text:
        return MisconfiguredError(
            f"The certificate of {where} has expired: it has to be renewed on the server.",
            key="uri",
        )
    if "certificate verify failed" in text or "certificate_verify_failed" in text:
        return MisconfiguredError(
            f"The certificate of {where} is not signed by a trusted authority: give the PEM file "
            "of the authority as ca_file.",
            key="ca_file",
        )
    if any(each in text for each in ("wrong version", "wrong_version", "eof", "reset by peer")):
        return MisconfiguredError(
            f"{where} does not speak TLS: use its TLS port, or ldap:// with start_tls=true.",
            key="uri",
        )
    if "start_tls" in text or "starttls" in text:
        return MisconfiguredError(f"{where} does not offer StartTLS: use ldaps://.", key="uri")
    if "refused" in text:
        return UnavailableError(f"Nobody listens at {where}: is the port right, the server up?")
    if "name or service" in text or "getaddrinfo" in text or "invalid server address" in text:
        return UnavailableError(f"The name of {where} is not known: look at uri.")
    return UnavailableError(f"{where} cannot be reached ({type(error).__name__}).")
