"""What every LDAP source can be told, read strictly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from connectors.errors import MisconfiguredError
from connectors.port import SettingKey
from connectors.settings import as_bool, as_int

PORTS = {"ldap": 389, "ldaps": 636}
PAGE_SIZE = 1000

KEYS = (
    SettingKey("uri", "ldaps://HOST[:PORT], several separated by blanks.", is_required=True),
    SettingKey("base_dn", "Where to read, e.g. DC=example,DC=com.", is_required=True),
    SettingKey("bind_dn", "Who signs in: a DN or user@domain.", is_required=True),
    SettingKey("password", "Its password.", is_required=True, is_secret=True),
    SettingKey("ca_file", "PEM file of the authority that signed the server's certificate."),
    SettingKey("start_tls", "true to upgrade an ldap:// connection before anything is said."),
    SettingKey("user_filter", "A filter that accounts have to match as well."),
    SettingKey("group_filter", "A filter that groups have to match as well."),
    SettingKey("page_size", f"Entries a page, {PAGE_SIZE} unless said otherwise."),
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where one server listens."""

    host: str
    port: int
    is_tls: bool

    @property
    def text(self) -> str:
        """The address as a URI."""
        return f"{'ldaps' if self.is_tls else 'ldap'}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class LdapConfig:
    """An LDAP source's settings.

    Attributes:
        addresses: Servers, tried in this order.
        base_dn: Where to read.
        bind_dn: Who signs in.
        password: Never shown.
        ca_file: Authority of the servers' certificates, or None for the system's.
        is_start_tls: Upgrade before binding.
        user_filter: Or empty.
        group_filter: Or empty.
        page_size: Entries a page.
        is_page_size_given: Whether somebody chose it; then nothing is read but in pages.
    """

    addresses: tuple[Address, ...]
    base_dn: str
    bind_dn: str
    password: str = field(repr=False)
    ca_file: str | None
    is_start_tls: bool
    user_filter: str
    group_filter: str
    page_size: int
    is_page_size_given: bool = False


def read_config(settings: Mapping[str, str], secrets: Mapping[str, str]) -> LdapConfig:
    """Read settings whose keys were checked.

    Raises:
        MisconfiguredError: A value cannot be used; `key` names it.
    """
    is_start_tls = as_bool(settings, "start_tls")
    ca_file = settings.get("ca_file")
    if ca_file is not None and not Path(ca_file).is_file():
        raise MisconfiguredError(f"ca_file: there is no file {ca_file}.", key="ca_file")
    return LdapConfig(
        addresses=tuple(_address(uri, is_start_tls) for uri in settings["uri"].split()),
        base_dn=settings["base_dn"],
        bind_dn=settings["bind_dn"],
        password=secrets["password"].rstrip("\r\n"),
        ca_file=ca_file,
        is_start_tls=is_start_tls,
        user_filter=_filter(settings, "user_filter"),
        group_filter=_filter(settings, "group_filter"),
        page_size=as_int(settings, "page_size", default=PAGE_SIZE, least=1, most=10_000),
        is_page_size_given="page_size" in settings,
    )


def _address(uri: str, is_start_tls: bool) -> Address:  # noqa: FBT001
    parts = urlsplit(uri)
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/"):
        raise MisconfiguredError(f"uri: {uri!r} is not ldaps://HOST[:PORT].", key="uri")
    if parts.scheme == "ldap" and not is_start_tls:
        raise MisconfiguredError(
            "uri: ldap:// would send the password in clear; use ldaps://, or start_tls=true.",
            key="uri",
        )
    try:
        port = parts.port or PORTS[parts.scheme]
    except ValueError:
        raise MisconfiguredError(f"uri: {uri!r} has no usable port.", key="uri") from None
    return Address(parts.hostname, port, parts.scheme == "ldaps")


def _filter(settings: Mapping[str, str], name: str) -> str:
    value = settings.get(name, "").strip()
    if value and not (value.startswith("(") and value.endswith(")")):
        raise MisconfiguredError(f"{name}: a filter stands in parentheses.", key=name)
    return value
