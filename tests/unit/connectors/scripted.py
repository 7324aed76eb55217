"""A connection of ldap3 whose answers are written down, and the settings of a client on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ldap3.core.exceptions import LDAPExceptionError

from connectors.ldap.client import PAGING, LdapClient
from connectors.ldap.config import LdapConfig, read_config

SETTINGS = {"uri": "ldaps://dc1.example.test", "base_dn": "DC=x", "bind_dn": "CN=svc,DC=x"}
SECRETS = {"password": "hunter2"}


def config(**settings: str) -> LdapConfig:
    return read_config({**SETTINGS, **settings}, SECRETS)


def entry(dn: str, **values: Sequence[bytes] | bytes) -> dict[str, Any]:
    """An entry as it comes, names in lower case; they may hold `__` for `;range=` and the like."""
    raw = {
        name.lower(): [each] if isinstance(each, bytes) else each for name, each in values.items()
    }
    return {"type": "searchResEntry", "dn": dn, "raw_attributes": raw}


def with_range(found: dict[str, Any], name: str, values: Sequence[bytes]) -> dict[str, Any]:
    found["raw_attributes"][name] = list(values)
    return found


@dataclass
class Page:
    """One answer to a search."""

    entries: Sequence[Mapping[str, Any]] = ()
    cookie: bytes = b""
    code: int = 0
    is_paged: bool = True

    @property
    def result(self) -> dict[str, Any]:
        controls = {PAGING: {"value": {"size": 0, "cookie": self.cookie}}}
        return {
            "result": self.code,
            "description": f"code{self.code}",
            "message": "",
            "controls": controls if self.is_paged else {},
        }


@dataclass
class ScriptedConnection:
    """Answers searches with the pages it was given, in their order."""

    script: list[Page | LDAPExceptionError]
    asked: list[dict[str, Any]] = field(default_factory=list)
    unbinding: LDAPExceptionError | None = None
    is_unbound: bool = False
    socket: None = None

    def search(self, base: str, where: str, scope: str, **options: Any) -> tuple[Any, ...]:
        self.asked.append({"base": base, "where": where, "scope": scope, **options})
        step = self.script.pop(0)
        if isinstance(step, LDAPExceptionError):
            raise step
        return True, step.result, list(step.entries), {}

    def unbind(self) -> None:
        self.is_unbound = True
        if self.unbinding is not None:
            raise self.unbinding


def client(connection: ScriptedConnection, **settings: str) -> LdapClient:
    return LdapClient(config(**settings), "ldaps://dc1.example.test:636", connection)
