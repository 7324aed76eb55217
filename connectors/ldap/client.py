"""One LDAP connection with ldap3: verified TLS, time-outs, paging to the end, errors as sentences.

What was learnt against running servers, and why the loop is written by hand: ldap3's own paging
ends silently when a later page fails, and results 3 and 4 (time and size limit) raise nothing. A
page counts only with result 0 and a paging control; a list is complete only after the page whose
cookie is empty.
"""

import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
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
)
from ldap3.core.exceptions import (
    LDAPExceptionError,
    LDAPInvalidFilterError,
    LDAPStartTLSError,
)

from connectors.errors import (
    ConnectorError,
    IncompleteReadError,
    MisconfiguredError,
    TargetMissingError,
    UnavailableError,
)
from connectors.ldap import receiving
from connectors.ldap.config import Address, LdapConfig
from connectors.ldap.entries import Asked, Entry, Search
from connectors.ldap.paging import Page, read_ahead, read_on
from connectors.ldap.receiving import MalformedError
from connectors.ldap.refusals import Answer, accept, refused_connection, refused_sign_in
from connectors.ldap.verified import VerifiedTls

CONNECT_SECONDS = 10
ANSWER_SECONDS = 120
PAGING = "1.2.840.113556.1.4.319"
SCOPES = {"base": BASE, "subtree": SUBTREE}
CHANGES = {"add": MODIFY_ADD, "delete": MODIFY_DELETE, "replace": MODIFY_REPLACE}

logger = logging.getLogger(__name__)


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
        server = Server(
            address.host,
            port=address.port,
            use_ssl=address.is_tls,
            tls=VerifiedTls(self.config.ca_file),
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
        receiving.install(connection)
        try:
            connection.open()
            if self.config.is_start_tls:
                _upgrade(connection)
            is_in, result, _, _ = connection.bind()
        except LDAPExceptionError as error:
            _give_back(connection)
            raise refused_connection(address, error) from error
        if not is_in:
            _give_back(connection)
            raise refused_sign_in(result)
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
        is_ahead: bool = False,
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
            is_ahead: Ask for the next page while one is being used. Nothing else may be asked
                of this client until the last entry was taken.

        Raises:
            IncompleteReadError: The server cut the list, or a page came without success.
            MisconfiguredError: The base or the filter is wrong.
            DeniedError: Reading is not allowed.
            UnavailableError: The connection broke off.
        """
        self.open()
        size = page_size or self.config.page_size
        ask = partial(self._page, base, where, attributes, scope, controls, size)
        accepted = partial(_accepted, query, base)
        pages = (read_ahead if is_ahead else read_on)(ask, accepted)
        for response in pages:
            response.reverse()
            while response:  # what was handed on is let go: a page of groups may be large
                each = response.pop()
                if each.get("type") != "searchResEntry":
                    continue
                try:
                    found = _entry(each)
                except MalformedError as error:
                    pages.close()  # waits for the page that was asked for ahead
                    raise self._broken(error) from error
                query.returned += 1
                yield found
        query.is_complete = True

    def _page(
        self,
        base: str,
        where: str,
        attributes: Sequence[str],
        scope: str,
        controls: Sequence[Any],
        page_size: int,
        cookie: bytes | None,
    ) -> Page:
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
        except LDAPExceptionError as error:
            raise self._failed(error, where) from error
        return result, response or []

    def flow(
        self,
        query: Search,
        base: str,
        where: str,
        attributes: Sequence[str],
        *,
        controls: Sequence[Any] = (),
    ) -> Iterator[Entry]:
        """Read a search in one piece, each entry when it comes; for servers without a limit.

        Nothing else may be asked of this client until the last entry was taken. Who stops before
        that gives the connection back: the rest is still on its way.

        Args:
            query: Counts entries, and is complete only if the server ended them with success.
            base: Where.
            where: The filter.
            attributes: Which attributes.
            controls: Controls of ldap3.

        Raises:
            IncompleteReadError: The server has a limit, or ended the list without success.
            ConnectorError: As `search` does.
        """
        self.open()
        result: Mapping[str, Any] | None = None
        try:
            for each in receiving.flow(self._connection, base, where, attributes, controls):
                if each["type"] == "searchResEntry":
                    query.returned += 1
                    yield _entry(each)
                else:
                    result = each
        except LDAPExceptionError as error:
            raise self._failed(error, where) from error
        except GeneratorExit:
            self.close()
            raise
        if result is None:
            raise self._broken(MalformedError("a search without a result"))
        accept(result, base)
        query.pages += 1
        query.is_complete = True

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

    def ask(
        self,
        base: str,
        where: str,
        attributes: Sequence[str],
        *,
        scope: str = "subtree",
        controls: Sequence[Any] = (),
    ) -> Asked:
        """Search once without paging, for controls that page by themselves; whatever the result.

        Args:
            base: Where.
            where: The filter.
            attributes: Which attributes.
            scope: `base` or `subtree`.
            controls: Controls of ldap3.

        Raises:
            UnavailableError: The connection broke off.
        """
        self.open()
        try:
            _, result, response, _ = self._connection.search(
                base,
                where,
                SCOPES[scope],
                attributes=list(attributes),
                controls=list(controls) or None,
            )
            entries = tuple(
                _entry(each) for each in response or () if each.get("type") == "searchResEntry"
            )
        except LDAPExceptionError as error:
            raise self._broken(error) from error
        return Asked(result["result"], entries, result.get("controls") or {})

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

    def _failed(self, error: LDAPExceptionError, where: str) -> ConnectorError:
        if isinstance(error, LDAPInvalidFilterError):
            return MisconfiguredError(
                f"The filter {where} cannot be read: look at user_filter and group_filter.",
                key="user_filter",
            )
        return self._broken(error)

    def sever(self) -> None:
        """Cut the line under whoever waits for an answer in another thread: that call fails."""
        connection = self._connection
        line = connection.socket if connection is not None else None
        if line is not None:
            with suppress(OSError):  # it may be cut already
                socket.socket.shutdown(line, socket.SHUT_RDWR)

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


def _accepted(query: Search, base: str, result: Mapping[str, Any]) -> bytes | None:
    """Count a page that came with success, and return the cookie of the next."""
    accept(result, base)
    query.pages += 1
    return _cookie(result)


def _entry(found: Mapping[str, Any]) -> Entry:
    return Entry(found["dn"], found["raw_attributes"])


def _cookie(result: Mapping[str, Any]) -> bytes | None:
    control = (result.get("controls") or {}).get(PAGING)
    if control is None:
        raise IncompleteReadError(
            "The server answered without paging: whether the list is complete cannot be known."
        )
    cookie: bytes | None = control["value"]["cookie"]
    return cookie


def _upgrade(connection: Any) -> None:
    """Start TLS; where ldap3 only answers False, nothing may be said in clear either."""
    connection.start_tls()
    if not connection.tls_started:
        raise LDAPStartTLSError("startTLS was not done")


def _give_back(connection: Any) -> None:
    """Unbind, and close the socket of one that never opened, which ldap3 forgets.

    A dead connection raises when it is unbound, too; there is nothing left to save then.
    """
    try:
        connection.unbind()
    except LDAPExceptionError:
        logger.debug("unbinding a dead connection")
    finally:
        if connection.socket is not None:
            connection.socket.close()
