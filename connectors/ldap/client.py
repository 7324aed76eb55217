"""One LDAP connection with ldap3: verified TLS, time-outs, paging to the end, errors as sentences.

What was learnt against running servers, and why the loop is written by hand: ldap3's own paging
ends silently when a later page fails, and results 3 and 4 (time and size limit) raise nothing. A
page counts only with result 0 and a paging control; a list is complete only after the page whose
cookie is empty. `validate` has to be asked for, or any certificate is taken.
"""

import logging
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ldap3 import (
    BASE,
    MODIFY_ADD,
    MODIFY_DELETE,
    MODIFY_REPLACE,
    NONE,
    SAFE_SYNC,
    SUBTREE,
    Connection,
    Server,
    Tls,
)
from ldap3.core.exceptions import LDAPExceptionError, LDAPInvalidFilterError

from connectors.errors import (
    ConnectorError,
    DeniedError,
    IncompleteReadError,
    MisconfiguredError,
    TargetConflictError,
    TargetMissingError,
    UnavailableError,
)
from connectors.ldap.config import Address, LdapConfig

CONNECT_SECONDS = 10
ANSWER_SECONDS = 120
PAGING = "1.2.840.113556.1.4.319"
SUCCESS, TIME_LIMIT, SIZE_LIMIT, ADMIN_LIMIT = 0, 3, 4, 11
STRONGER_AUTH, CONFIDENTIALITY, CONSTRAINT, NO_OBJECT = 8, 13, 19, 32
BAD_DN, BAD_CREDENTIALS, NO_ACCESS, BUSY, UNAVAILABLE, UNWILLING = 34, 49, 50, 51, 52, 53
REFERRAL = 10
SCOPES = {"base": BASE, "subtree": SUBTREE}
CHANGES = {"add": MODIFY_ADD, "delete": MODIFY_DELETE, "replace": MODIFY_REPLACE}

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
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it came.

    Attributes:
        dn: Its name as the server writes it; for people, never compared.
        values: Attribute name in lower case to its raw values.
    """

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def text(self, name: str) -> str | None:
        """Return the first value of an attribute as text, or None."""
        found = self.values.get(name.lower())
        return found[0].decode("utf-8", "replace") if found else None

    def number(self, name: str) -> int | None:
        """Return the first value of an attribute as a whole number, or None."""
        value = self.text(name)
        try:
            return int(value) if value is not None else None
        except ValueError:
            return None


@dataclass(slots=True)
class Search:
    """A search and what became of it.

    Attributes:
        text: Base, scope and filter, exactly.
        pages: Pages that came with success.
        returned: Entries that came.
        is_complete: Whether the last page was reached.
    """

    text: str
    pages: int = 0
    returned: int = 0
    is_complete: bool = False


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


@dataclass(slots=True)
class LdapClient:
    """A connection that opens when first needed, to the first server that answers."""

    config: LdapConfig
    endpoint: str = ""
    _connection: Any = field(default=None, repr=False)

    def open(self) -> None:
        """Connect and sign in.

        Raises:
            MisconfiguredError: Certificate, name or credentials are wrong.
            UnavailableError: No server answers.
        """
        if self._connection is not None:
            return
        last: ConnectorError | None = None
        for address in self.config.addresses:
            try:
                self._connection = self._connect(address)
            except UnavailableError as error:
                last = error
                continue
            self.endpoint = address.text
            return
        raise last or UnavailableError("No server is configured.")

    def _connect(self, address: Address) -> Any:
        tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self.config.ca_file)
        server = Server(
            address.host,
            port=address.port,
            use_ssl=address.is_tls,
            tls=tls,
            get_info=NONE,
            connect_timeout=CONNECT_SECONDS,
        )
        connection = Connection(
            server,
            user=self.config.bind_dn,
            password=self.config.password,
            client_strategy=SAFE_SYNC,
            auto_referrals=False,
            auto_range=False,
            check_names=False,
            return_empty_attributes=False,
            receive_timeout=ANSWER_SECONDS,
            read_only=False,
        )
        try:
            connection.open()
            if self.config.is_start_tls:
                connection.start_tls()
            status, result, _, _ = connection.bind()
        except LDAPExceptionError as error:
            _give_back(connection)
            raise _socket_error(address, error) from error
        if not status:
            _give_back(connection)
            raise _bind_error(result)
        return connection

    def search(
        self,
        query: Search,
        base: str,
        where: str,
        attributes: Sequence[str],
        *,
        scope: str = "subtree",
        controls: Sequence[Any] = (),
        page_size: int | None = None,
    ) -> Iterator[Entry]:
        """Read every page of a search; ends only when the server says that it is the end.

        Args:
            query: Counts pages and entries, and is complete only at the end.
            base: Where.
            where: The filter.
            attributes: Which attributes; operational ones by name.
            scope: `base` or `subtree`.
            controls: Further controls of ldap3.
            page_size: Entries a page, if not the configured number.

        Raises:
            IncompleteReadError: The server cut the list, or a page came without success.
            MisconfiguredError: The base or the filter is wrong.
            DeniedError: Reading is not allowed.
            UnavailableError: The connection broke off.
        """
        self.open()
        cookie: bytes | None = None
        while True:
            result, response = self._page(
                base, where, attributes, scope, controls, cookie, page_size or self.config.page_size
            )
            _accept(result, base)
            query.pages += 1
            for each in response:
                if each.get("type") == "searchResEntry":
                    query.returned += 1
                    yield _entry(each)
            cookie = _cookie(result)
            if not cookie:
                query.is_complete = True
                return

    def _page(
        self,
        base: str,
        where: str,
        attributes: Sequence[str],
        scope: str,
        controls: Sequence[Any],
        cookie: bytes | None,
        page_size: int,
    ) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
        try:
            _, result, response, _ = self._connection.search(
                base,
                where,
                SCOPES[scope],
                attributes=list(attributes),
                paged_size=page_size,
                paged_cookie=cookie,
                controls=list(controls) or None,
            )
        except LDAPInvalidFilterError as error:
            raise MisconfiguredError(f"The filter {where} cannot be read.") from error
        except LDAPExceptionError as error:
            raise self._broken(error) from error
        return result, response or ()

    def find(
        self, base: str, attributes: Sequence[str], *, where: str = "(objectClass=*)"
    ) -> Entry | None:
        """Return one entry by its name or `<GUID=…>`, or None if it is not there or does not match.

        Raises:
            DeniedError: Reading is not allowed.
            UnavailableError: The connection broke off.
        """
        query = Search(f"{base} base {where}")
        try:
            return next(iter(self.search(query, base, where, attributes, scope="base")), None)
        except TargetMissingError:
            return None

    def modify(self, dn: str, attribute: str, how: str, values: Sequence[str]) -> Answer:
        """Send one modification and return the server's answer, whatever it is.

        Args:
            dn: Of the entry.
            attribute: To be changed.
            how: `add`, `delete` or `replace`.
            values: The values.

        Raises:
            UnavailableError: The connection broke off; nobody knows whether it was done.
        """
        self.open()
        try:
            _, result, _, _ = self._connection.modify(
                dn, {attribute: [(CHANGES[how], list(values))]}
            )
        except LDAPExceptionError as error:
            raise self._broken(error) from error
        return Answer(result["result"], result["description"], result.get("message") or "")

    def _broken(self, error: LDAPExceptionError) -> UnavailableError:
        self.close()
        return UnavailableError(
            f"The connection to {self.endpoint or 'the server'} broke off "
            f"({type(error).__name__}); it is tried again later."
        )

    def close(self) -> None:
        """Give back the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _give_back(connection)


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


