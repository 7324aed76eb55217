"""The worlds the contract suite runs in: a source, what was planted there, and what it shows now.

What a world shows is read from the peer itself (its file, ldapsearch, HTTP), never through ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from ldap3.utils.conv import escape_filter_chars

from connectors.memory.state import By, State, changing, read_state, write_state
from connectors.port import Connector
from connectors.records import Account, Group, Member, MemberKind, Verb
from connectors.registry import connect
from support.servers.okta import OktaSimulator
from support.servers.openldap import OpenLdap
from support.servers.samba_ad import SambaAd, read_truth

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def now() -> datetime:
    return NOW


class World(Protocol):
    """One implementation of the port with its peer."""

    name: str
    closing: Verb
    own: str | None
    keeps_log: bool

    def connector(self) -> Connector:
        """A connector to the peer."""
        ...

    def truth(self) -> Mapping[str, set[str]]:
        """Group id to the ids of its direct members, as planted."""
        ...

    def accounts(self) -> Mapping[str, str]:
        """Account id to employee number, as planted (empty: it has none)."""
        ...

    def outsider(self) -> tuple[str, str]:
        """An active account and a writable group it is not in."""
        ...

    def is_member(self, account: str, group: str) -> bool:
        """What the peer itself says now."""
        ...

    def is_closed(self, account: str) -> bool:
        """What the peer itself says now."""
        ...

    def act(self, account: str, group: str, *, is_joining: bool) -> str | None:
        """Let somebody there change a membership, past us; returns their id, or None: anybody."""
        ...


class NoLog:
    """Of worlds whose source keeps no log."""

    keeps_log = False

    def act(self, account: str, group: str, *, is_joining: bool) -> str | None:
        raise NotImplementedError(account, group, is_joining)


@dataclass
class MemoryWorld:
    """The reference."""

    path: Path
    flavour: str = "directory"
    name: str = "memory"
    closing: Verb = Verb.DISABLE_ACCOUNT
    own: str | None = "svc"
    keeps_log: bool = True

    def __post_init__(self) -> None:
        people = [
            Account(f"p{n}", f"p{n}", f"Person, {n} \U0001f98a", is_enabled=True, status="enabled",
                    employee_number=f"{n}")
            for n in range(40)
        ]  # fmt: skip
        service = Account("svc", "svc", "svc", is_enabled=True, status="enabled")
        groups = [Group("g1", "One", "security"), Group("g2", "Two, #2", "security")]
        members = {
            "g1": [Member(f"p{n}", MemberKind.ACCOUNT) for n in range(20)],
            "g2": [Member("g1", MemberKind.GROUP)],
        }
        write_state(self.path, State(own_account_id="svc").add([*people, service], groups, members))

    def connector(self) -> Connector:
        settings = {"path": str(self.path), "flavour": self.flavour}
        return connect("memory", settings, {}, now=now)

    def truth(self) -> Mapping[str, set[str]]:
        return {"g1": {f"p{n}" for n in range(20)}, "g2": {"g1"}}

    def accounts(self) -> Mapping[str, str]:
        return {f"p{n}": f"{n}" for n in range(40)} | {"svc": ""}

    def outsider(self) -> tuple[str, str]:
        return "p30", "g2"

    def is_member(self, account: str, group: str) -> bool:
        return account in read_state(self.path).members[group]

    def is_closed(self, account: str) -> bool:
        return not read_state(self.path).accounts[account].is_enabled

    def act(self, account: str, group: str, *, is_joining: bool) -> str | None:
        with changing(self.path, By("p1", "Person, 1", NOW)) as state:
            inside = state.members[group]
            if is_joining:
                inside[account] = Member(account, MemberKind.ACCOUNT)
            else:
                del inside[account]
        return "p1"


@dataclass
class SambaWorld(NoLog):
    """A real Active Directory domain controller."""

    server: SambaAd
    name: str = "samba"
    closing: Verb = Verb.DISABLE_ACCOUNT
    own: str | None = None

    def __post_init__(self) -> None:
        self.records = read_truth(self.server.truth)
        self.guids = {each["dn"]: each["objectGUID"] for each in self.records}
        self.by_guid = {each["objectGUID"]: each for each in self.records}

    def connector(self) -> Connector:
        return connect("active_directory", self.server.settings, self.server.secrets, now=now)

    def truth(self) -> Mapping[str, set[str]]:
        return {
            each["objectGUID"]: {self.guids[dn] for dn in each["member"]}
            for each in self.records
            if each["kind"] == "group"
        }

    def accounts(self) -> Mapping[str, str]:
        return {
            each["objectGUID"]: each.get("employeeID", "")
            for each in self.records
            if each["kind"] == "user"
        }

    def outsider(self) -> tuple[str, str]:
        user = next(
            each
            for each in self.records
            if each["kind"] == "user" and each["enabled"] and "," in each["displayName"]
        )
        group = next(
            each
            for each in self.records
            if each["kind"] == "group"
            and user["dn"] not in each["member"]
            and each["dn"].startswith("CN=Odd")
        )
        return user["objectGUID"], group["objectGUID"]

    def is_member(self, account: str, group: str) -> bool:
        login, dn = self.by_guid[account]["sAMAccountName"], self.by_guid[group]["dn"]
        return self.server.is_member(login, dn)

    def is_closed(self, account: str) -> bool:
        return self.server.is_disabled(self.by_guid[account]["sAMAccountName"])


@dataclass
class OpenLdapWorld(NoLog):
    """A real OpenLDAP server."""

    server: OpenLdap
    name: str = "openldap"
    closing: Verb = Verb.DISABLE_ACCOUNT
    own: str | None = None

    def __post_init__(self) -> None:
        self.records = read_truth(self.server.truth)
        self.ids = {each["dn"]: each["entryUUID"] for each in self.records}
        self.by_id = {each["entryUUID"]: each for each in self.records}

    @property
    def settings(self) -> dict[str, str]:
        """As the account that may write."""
        return {
            **self.server.settings,
            "bind_dn": self.server.environment["LDAP_PROVISIONER_DN"],
        }

    def connector(self) -> Connector:
        return connect("openldap", self.settings, self.server.secrets, now=now)

    def truth(self) -> Mapping[str, set[str]]:
        return {
            each["entryUUID"]: {self.ids[dn] for dn in each["member"] if dn in self.ids}
            for each in self.records
            if each["kind"] == "group"
        }

    def accounts(self) -> Mapping[str, str]:
        return {
            each["entryUUID"]: each.get("employeeNumber", "")
            for each in self.records
            if each["kind"] == "user"
        }

    def outsider(self) -> tuple[str, str]:
        user = next(
            each
            for each in self.records
            if each["kind"] == "user" and each["enabled"] and "," in each["displayName"]
        )
        group = next(
            each
            for each in self.records
            if each["kind"] == "group"
            and user["dn"] not in each["member"]
            and each["cn"].startswith("Odd")
        )
        return user["entryUUID"], group["entryUUID"]

    def is_member(self, account: str, group: str) -> bool:
        dn = escape_filter_chars(self.by_id[account]["dn"])
        found = self.server.ask(self.by_id[group]["dn"], f"(member={dn})", "cn", scope="base")
        return found.startswith("dn:")

    def is_closed(self, account: str) -> bool:
        shown = self.server.ask(
            self.by_id[account]["dn"], "(objectClass=*)", "pwdAccountLockedTime", scope="base"
        )
        return "pwdAccountLockedTime: 000001010000Z" in shown


@dataclass
class OktaWorld:
    """The Okta simulator: there is no Okta server to install."""

    server: OktaSimulator
    name: str = "okta simulator"
    closing: Verb = Verb.SUSPEND_ACCOUNT
    own: str | None = None
    keeps_log: bool = True

    def __post_init__(self) -> None:
        self.records = read_truth(self.server.truth)

    def connector(self) -> Connector:
        return connect("okta", self.server.settings, self.server.secrets, now=now)

    def truth(self) -> Mapping[str, set[str]]:
        return {e["id"]: set(e["member"]) for e in self.records if e["kind"] == "group"}

    def accounts(self) -> Mapping[str, str]:
        return {e["id"]: e["employeeNumber"] for e in self.records if e["kind"] == "user"}

    def outsider(self) -> tuple[str, str]:
        user = next(e for e in self.records[20:] if e["kind"] == "user" and e["status"] == "ACTIVE")
        group = next(
            e
            for e in self.records
            if e.get("type") == "OKTA_GROUP" and user["id"] not in e["member"]
        )
        return user["id"], group["id"]

    def is_member(self, account: str, group: str) -> bool:
        found = self.server.get(f"/api/v1/groups/{group}/users?limit=1000")
        return any(each["id"] == account for each in found)

    def is_closed(self, account: str) -> bool:
        status: str = self.server.get(f"/api/v1/users/{account}")["status"]
        return status in {"SUSPENDED", "DEPROVISIONED"}

    def act(self, account: str, group: str, *, is_joining: bool) -> str | None:
        method = "PUT" if is_joining else "DELETE"
        self.server.call(method, f"/api/v1/groups/{group}/users/{account}")
        return None


Make = Callable[[], World]
