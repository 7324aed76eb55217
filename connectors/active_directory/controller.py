"""How a controller is read: in how many pieces, and over how many lines.

Windows gives 1,000 entries at once and has to be asked page by page (MS-ADTS 3.1.1.3.4.6,
MaxPageSize). Samba has no such limit, and pages are dear there: it searches once for the ids of
all, and then for each entry anew. So it is asked in one piece, and page by page only if it ends
that without success.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from connectors.errors import ConnectorError, IncompleteReadError, UnavailableError
from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Entry, Search

SAMBA = "Samba"
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Controller:
    """Who answers.

    Attributes:
        name: Its own name (`dsServiceName`), or None if it tells none.
        is_flowing: Whether it is asked for lists in one piece.
    """

    name: str | None = None
    is_flowing: bool = False


def answering(client: LdapClient) -> Controller:
    """Say which controller answers.

    Args:
        client: Of the domain.
    """
    answer = client.ask("", "(objectClass=*)", ("dsServiceName", "vendorName"), scope="base")
    if answer.code != 0 or not answer.entries:
        return Controller()
    shown = answer.entries[0]
    is_samba = (shown.text("vendorName") or "").startswith(SAMBA)
    is_flowing = is_samba and not client.config.is_page_size_given
    return Controller(shown.text("dsServiceName"), is_flowing)


def entries(
    client: LdapClient,
    query: Search,
    where: str,
    attributes: Sequence[str],
    controls: Sequence[Any],
    *,
    page_size: int | None = None,
    is_flowing: bool = False,
) -> Iterator[Entry]:
    """Read a list below the base whole; no entry comes twice.

    Args:
        client: Of the domain.
        query: Counts pages and entries.
        where: The filter.
        attributes: Which attributes, `objectGUID` among them.
        controls: Controls of ldap3.
        page_size: Entries a page, if not the configured number.
        is_flowing: Whether it is asked for in one piece first.

    Raises:
        ConnectorError: As `LdapClient.search` does.
    """
    base = client.config.base_dn
    taken: set[bytes] = set()
    if is_flowing:
        try:
            for entry in client.flow(query, base, where, attributes, controls=controls):
                taken.update(entry.values.get("objectguid", ()))
                yield entry
        except IncompleteReadError:
            query.returned = 0  # it has a limit for once: all of it is asked for anew
        else:
            return
    for entry in client.search(
        query, base, where, attributes, controls=controls, page_size=page_size, is_ahead=True
    ):
        if taken.isdisjoint(entry.values.get("objectguid", ())):
            yield entry


@contextmanager
def beside(
    client: LdapClient, controller: Controller, work: Callable[[LdapClient], Found]
) -> Iterator[Callable[[], Found | None]]:
    """Do work on a second line to the same controller while the block does something else.

    The block gets a function that waits for what was found. It is None where there is no second
    line: the server refuses it or breaks it off, or another controller answers there, whose
    changes have other numbers (MS-ADTS 3.1.1.1.9). If the block ends before, the line is cut.

    Args:
        client: The first line, open.
        controller: Who answers there.
        work: What to do with the second.
    """
    here = tuple(each for each in client.config.addresses if each.text == client.endpoint)
    second = LdapClient(replace(client.config, addresses=here))
    is_over = False

    def alone() -> Found | None:
        try:
            if controller.name is None or answering(second) != controller or is_over:
                return None
        except ConnectorError:
            return None
        try:
            return work(second)
        except UnavailableError:
            return None

    with ThreadPoolExecutor(1, "ldap-beside") as pool:
        coming: Future[Found | None] = pool.submit(alone)
        coming.add_done_callback(lambda _: second.close())
        try:
            yield coming.result
        finally:
            is_over = True
            if not coming.done():
                second.sever()