def _entry(found: Mapping[str, Any]) -> Entry:
    values = {name.lower(): each for name, each in found["raw_attributes"].items()}
    return Entry(found["dn"], values)


def _cookie(result: Mapping[str, Any]) -> bytes | None:
    control = (result.get("controls") or {}).get(PAGING)
    if control is None:
        raise IncompleteReadError(
            "The server answered without paging: whether the list is complete cannot be known."
        )
    cookie: bytes | None = control["value"]["cookie"]
    return cookie


def _accept(result: Mapping[str, Any], base: str) -> None:
    """Accept a page with result 0; turn anything else into the error it means."""
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


def _bind_error(result: Mapping[str, Any]) -> ConnectorError:
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


def _socket_error(  # noqa: PLR0911 - one a meaning
    address: Address, error: LDAPExceptionError
) -> ConnectorError:
    """Tell apart by text what ldap3 gives as one error."""
    text = str(error).lower()
    where = address.text
    if "doesn't match" in text or "mismatch" in text or "not valid for" in text:
        return MisconfiguredError(
            f"The certificate of {where} is for another name: use the name that stands in it.",
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


def _give_back(connection: Any) -> None:
    """Unbind; a dead connection raises then, too, and there is nothing left to save."""
    try:
        connection.unbind()
    except LDAPExceptionError:
        logger.debug("unbinding a dead connection")
