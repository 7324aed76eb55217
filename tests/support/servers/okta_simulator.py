#!/usr/bin/env python3
"""okta-stub - a simulator of the Okta management API for tests (standard library only).

    okta-stub [--port N] [--users N --groups M --memberships K --seed S] [--directory FILE] ...

It serves one synthetic organisation, in memory, on a loopback address, and prints, once it
answers, the environment an Okta client needs (also to --env-file):

    export OKTA_CLIENT_ORGURL=http://127.0.0.1:PORT
    export OKTA_CLIENT_TOKEN=...
    export OKTA_TESTING_TESTINGDISABLEHTTPSCHECK=true

Served, under /api/v1: users (list, filter, search, q, create, update, delete, groups, sessions,
roles), their lifecycle operations, groups (list, expand=stats, create, update, delete, members,
roles, rules, apps), apps (list, lifecycle, users, groups), iam/assignees/users, logs (bounded and polling),
eventHooks (verification challenge and delivery), and /oauth2/v1/token (client credentials with
a private_key_jwt, whose claims are checked and whose signature is not).

Like the service: "Authorization: SSWS TOKEN" ("SSWSTOKEN", as the Python SDK writes it, is taken
too) or a bearer token with scopes; cursors that are opaque and travel in "Link: <...>;
rel=next"; page sizes that are capped (users 200, members 1000, groups 10000, logs 1000); a plain
user list without the DEPROVISIONED; lastUpdated and lastMembershipUpdated that move with what
happens; error envelopes with errorCode; X-Rate-Limit-Limit, -Remaining and -Reset on every
answer, 429 past a bucket's limit, and 429 with a limit of 0 past the concurrency limit.

Where the service's behaviour is not documented the simulator is strict, or lets one choose: see
--keep-memberships, --quiet-deletes, --search-lag, --log-lag, --principal-share.

Ids, names and values depend on --seed only; dates are relative to the start.  User i has the
login and email uNNNNNN@example.test and the employeeNumber 0100000+i.  With --directory FILE they
come instead from a list of what a directory holds (one JSON object a line: kind, dn, mail,
employeeID, givenName, sn, enabled, member, ...), so that both systems describe the same people; its
groups become APP_GROUPs, up to half of --groups, with those of their direct members that are
people.  --expected FILE writes what was planted, one JSON object a line.

Test control, without authentication, under /_stub: GET stats, PUT faults, POST churn, POST import (reads --directory
again and brings its groups' members up to date, as the service's directory import does), POST reset.

From Python, load the file as a module (importlib's SourceFileLoader, and enter it in sys.modules
before it is executed), then:  with OktaStub(Options(users=500)) as stub: ... stub.url ...
"""
from __future__ import annotations

import argparse
import asyncio
import base64
import bisect
import hashlib
import json
import operator as op
import random
import re
import signal
import sys
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

Json = dict[str, Any]
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DAY = 86400.0

# Requests a minute for each bucket, as published for each kind of organisation.
TIERS: dict[str, dict[str, int]] = {
    "integrator": {"users": 100, "user": 100, "groups": 100, "group": 100, "apps": 20, "app": 100, "logs": 20, "other": 100},
    "one-app": {"users": 600, "user": 600, "groups": 600, "group": 600, "apps": 100, "app": 600, "logs": 50, "other": 600},
    "enterprise": {"users": 600, "user": 600, "groups": 600, "group": 600, "apps": 100, "app": 600, "logs": 50, "other": 600},
    "workforce": {"users": 600, "user": 600, "groups": 500, "group": 1000, "apps": 100, "app": 500, "logs": 120, "other": 1200},
}
GIVEN = ["Anna", "Ben", "Chloé", "Dmitri", "Eve", "François", "Grace", "Hiro", "Ingrid", "José", "Kofi", "Léa", "Magnus", "Nadia", "Olu", "Priya", "Quentin", "Rosa", "Sören", "Tomáš", "Uma", "Víctor", "Wanjiru", "Xin", "Yūki", "Zoë", "Björk", "Łukasz", "Mehmet", "美咲"]
FAMILY = ["Ağaoğlu", "Berg", "Castillo", "Dvořák", "Eriksson", "Fernández", "Gupta", "Hansen", "Ito", "Jansson", "Kowalski", "Lindqvist", "Müller", "Nakamura", "O'Neill", "Petrov", "Quist", "Rossi", "Smith", "Tanaka", "Ueda", "Vargas", "Weiß", "Xu", "Young", "Zhang", "Øster", "佐藤", "Иванова", "Παπαδόπουλος"]
DEPARTMENTS = ["Finance", "Engineering", "Sales", "Human Resources", "Legal", "Operations", "IT", "Marketing"]
TITLES = ["Analyst", "Engineer", "Manager", "Specialist", "Director", "Consultant", "Accountant", "Administrator"]


@dataclass
class Options:
    """What the simulator is asked to be; each field is a command line option of the same name."""

    host: str = field(default="127.0.0.1", metadata={"help": "address to listen on"})
    port: int = field(default=0, metadata={"help": "port to listen on; 0 takes a free one"})
    token: str = field(default="stub-okta-token", metadata={"help": "the API token of an administrator"})
    read_only_token: str = field(default="stub-okta-reader", metadata={"help": "the API token of a read-only administrator"})
    grant: str = field(default="", metadata={"help": "scopes the service app was granted, separated by blanks; empty grants all"})
    forbid: str = field(default="", metadata={"help": "areas the token's owner may not see, separated by blanks: apps, roles"})
    client_id: str = field(default="0oaStubServiceClient", metadata={"help": "client id that may ask for OAuth tokens"})
    token_ttl: int = field(default=3600, metadata={"help": "seconds an OAuth token lives"})
    users: int = field(default=1000, metadata={"help": "people to plant"})
    groups: int = field(default=100, metadata={"help": "groups to plant, Everyone included"})
    memberships: int = field(default=6000, metadata={"help": "memberships to plant, those of Everyone not counted"})
    apps: int = field(default=10, metadata={"help": "applications to plant"})
    seed: int = field(default=1, metadata={"help": "seed of everything planted"})
    directory: str = field(default="", metadata={"help": "take people and groups from this file, one JSON object a line"})
    expected: str = field(default="", metadata={"help": "write what was planted to this file, one JSON object a line"})
    env_file: str = field(default="", metadata={"help": "write the environment lines to this file too, once ready"})
    rate_limit: int = field(default=0, metadata={"help": "requests a window for every bucket; 0 leaves it to --rate-tier"})
    rate_tier: str = field(default="none", metadata={"help": "published limits of: " + ", ".join(["none", *TIERS])})
    rate_window: float = field(default=60.0, metadata={"help": "seconds a rate limit window lasts"})
    principal_share: int = field(default=100, metadata={"help": "per cent of a limit one token may use (the service: 50)"})
    concurrency: int = field(default=75, metadata={"help": "requests at once; past it 429 with a limit of 0; 0 for no limit"})
    keep_memberships: bool = field(default=True, metadata={"help": "deactivated users stay in their groups"})
    quiet_deletes: bool = field(default=False, metadata={"help": "deleting a user neither logs nor dates the memberships that go with it"})
    search_lag: float = field(default=0.0, metadata={"help": "seconds before 'search' sees a change"})
    clock_skew: float = field(default=0.0, metadata={"help": "seconds its clock is ahead of the machine's; below 0 it is behind"})
    log_lag: float = field(default=0.0, metadata={"help": "events reach the log up to this many seconds late, out of order"})
    latency_ms: float = field(default=0.0, metadata={"help": "delay of each answer"})
    fail_every: int = field(default=0, metadata={"help": "answer each N-th request with 500"})
    unavailable_every: int = field(default=0, metadata={"help": "answer each N-th request with 503 and no rate limit headers"})
    drop_every: int = field(default=0, metadata={"help": "cut the connection halfway through each N-th answer"})
    limit_every: int = field(default=0, metadata={"help": "answer each N-th request with 429, its window being over in a second"})
    stall_every: int = field(default=0, metadata={"help": "never answer each N-th request"})


FAULTS = ("latency_ms", "fail_every", "limit_every", "unavailable_every", "drop_every", "stall_every", "rate_limit", "concurrency",
          "search_lag", "log_lag", "clock_skew", "forbid")


class OktaError(Exception):
    """An answer other than 2xx, with Okta's error envelope."""

    def __init__(self, status: int, code: str, summary: str, causes: Iterable[str] = (), headers: dict[str, str] | None = None):
        super().__init__(summary)
        self.status, self.code, self.summary = status, code, summary
        self.causes, self.headers = list(causes), headers or {}

    def body(self) -> bytes:
        ident = "oae" + hashlib.sha256(f"{self.summary}{time.time_ns()}".encode()).hexdigest()[:19]
        return dumps({"errorCode": self.code, "errorSummary": self.summary, "errorLink": self.code, "errorId": ident,
                      "errorCauses": [{"errorSummary": c} for c in self.causes]})


def profile_of(body: Json) -> Json:
    """The profile in a request, or an empty one."""
    profile = body.get("profile")
    return profile if isinstance(profile, dict) else {}


def invalid(what: str, *causes: str) -> OktaError:
    return OktaError(400, "E0000001", f"Api validation failed: {what}", causes)


def not_found(ident: str, kind: str) -> OktaError:
    return OktaError(404, "E0000007", f"Not found: Resource not found: {ident} ({kind})")


def dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def iso(stamp: float) -> str:
    whole, millis = divmod(int(stamp * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{millis:03d}Z"


def parse_time(text: str, what: str) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise invalid(what, f"{what}: not an ISO 8601 timestamp: {text!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


# --- filter and search expressions -----------------------------------------------------------

TOKEN = re.compile(r'\s*(?:([()])|("(?:[^"\\]|\\.)*")|([^\s()"]+))')
Predicate = Callable[[Json], bool]
USER_FILTER = {"status", "lastUpdated", "id", "profile.login", "profile.email", "profile.firstName", "profile.lastName"}
GROUP_FILTER = {"id", "type", "lastUpdated", "lastMembershipUpdated"}
COMPARE: dict[str, Callable[[Any, Any], Any]] = {"eq": op.eq, "gt": op.gt, "ge": op.ge, "lt": op.lt, "le": op.le}
TIMES = {"created", "activated", "statusChanged", "lastUpdated", "lastMembershipUpdated", "published", "lastLogin", "passwordChanged"}


def values_at(item: Any, path: list[str]) -> Iterator[Any]:
    """The values of item at a dotted path; lists on the way are walked."""
    if isinstance(item, list):
        for each in item:
            yield from values_at(each, path)
    elif not path:
        yield item
    elif isinstance(item, dict) and path[0] in item:
        yield from values_at(item[path[0]], path[1:])


class Expression:
    """A parsed filter or search expression: attribute operator value, and, or, parentheses."""

    def __init__(self, text: str, allowed: set[str] | None = None, search: bool = False):
        self.text, self.allowed, self.search = text, allowed, search
        self.tokens: list[str] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if not match:
                raise self.error()
            self.tokens.append(next(g for g in match.groups() if g is not None))
            at = match.end()
        self.at = 0
        self.matches: Predicate = self.either()
        if self.at != len(self.tokens):
            raise self.error()

    def error(self) -> OktaError:
        what = "search" if self.search else "filter"
        return OktaError(400, "E0000031", "Invalid search criteria.", [f"Invalid {what} expression: {self.text}"])

    def next(self) -> str:
        if self.at >= len(self.tokens):
            raise self.error()
        self.at += 1
        return self.tokens[self.at - 1]

    def joined(self, word: str, part: Callable[[], Predicate], fold: Callable[[Iterable[bool]], bool]) -> Predicate:
        parts = [part()]
        while self.at < len(self.tokens) and self.tokens[self.at].lower() == word:
            self.at += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else lambda item: fold(p(item) for p in parts)

    def either(self) -> Predicate:
        return self.joined("or", self.both, any)

    def both(self) -> Predicate:
        return self.joined("and", self.term, all)

    def term(self) -> Predicate:
        token = self.next()
        if token == "(":
            inner = self.either()
            if self.next() != ")":
                raise self.error()
            return inner
        attribute, operator = token, self.next().lower()
        if attribute.startswith('"') or (self.allowed is not None and attribute not in self.allowed):
            raise self.error()
        path = attribute.split(".")
        if operator == "pr":
            return lambda item: any(v not in (None, "") for v in values_at(item, path))
        literal = self.next()
        if operator not in ("eq", "sw", "co", "gt", "ge", "lt", "le") or literal in ("(", ")"):
            raise self.error()
        moment = path[-1] in TIMES
        if self.allowed is USER_FILTER and operator != "eq" and not moment:
            raise self.error()
        try:
            wanted: Any = json.loads(literal)
        except ValueError:
            raise self.error() from None
        if moment:
            wanted = iso(parse_time(str(wanted), attribute))
        fold = self.search and isinstance(wanted, str) and not moment
        wanted = wanted.lower() if fold else wanted

        def compare(value: Any) -> bool:
            if value is None or isinstance(value, str) != isinstance(wanted, str):
                return False
            have = value.lower() if fold else value
            if operator == "sw":
                return str(have).startswith(str(wanted))
            if operator == "co":
                return str(wanted) in str(have)
            return bool(COMPARE[operator](have, wanted))

        return lambda item: any(compare(v) for v in values_at(item, path))


# --- the organisation ------------------------------------------------------------------------

class Record:
    """An object of the API with its serialised form, which is made when first asked for."""

    __slots__ = ("_raw", "data", "links")

    def __init__(self, data: Json):
        self.data, self._raw = data, b""
        self.links: set[str] = set()        # a user's groups, a group's users

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def raw(self) -> bytes:
        if not self._raw:
            self._raw = dumps(self.data)
        return self._raw

    def touch(self, key: str, stamp: float) -> None:
        self.data[key] = iso(stamp)
        self._raw = b""


def external_id(entry: Json) -> str:
    """The objectGUID of a directory group as the service shows it: base64 of its bytes as stored."""
    guid = entry.get("objectGUID") or entry.get("entryUUID")
    raw = uuid.UUID(guid).bytes_le if guid else hashlib.sha256(entry["dn"].encode()).digest()[:16]
    return base64.b64encode(raw).decode()



class Table:
    """Records by id, listed in the order of their ids."""

    def __init__(self) -> None:
        self.rows: dict[str, Record] = {}
        self.order: list[str] = []

    def load(self, records: Iterable[Record]) -> None:
        self.rows.update((r.id, r) for r in records)
        self.order = sorted(self.rows)

    def add(self, record: Record) -> None:
        self.rows[record.id] = record
        bisect.insort(self.order, record.id)

    def remove(self, ident: str) -> None:
        del self.rows[ident]
        del self.order[bisect.bisect_left(self.order, ident)]

    def __iter__(self) -> Iterator[Record]:
        return (self.rows[i] for i in self.order)

    def __len__(self) -> int:
        return len(self.rows)


class Org:
    """The simulated organisation: its state, what may be done to it, and its log."""

    def __init__(self, options: Options, base_url: str):
        self.options, self.base = options, base_url
        self.rnd = random.Random(options.seed)
        self.users, self.groups, self.apps, self.rules = Table(), Table(), Table(), Table()
        self.hooks: dict[str, Json] = {}
        self.by_login: dict[str, str] = {}
        self.roles: dict[str, dict[str, Json]] = {}             # user or group id -> role assignments
        self.app_users: dict[str, dict[str, Json]] = {}         # app id -> user id -> assignment
        self.app_groups: dict[str, dict[str, Json]] = {}
        self.app_rows: dict[str, dict[str, Json]] = {}          # app id -> its users, those by groups too, if asked for
        self.member_order: dict[str, list[str]] = {}            # group id -> sorted member ids, if asked for
        self.log: list[tuple[float, Json, bytes]] = []          # in order of persistence
        self.pending: list[tuple[float, Json]] = []             # published, not yet persisted
        self.changed = asyncio.Event()
        self.populate()

    def now(self) -> float:
        """What its clock shows."""
        return time.time() + self.options.clock_skew

    def new_id(self, prefix: str) -> str:
        return prefix + "".join(self.rnd.choices(ALPHABET, k=17))

    # -- population --

    def directory(self) -> tuple[list[Json], list[Json]]:
        """People and groups to plant: from --directory, or made up."""
        o, rnd = self.options, self.rnd
        if o.directory:
            with open(o.directory, encoding="utf-8") as lines:
                records = [json.loads(line) for line in lines if line.strip()]
            people = [r for r in records if r.get("kind") == "user" and r.get("mail")]
            return people, [r for r in records if r.get("kind") == "group"]
        people = [{"mail": f"u{i:06d}@example.test", "employeeID": f"{100000 + i:07d}", "givenName": rnd.choice(GIVEN),
                   "sn": rnd.choice(FAMILY), "department": rnd.choice(DEPARTMENTS), "title": rnd.choice(TITLES),
                   "enabled": i <= 20 or rnd.random() >= 0.06} for i in range(o.users)]
        return people, []

    def populate(self) -> None:
        o, rnd, now = self.options, self.rnd, float(int(self.now()))
        people, directory_groups = self.directory()
        type_id, source = self.new_id("oty"), self.new_id("0oa")
        planted: dict[str, Record] = {}                         # by the distinguished name, or the login
        users = []
        for i, person in enumerate(people):
            enabled = bool(person.get("enabled", True))
            draw = rnd.random()
            if enabled:
                status = ("ACTIVE" if draw < 0.93 else "PROVISIONED" if draw < 0.95 else "STAGED" if draw < 0.96 else
                          "PASSWORD_EXPIRED" if draw < 0.975 else "LOCKED_OUT" if draw < 0.985 else "RECOVERY" if draw < 0.99 else "SUSPENDED")
            else:                                               # a disabled account that is active here is a finding
                status = "DEPROVISIONED" if draw < 0.8 else "SUSPENDED" if draw < 0.9 else "ACTIVE"
            created = now - rnd.uniform(30, 1500) * DAY
            updated = created + rnd.random() * (now - created - DAY)
            profile = {"firstName": person.get("givenName"), "lastName": person.get("sn"), "mobilePhone": None, "secondEmail": "",
                       "login": person["mail"], "email": person["mail"], "employeeNumber": person.get("employeeID"),
                       "department": person.get("department"), "title": person.get("title"), "organization": "Example"}
            if i:
                profile["managerId"] = people[(i - 1) // 8].get("employeeID")
            record = self.user_record(self.new_id("00u"), status, profile, type_id, created, updated,
                                      "ACTIVE_DIRECTORY" if directory_groups else "OKTA")
            users.append(record)
            planted[str(person.get("dn") or person["mail"])] = record
        self.users.load(users)
        self.by_login = {u.data["profile"]["login"].lower(): u.id for u in users}

        everyone = self.group_record(self.new_id("00g"), "BUILT_IN", {"name": "Everyone", "description": "All users in your organization"},
                                     now - 1500 * DAY, now - DAY)
        everyone.links = {u.id for u in users if u.data["status"] != "DEPROVISIONED"}
        groups = [everyone]
        left = o.memberships
        for entry in directory_groups[:max(0, o.groups - 1) // 2]:
            name = entry.get("sAMAccountName") or entry["dn"]
            external = external_id(entry)
            group = self.group_record(self.new_id("00g"), "APP_GROUP",
                                      {"name": name, "description": entry.get("description"), "samAccountName": name, "dn": entry["dn"],
                                       "windowsDomainQualifiedName": "EXAMPLE\\" + name, "externalId": external,
                                       "groupType": "Security", "groupScope": "Global"},
                                      now - rnd.uniform(400, 1500) * DAY, now - rnd.uniform(1, 400) * DAY, source)
            group.links = {planted[dn].id for dn in entry.get("member", []) if dn in planted}
            left -= len(group.links)
            groups.append(group)
        rest = max(0, o.groups - len(groups))
        weights = [1.0 / (r + 3) ** 0.8 for r in range(rest)]   # a few large groups, many small ones
        sizes = [min(len(users), int(max(0, left) * w / sum(weights))) for w in weights]
        spare = max(0, left) - sum(sizes)
        for r in range(rest):
            extra = min(spare, len(users) - sizes[r])
            sizes[r], spare = sizes[r] + extra, spare - extra
        ids = [u.id for u in users]
        for r, size in enumerate(sizes):
            name = f"{DEPARTMENTS[r % 8]} {('Readers', 'Writers', 'Approvers')[r % 3]} {r:04d}"
            group = self.group_record(self.new_id("00g"), "OKTA_GROUP", {"name": name, "description": f"Grants {name}"},
                                      now - rnd.uniform(400, 1500) * DAY, now - rnd.uniform(1, 400) * DAY)
            group.links = set(rnd.sample(ids, size))
            groups.append(group)
        self.groups.load(groups)
        for group in groups:
            for ident in group.links:
                self.users.rows[ident].links.add(group.id)
        self.plant_apps(now, [g for g in groups if g.data["type"] == "OKTA_GROUP"], ids)
        if o.expected:
            self.write_expected(o.expected)

    def import_directory(self, records: list[Json]) -> Json:
        """What an import from the directory does to the groups mastered there: members that came or went."""
        groups = {g.data["profile"].get("externalId"): g for g in self.groups if g.data["type"] == "APP_GROUP"}
        people = {r["dn"]: self.by_login[r["mail"].lower()] for r in records
                  if r.get("kind") == "user" and str(r.get("mail", "")).lower() in self.by_login}
        came = went = 0
        for entry in records:
            group = groups.get(external_id(entry)) if entry.get("kind") == "group" else None
            if group is None:
                continue
            wanted = {people[dn] for dn in entry.get("member", []) if dn in people}
            for ident in sorted(wanted - group.links):
                self.link(group, self.users.rows[ident], self.now())
                came += 1
            for ident in sorted(group.links - wanted):
                self.unlink(group, self.users.rows[ident], self.now())
                went += 1
        return {"added": came, "removed": went}

    def plant_apps(self, now: float, groups: list[Record], ids: list[str]) -> None:
        rnd = self.rnd
        for n in range(self.options.apps):
            stamp = iso(now - rnd.uniform(30, 900) * DAY)
            ident = self.new_id("0oa")
            self.apps.add(Record({"id": ident, "name": f"example_app_{n}", "label": f"Example App {n}", "status": "ACTIVE",
                                  "lastUpdated": stamp, "created": stamp, "signOnMode": "BOOKMARK", "features": [],
                                  "settings": {"app": {"requestIntegration": False, "url": f"https://app{n}.example.test/"}},
                                  "_links": {"users": {"href": f"{self.base}/api/v1/apps/{ident}/users"}}}))
            chosen = rnd.sample(groups, min(3, len(groups)))
            self.app_groups[ident] = {g.id: {"id": g.id, "lastUpdated": stamp, "priority": p, "profile": {}} for p, g in enumerate(chosen)}
            able = [u for u in rnd.sample(ids, min(5, len(ids))) if self.users.rows[u].data["status"] != "DEPROVISIONED"]
            self.app_users[ident] = {u: self.app_user(u, "USER", stamp) for u in sorted(able)}
        for ident, kind in zip(ids[:6], ("SUPER_ADMIN", "ORG_ADMIN", "APP_ADMIN", "HELP_DESK_ADMIN", "READ_ONLY_ADMIN", "REPORT_ADMIN")):
            self.grant_role(ident, kind, "USER", now)
        for n, group in enumerate(groups[:2]):                  # a standard role, and a custom one, borne by groups
            self.grant_role(group.id, "HELP_DESK_ADMIN" if n == 0 else "CUSTOM", "GROUP", now)
        for n, group in enumerate(groups[-3:]):
            stamp, ident = iso(now - 100 * DAY), self.new_id("0pr")
            self.rules.add(Record({"type": "group_rule", "id": ident, "status": "ACTIVE", "name": f"Rule {n}", "created": stamp, "lastUpdated": stamp,
                                   "conditions": {"people": {"users": {"exclude": []}, "groups": {"exclude": []}},
                                                  "expression": {"value": f'user.department=="{DEPARTMENTS[n]}"', "type": "urn:okta:expression:1.0"}},
                                   "actions": {"assignUserToGroups": {"groupIds": [group.id]}}}))

    def write_expected(self, path: str) -> None:
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(json.dumps({"kind": "user", "id": user.id, "status": user.data["status"], **user.data["profile"]}, ensure_ascii=False) + "\n" for user in self.users)
            out.writelines(json.dumps({"kind": "group", "id": group.id, "type": group.data["type"], "name": group.data["profile"]["name"],
                                      "member": sorted(group.links)}, ensure_ascii=False) + "\n" for group in self.groups)
            out.writelines(json.dumps({"kind": "app", "id": app.id, "name": app.data["label"], "users": sorted(self.app_users[app.id]),
                                      "groups": sorted(self.app_groups[app.id])}, ensure_ascii=False) + "\n" for app in self.apps)
            out.writelines(json.dumps({"kind": "role", "bearer": bearer, "type": role["type"], "role": role.get("role"),
                                      "resource-set": role.get("resource-set")}) + "\n" for bearer, roles in sorted(self.roles.items()) for role in roles.values())

    # -- records --

    def user_record(self, ident: str, status: str, profile: Json, type_id: str, created: float, updated: float, provider: str = "OKTA") -> Record:
        seen = status in ("ACTIVE", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED", "RECOVERY")
        return Record({"id": ident, "status": status, "created": iso(created), "activated": iso(created + 60) if status != "STAGED" else None,
                       "statusChanged": iso(updated), "lastLogin": iso(updated) if seen else None, "lastUpdated": iso(updated),
                       "passwordChanged": iso(created + 90) if seen else None, "type": {"id": type_id}, "profile": profile,
                       "credentials": {"provider": {"type": provider, "name": provider if provider == "OKTA" else "example.test"}},
                       "_links": {"self": {"href": f"{self.base}/api/v1/users/{ident}"}}})

    def group_record(self, ident: str, kind: str, profile: Json, created: float, updated: float, source: str = "") -> Record:
        href = f"{self.base}/api/v1/groups/{ident}"
        links: Json = {"users": {"href": href + "/users"}, "apps": {"href": href + "/apps"}}
        if source:
            links["source"] = {"href": f"{self.base}/api/v1/apps/{source}"}
        data = {"id": ident, "created": iso(created), "lastUpdated": iso(created + 1), "lastMembershipUpdated": iso(updated),
                "objectClass": ["okta:windows_security_principal" if kind == "APP_GROUP" else "okta:user_group"],
                "type": kind, "profile": profile, "_links": links}
        if source:
            data["source"] = {"id": source}
        return Record(data)

    def app_user(self, user_id: str, scope: str, stamp: str) -> Json:
        login = self.users.rows[user_id].data["profile"]["login"]
        return {"id": user_id, "externalId": None, "created": stamp, "lastUpdated": stamp, "scope": scope, "status": "ACTIVE",
                "statusChanged": stamp, "passwordChanged": None, "syncState": "DISABLED", "credentials": {"userName": login}, "profile": {}}

    def app_rows_of(self, ident: str) -> dict[str, Json]:
        """Who has an application: assigned one by one, or as a member of a group that is; whoever is both is the former."""
        if ident not in self.app_rows:
            rows: dict[str, Json] = {}
            for group, assigned in self.app_groups[ident].items():
                rows |= {u: self.app_user(u, "GROUP", assigned["lastUpdated"]) for u in self.groups.rows[group].links
                         if self.users.rows[u].data["status"] != "DEPROVISIONED"}
            self.app_rows[ident] = rows | self.app_users[ident]
        return self.app_rows[ident]

    def assign(self, ident: str, kind: str, who: str, present: bool, now: float) -> bool:
        """Assign an application to a user or to a group, or take it away; says whether that changed anything."""
        app = self.find_app(ident)
        bearer = self.find_user(who) if kind == "users" else self.find_group(who)
        held = (self.app_users if kind == "users" else self.app_groups)[app.id]
        if (bearer.id in held) == present:
            return False
        if not present:
            del held[bearer.id]
        elif kind == "users":
            held[bearer.id] = self.app_user(bearer.id, "USER", iso(now))
        else:
            held[bearer.id] = {"id": bearer.id, "lastUpdated": iso(now), "priority": len(held), "profile": {}}
        self.app_rows.clear()
        verb = "add" if present else "remove"
        if kind == "users":
            self.event(f"application.user_membership.{verb}", f"{verb.title()} user to application membership", now, user=bearer, app=app)
        else:
            self.event(f"group.application_assignment.{verb}", f"{verb.title()} assigned application to group", now, group=bearer, app=app)
        return True

    def find_user(self, ref: str) -> Record:
        ident = ref if ref in self.users.rows else self.by_login.get(ref.lower(), "")
        if ident not in self.users.rows:
            raise not_found(ref, "User")
        return self.users.rows[ident]

    def find_group(self, ident: str) -> Record:
        if ident not in self.groups.rows:
            raise not_found(ident, "UserGroup")
        return self.groups.rows[ident]

    def find_app(self, ident: str) -> Record:
        if ident not in self.apps.rows:
            raise not_found(ident, "AppInstance")
        return self.apps.rows[ident]

    # -- changes --

    def create_user(self, body: Json, activate: bool) -> Record:
        profile = profile_of(body)
        login = str(profile.get("login") or "")
        causes = [f"{key}: The field cannot be left blank" for key in ("login", "email", "firstName", "lastName") if not profile.get(key)]
        if login.lower() in self.by_login:
            causes.append("login: An object with this field already exists in the current organization")
        if causes:
            raise invalid("login", *causes)
        password = bool((body.get("credentials") or {}).get("password"))
        now = self.now()
        kind = next(iter(self.users)).data["type"]["id"] if len(self.users) else self.new_id("oty")
        record = self.user_record(self.new_id("00u"), "STAGED", {"mobilePhone": None, "secondEmail": None, **profile}, kind, now, now)
        self.users.add(record)
        self.by_login[login.lower()] = record.id
        for group in [g for g in self.groups if g.data["type"] == "BUILT_IN"]:
            self.link(group, record, now)
        self.event("user.lifecycle.create", "Create okta user", now, user=record)
        if activate:
            self.set_status(record, "ACTIVE" if password else "PROVISIONED", "user.lifecycle.activate", "Activate Okta user")
        for ident in body.get("groupIds") or []:
            self.set_member(ident, record.id, True)
        return record

    def update_user(self, user: Record, body: Json, replace: bool) -> Record:
        profile = body.get("profile")
        if profile is not None and not isinstance(profile, dict):
            raise invalid("profile")
        if profile is not None:
            old = user.data["profile"]
            merged = {**({} if replace else old), **profile}
            if not all(merged.get(k) for k in ("login", "email", "firstName", "lastName")):
                raise invalid("profile", "login, email, firstName, lastName: The field cannot be left blank")
            login = str(merged["login"]).lower()
            if self.by_login.get(login, user.id) != user.id:
                raise invalid("login", "login: An object with this field already exists in the current organization")
            del self.by_login[old["login"].lower()]
            self.by_login[login] = user.id
            user.data["profile"] = merged
        now = self.now()
        user.touch("lastUpdated", now)
        self.event("user.account.update_profile", "Update user profile for Okta", now, user=user)
        return user

    def set_status(self, user: Record, status: str, event: str, message: str) -> None:
        now = self.now()
        user.data["status"] = status
        if status == "ACTIVE" and not user.data["activated"]:
            user.data["activated"] = iso(now)
        user.touch("statusChanged", now)
        user.touch("lastUpdated", now)
        self.event(event, message, now, user=user)

    def lifecycle(self, user: Record, operation: str, send_email: bool) -> Json:
        status = user.data["status"]

        def require(allowed: set[str], error: OktaError) -> None:
            if status not in allowed:
                raise error

        refused = OktaError(403, "E0000038", "This operation is not allowed in the user's current status.")
        if operation in ("activate", "reactivate"):
            if operation == "activate":
                require({"STAGED", "DEPROVISIONED"}, OktaError(403, "E0000016", "Activation failed because the user is already active"))
                ready = user.data["passwordChanged"] is not None
                self.set_status(user, "ACTIVE" if ready else "PROVISIONED", "user.lifecycle.activate", "Activate Okta user")
            else:
                require({"PROVISIONED", "RECOVERY"}, refused)
                self.set_status(user, "PROVISIONED", "user.lifecycle.reactivate", "Reactivate Okta user")
            token = self.new_id("Xe6")
            return {} if send_email else {"activationUrl": f"{self.base}/welcome/{token}", "activationToken": token}
        if operation == "deactivate":
            require({"STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "LOCKED_OUT", "PASSWORD_EXPIRED", "SUSPENDED"}, refused)
            self.deactivate(user)
        elif operation == "suspend":
            require({"ACTIVE"}, invalid("Cannot suspend a user that is not active", "Cannot suspend a user that is not active"))
            self.set_status(user, "SUSPENDED", "user.lifecycle.suspend", "Suspend Okta user")
        elif operation == "unsuspend":
            require({"SUSPENDED"}, invalid("Cannot unsuspend a user that is not suspended", "Cannot unsuspend a user that is not suspended"))
            self.set_status(user, "ACTIVE", "user.lifecycle.unsuspend", "Unsuspend Okta user")
        elif operation == "unlock":
            require({"LOCKED_OUT"}, OktaError(403, "E0000032", "Unlock is not allowed for this user."))
            self.set_status(user, "ACTIVE", "user.account.unlock", "Unlock user account")
        elif operation == "expire_password":
            require({"ACTIVE", "PASSWORD_EXPIRED", "RECOVERY"}, refused)
            self.set_status(user, "PASSWORD_EXPIRED", "user.account.expire_password", "Expire all user passwords")
            return user.data
        elif operation not in ("reset_factors",):
            raise not_found(operation, "lifecycle")
        return {}

    def deactivate(self, user: Record) -> None:
        user.data["passwordChanged"] = None
        self.set_status(user, "DEPROVISIONED", "user.lifecycle.deactivate", "Deactivate Okta user")
        now = self.now()
        for assigned in self.app_users.values():
            assigned.pop(user.id, None)
        self.app_rows.clear()
        for ident in sorted(user.links):
            group = self.groups.rows[ident]
            if not self.options.keep_memberships or group.data["type"] == "BUILT_IN":
                self.unlink(group, user, now)

    def delete_user(self, user: Record) -> None:
        """The first call deactivates, the second deletes."""
        if user.data["status"] != "DEPROVISIONED":
            self.deactivate(user)
            return
        now = self.now()
        for ident in sorted(user.links):
            self.unlink(self.groups.rows[ident], user, now, quiet=self.options.quiet_deletes)
        self.users.remove(user.id)
        del self.by_login[user.data["profile"]["login"].lower()]
        self.roles.pop(user.id, None)
        self.event("user.lifecycle.delete.initiated", "Delete okta user initiated", now, user=user)

    def link(self, group: Record, user: Record, now: float) -> None:
        self.app_rows.clear()
        group.links.add(user.id)
        user.links.add(group.id)
        if group.id in self.member_order:
            bisect.insort(self.member_order[group.id], user.id)
        group.touch("lastMembershipUpdated", now)
        self.event("group.user_membership.add", "Add user to group membership", now, user=user, group=group)

    def unlink(self, group: Record, user: Record, now: float, quiet: bool = False) -> None:
        self.app_rows.clear()
        group.links.discard(user.id)
        user.links.discard(group.id)
        order = self.member_order.get(group.id)
        if order is not None:
            del order[bisect.bisect_left(order, user.id)]
        if quiet:
            return
        group.touch("lastMembershipUpdated", now)
        self.event("group.user_membership.remove", "Remove user from group membership", now, user=user, group=group)

    def set_member(self, group_id: str, user_id: str, present: bool) -> None:
        group, user = self.find_group(group_id), self.find_user(user_id)
        if group.data["type"] != "OKTA_GROUP":
            raise OktaError(501, "E0000060", "Unsupported operation.")
        if present != (user.id in group.links):                 # both calls are idempotent
            (self.link if present else self.unlink)(group, user, self.now())

    def members(self, group: Record) -> list[str]:
        if group.id not in self.member_order:
            self.member_order[group.id] = sorted(group.links)
        return self.member_order[group.id]

    def save_group(self, group: Record | None, body: Json) -> Record:
        profile = profile_of(body)
        name = str(profile.get("name") or "")
        if not name or len(name) > 255:
            raise invalid("name", "name: The field cannot be left blank" if not name else "name: The field is too long")
        if any(g.data["profile"]["name"] == name and g is not group and g.data["type"] == "OKTA_GROUP" for g in self.groups):
            raise invalid("name", "name: An object with this field already exists in the current organization")
        now = self.now()
        if group is None:
            group = self.group_record(self.new_id("00g"), "OKTA_GROUP", {"description": None, **profile}, now, now)
            self.groups.add(group)
            self.event("group.lifecycle.create", "Create Okta group", now, group=group)
        elif group.data["type"] != "OKTA_GROUP":
            raise OktaError(501, "E0000060", "Unsupported operation.")
        else:
            group.data["profile"] = {"description": None, **profile}
            group.touch("lastUpdated", now)
            self.event("group.profile.update", "Update group profile", now, group=group)
        return group

    def delete_group(self, group: Record) -> None:
        if group.data["type"] == "BUILT_IN":
            raise OktaError(501, "E0000060", "Unsupported operation.")
        for ident in group.links:
            self.users.rows[ident].links.discard(group.id)
        self.groups.remove(group.id)
        self.member_order.pop(group.id, None)
        self.roles.pop(group.id, None)
        for assigned in self.app_groups.values():
            assigned.pop(group.id, None)
        self.app_rows.clear()
        self.event("group.lifecycle.delete", "Delete Okta group", self.now(), group=group)

    def grant_role(self, principal: str, kind: str, assignment: str, now: float, custom: Json | None = None) -> Json:
        ident = self.new_id("ra1")
        role = {"id": ident, "label": kind.replace("_", " ").title(), "type": kind, "status": "ACTIVE", "created": iso(now),
                "lastUpdated": iso(now), "assignmentType": assignment}
        if kind == "CUSTOM":
            role |= {"label": "Application Support", "role": "cr0StubApplicationSup", "resource-set": "iamStubResourceSet01"} | (custom or {})
        self.roles.setdefault(principal, {})[ident] = role
        return role

    def roles_of(self, principal: Record) -> list[Json]:
        """What a user or a group bears; of a user also what comes by a group, said to come by one."""
        found = dict(self.roles.get(principal.id, {}))
        for group in principal.links if principal.id in self.users.rows else ():
            found |= self.roles.get(group, {})
        return list(found.values())

    # -- the log --

    def caller(self) -> Json:
        """Name whose token the calls bear, as `users/me` does."""
        found = next(iter(self.users), None)
        if found is None:
            return {"id": "00uStubAdministrator0", "type": "User", "alternateId": "admin@example.test", "displayName": "Stub Admin", "detailEntry": None}
        p = found.data["profile"]
        return {"id": found.id, "type": "User", "alternateId": p["login"], "displayName": f"{p.get('firstName')} {p.get('lastName')}", "detailEntry": None}

    def event(self, kind: str, message: str, now: float, user: Record | None = None, group: Record | None = None,
              app: Record | None = None) -> None:
        target: list[Json] = []
        if user is not None:
            p = user.data["profile"]
            target.append({"id": user.id, "type": "User", "alternateId": p["login"], "displayName": f"{p.get('firstName')} {p.get('lastName')}", "detailEntry": None})
        if group is not None:
            target.append({"id": group.id, "type": "UserGroup", "alternateId": "unknown", "displayName": group.data["profile"]["name"], "detailEntry": None})
        if app is not None:
            target.append({"id": app.id, "type": "AppInstance", "alternateId": app.data["label"], "displayName": app.data["label"], "detailEntry": None})
        ident = hashlib.md5(f"{self.options.seed}/{len(self.log) + len(self.pending)}/{now}".encode()).hexdigest()
        entry: Json = {"uuid": f"{ident[:8]}-{ident[8:12]}-11f0-{ident[16:20]}-{ident[20:]}", "published": iso(now), "eventType": kind,
                       "version": "0", "severity": "INFO", "displayMessage": message, "legacyEventType": None,
                       "actor": self.caller(),
                       "client": {"userAgent": None, "zone": "null", "device": "Unknown", "id": None, "ipAddress": "127.0.0.1", "geographicalContext": None},
                       "outcome": {"result": "SUCCESS", "reason": None}, "target": target,
                       "transaction": {"type": "WEB", "id": ident[:24], "detail": {}}, "debugContext": {"debugData": {}},
                       "authenticationContext": {"externalSessionId": "unknown"}, "securityContext": {}, "request": {"ipChain": []}}
        self.pending.append((time.time() + random.uniform(0, self.options.log_lag), entry))   # kept in order, whatever its clock shows
        self.changed.set()

    def persist(self) -> None:
        """Move what is due from the events published to the log."""
        if self.pending:
            now = time.time()
            due = sorted((p for p in self.pending if p[0] <= now), key=lambda p: p[0])
            self.pending = [p for p in self.pending if p[0] > now]
            self.log.extend((stamp, entry, dumps(entry)) for stamp, entry in due)

    def churn(self, users: int, memberships: int, deactivate: int, delete: int, seed: int) -> Json:
        """Change a number of users and memberships at random, as a day at work does."""
        rnd = random.Random(seed)
        active = [u for u in self.users if u.data["status"] == "ACTIVE"]
        groups = [g for g in self.groups if g.data["type"] == "OKTA_GROUP"]
        touched: dict[str, list[str]] = {"updated": [], "deactivated": [], "deleted": [], "groups": []}
        for user in rnd.sample(active, min(users, len(active))):
            self.update_user(user, {"profile": {"title": rnd.choice(TITLES), "department": rnd.choice(DEPARTMENTS)}}, False)
            touched["updated"].append(user.id)
        for _ in range(memberships if groups and active else 0):
            group, user = rnd.choice(groups), rnd.choice(active)
            self.set_member(group.id, user.id, user.id not in group.links)
            touched["groups"].append(group.id)
        for user in rnd.sample(active, min(deactivate, len(active))):
            self.deactivate(user)
            touched["deactivated"].append(user.id)
        gone = [u for u in self.users if u.data["status"] == "DEPROVISIONED"]
        for user in rnd.sample(gone, min(delete, len(gone))):
            self.delete_user(user)
            touched["deleted"].append(user.id)
        touched["groups"] = sorted(set(touched["groups"]))
        return touched


# --- the HTTP side ---------------------------------------------------------------------------

@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Json:
        if not self.body:
            return {}
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise OktaError(400, "E0000003", "The request body was not well-formed.")
        return value

    def flag(self, name: str, default: bool) -> bool:
        return self.query.get(name, str(default)).lower() == "true"

    def limit(self, default: int, cap: int, reject: bool = False) -> int:
        text = self.query.get("limit", "")
        if not text:
            return default
        if not re.fullmatch(r"-?\d+", text) or (reject and not 0 <= int(text) <= cap):
            raise invalid("limit", f"limit: must be an integer between 0 and {cap}")
        return min(cap, int(text)) if int(text) > 0 else default


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def page_body(raws: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(raws) + b"]"


def encode_cursor(*parts: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(text: str, parts: int) -> list[str]:
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if len(value) == parts and all(isinstance(v, str) for v in value):
            return list(value)
    except (ValueError, TypeError):
        pass
    raise invalid("after", "after: the cursor is not valid")


class RateLimiter:
    """Fixed windows, one for each bucket and token."""

    def __init__(self, options: Options, clock: Callable[[], float] = time.time):
        self.options, self.clock = options, clock
        self.windows: dict[tuple[str, str], tuple[float, int]] = {}

    def limit(self, bucket: str) -> int:
        o = self.options
        whole = o.rate_limit or TIERS.get(o.rate_tier, {}).get(bucket, 0)
        return max(1, whole * o.principal_share // 100) if whole else 0

    def take(self, bucket: str, token: str) -> tuple[dict[str, str], bool]:
        limit, now = self.limit(bucket), self.clock()
        begun, used = self.windows.get((bucket, token), (0.0, 0))
        if now - begun >= self.options.rate_window:
            begun, used = now, 0
        used += 1
        self.windows[bucket, token] = (begun, used)
        shown = limit or 10_000_000          # none to speak of
        headers = {"X-Rate-Limit-Limit": str(shown), "X-Rate-Limit-Remaining": str(max(0, shown - used)),
                   "X-Rate-Limit-Reset": str(int(-(-(begun + self.options.rate_window) // 1)))}
        return headers, not limit or used <= limit


def bucket_of(method: str, parts: list[str]) -> str:
    """The rate limit bucket of a path below /api/v1."""
    head = parts[0] if parts else ""
    if head == "users":
        return "users" if len(parts) == 1 else "user" if len(parts) == 2 and method != "GET" else "other"
    if head in ("groups", "apps"):
        return head[:-1] if len(parts) == 2 and parts[1] != "rules" else head
    return "logs" if head == "logs" else "other"


class OktaStub:
    """The server.  As a context manager it runs in a thread of its own."""

    def __init__(self, options: Options | None = None):
        self.options = options or Options()
        self.url = ""
        self.org: Org
        self.limiter = RateLimiter(self.options, lambda: time.time() + self.options.clock_skew)
        self.tokens: dict[str, tuple[float, set[str]]] = {}     # OAuth tokens: expiry, scopes
        self.serial = self.at_once = 0
        self.stats: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self.routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = []
        for method, pattern, handler in (
            ("GET", "users", self.list_users), ("POST", "users", self.create_user), ("GET", "users/{}", self.get_user),
            ("POST", "users/{}", self.update_user), ("PUT", "users/{}", self.update_user), ("DELETE", "users/{}", self.delete_user),
            ("GET", "users/{}/groups", self.user_groups), ("POST", "users/{}/lifecycle/{}", self.lifecycle),
            ("DELETE", "users/{}/sessions", self.clear_sessions), ("GET", "users/{}/roles", self.list_roles),
            ("POST", "users/{}/roles", self.add_role), ("DELETE", "users/{}/roles/{}", self.remove_role),
            ("GET", "groups/rules", self.list_rules), ("GET", "groups", self.list_groups), ("POST", "groups", self.create_group),
            ("GET", "groups/{}", self.get_group), ("PUT", "groups/{}", self.update_group), ("DELETE", "groups/{}", self.delete_group),
            ("GET", "groups/{}/users", self.group_users), ("PUT", "groups/{}/users/{}", self.add_member),
            ("DELETE", "groups/{}/users/{}", self.remove_member), ("GET", "groups/{}/apps", self.group_apps),
            ("GET", "groups/{}/roles", self.list_roles), ("POST", "groups/{}/roles", self.add_role),
            ("DELETE", "groups/{}/roles/{}", self.remove_role), ("GET", "iam/assignees/users", self.role_holders),
            ("POST", "apps/{}/lifecycle/{}", self.app_lifecycle), ("POST", "apps/{}/users", self.assign_user),
            ("DELETE", "apps/{}/users/{}", self.unassign), ("PUT", "apps/{}/groups/{}", self.assign_group),
            ("DELETE", "apps/{}/groups/{}", self.unassign),
            ("GET", "apps", self.list_apps), ("GET", "apps/{}", self.get_app), ("GET", "apps/{}/users", self.list_app_users),
            ("GET", "apps/{}/groups", self.list_app_groups), ("GET", "logs", self.list_logs),
            ("GET", "eventHooks", self.list_hooks), ("POST", "eventHooks", self.create_hook), ("GET", "eventHooks/{}", self.get_hook),
            ("DELETE", "eventHooks/{}", self.delete_hook),
        ):
            regex = re.compile("/".join("([^/]+)" if p == "{}" else p for p in pattern.split("/")))
            self.routes.append((method, regex, handler))

    # -- paging --

    def next_link(self, request: Request, after: str) -> str:
        query = urllib.parse.urlencode({**request.query, "after": after})
        return f'<{self.origin(request)}{request.path}?{query}>; rel="next"'

    def origin(self, request: Request) -> str:
        return f"http://{request.headers.get('host', self.url[7:])}"

    def paged(self, request: Request, keys: list[str], raw: Callable[[str], bytes], limit: int) -> Answer:
        """A page of sorted keys: those after the cursor, which names the last one served."""
        after = request.query.get("after", "")
        start = bisect.bisect_right(keys, decode_cursor(after, 1)[0]) if after else 0
        chosen = keys[start:start + limit]
        links = f'<{self.origin(request)}{request.path}?{urllib.parse.urlencode(request.query)}>; rel="self"'
        if start + limit < len(keys):
            links += ", " + self.next_link(request, encode_cursor(chosen[-1]))
        return Answer(200, page_body(map(raw, chosen)), {"Link": links})

    def listing(self, request: Request, table: Table, plain: Callable[[Json], bool], limit: int, allowed: set[str],
                changed: tuple[str, ...], raw: Callable[[str], bytes]) -> Answer:
        """A page of a table under filter, search and q, in the order of the ids or of sortBy."""
        query = request.query
        tests: list[Predicate] = []
        if query.get("search"):
            tests.append(Expression(query["search"], search=True).matches)
            if self.options.search_lag:
                horizon = iso(self.org.now() - self.options.search_lag)
                tests.append(lambda item: all(item[key] <= horizon for key in changed))
        if query.get("filter"):
            tests.append(Expression(query["filter"], allowed).matches)
        if query.get("q"):
            prefix = query["q"].lower()
            tests.append(lambda item: any(str(item["profile"].get(k) or "").lower().startswith(prefix)
                                          for k in ("firstName", "lastName", "email", "name")))
        if not (query.get("search") or query.get("filter")):
            tests.append(plain)
        if query.get("sortBy") and query.get("search"):
            path, down = query["sortBy"].split("."), query.get("sortOrder", "asc").lower() == "desc"
            found = [r for r in table if all(t(r.data) for t in tests)]
            ranked = sorted((str(next(values_at(r.data, path), "")), r.id) for r in found)
            ranked = ranked[::-1] if down else ranked
            start = 0
            if query.get("after"):
                last = tuple(decode_cursor(query["after"], 2))
                start = next((n for n, key in enumerate(ranked) if (key < last if down else key > last)), len(ranked))
            chosen = ranked[start:start + limit]
            headers = {"Link": self.next_link(request, encode_cursor(*chosen[-1]))} if start + limit < len(ranked) else {}
            return Answer(200, page_body(raw(i) for _, i in chosen), headers)
        start = bisect.bisect_right(table.order, decode_cursor(query["after"], 1)[0]) if query.get("after") else 0
        keys: list[str] = []
        for ident in table.order[start:]:
            if all(t(table.rows[ident].data) for t in tests):
                keys.append(ident)
                if len(keys) > limit:
                    break
        links = f'<{self.origin(request)}{request.path}?{urllib.parse.urlencode(query)}>; rel="self"'
        if len(keys) > limit and not query.get("q"):            # "q" is not paged
            links += ", " + self.next_link(request, encode_cursor(keys[limit - 1]))
        return Answer(200, page_body(map(raw, keys[:limit])), {"Link": links})

    # -- users --

    def list_users(self, request: Request) -> Answer:
        rows = self.org.users.rows
        return self.listing(request, self.org.users, lambda u: u["status"] != "DEPROVISIONED",
                            request.limit(10 if request.query.get("q") else 200, 200), USER_FILTER, ("lastUpdated",), lambda i: rows[i].raw)

    def get_user(self, request: Request, ref: str) -> Answer:
        return Answer(200, (next(iter(self.org.users)) if ref == "me" else self.org.find_user(ref)).raw)

    def create_user(self, request: Request) -> Answer:
        return Answer(200, self.org.create_user(request.json(), request.flag("activate", True)).raw)

    def update_user(self, request: Request, ref: str) -> Answer:
        return Answer(200, self.org.update_user(self.org.find_user(ref), request.json(), request.method == "PUT").raw)

    def delete_user(self, request: Request, ref: str) -> Answer:
        self.org.delete_user(self.org.find_user(ref))
        return Answer(204)

    def user_groups(self, request: Request, ref: str) -> Answer:
        return Answer(200, page_body(self.org.groups.rows[g].raw for g in sorted(self.org.find_user(ref).links)))

    def lifecycle(self, request: Request, ref: str, operation: str) -> Answer:
        return Answer(200, dumps(self.org.lifecycle(self.org.find_user(ref), operation, request.flag("sendEmail", True))))

    def clear_sessions(self, request: Request, ref: str) -> Answer:
        self.org.event("user.session.clear", "Clear user session", self.org.now(), user=self.org.find_user(ref))
        return Answer(204)

    # -- groups --

    def group_raw(self, request: Request) -> Callable[[str], bytes]:
        rows = self.org.groups.rows
        if "stats" not in request.query.get("expand", ""):
            return lambda i: rows[i].raw

        def with_stats(ident: str) -> bytes:
            apps = sum(ident in g for g in self.org.app_groups.values())
            stats = {"usersCount": len(rows[ident].links), "appsCount": apps, "groupPushMappingsCount": 0,
                     "hasAdminPrivlege": bool(self.org.roles.get(ident)), "_links": {}}
            return dumps({**rows[ident].data, "_embedded": {"stats": stats}})

        return with_stats

    def list_groups(self, request: Request) -> Answer:
        default = 300 if request.query.get("q") else 10_000
        return self.listing(request, self.org.groups, lambda g: True, request.limit(default, 10_000), GROUP_FILTER,
                            ("lastUpdated", "lastMembershipUpdated"), self.group_raw(request))

    def get_group(self, request: Request, ident: str) -> Answer:
        return Answer(200, self.org.find_group(ident).raw)

    def create_group(self, request: Request) -> Answer:
        return Answer(200, self.org.save_group(None, request.json()).raw)

    def update_group(self, request: Request, ident: str) -> Answer:
        return Answer(200, self.org.save_group(self.org.find_group(ident), request.json()).raw)

    def delete_group(self, request: Request, ident: str) -> Answer:
        self.org.delete_group(self.org.find_group(ident))
        return Answer(204)

    def group_users(self, request: Request, ident: str) -> Answer:
        rows = self.org.users.rows
        return self.paged(request, self.org.members(self.org.find_group(ident)), lambda i: rows[i].raw, request.limit(1000, 1000))

    def add_member(self, request: Request, group: str, user: str) -> Answer:
        self.org.set_member(group, user, True)
        return Answer(204)

    def remove_member(self, request: Request, group: str, user: str) -> Answer:
        self.org.set_member(group, user, False)
        return Answer(204)

    def group_apps(self, request: Request, ident: str) -> Answer:
        self.org.find_group(ident)
        keys = [a for a in self.org.apps.order if ident in self.org.app_groups[a]]
        return self.paged(request, keys, lambda i: self.org.apps.rows[i].raw, request.limit(20, 200))

    def list_rules(self, request: Request) -> Answer:
        return self.paged(request, self.org.rules.order, lambda i: self.org.rules.rows[i].raw, request.limit(50, 200))

    # -- roles --

    def bearer(self, request: Request, ident: str) -> tuple[Record, str]:
        """Who a role is of, and the word the log has for the kind of it."""
        is_user = request.path.startswith("/api/v1/users/")
        return (self.org.find_user(ident), "user.account") if is_user else (self.org.find_group(ident), "group")

    def list_roles(self, request: Request, ident: str) -> Answer:
        return Answer(200, dumps(self.org.roles_of(self.bearer(request, ident)[0])))

    def privileged(self, request: Request, ident: str, what: str) -> Record:
        bearer, word = self.bearer(request, ident)
        self.org.event(f"{word}.privilege.{what}", f"{what.title()} privilege", self.org.now(),
                       **{"user" if word == "user.account" else "group": bearer})
        return bearer

    def add_role(self, request: Request, ident: str) -> Answer:
        body = request.json()
        kind = str(body.get("type") or "")
        if not kind or (kind == "CUSTOM" and not (body.get("role") and body.get("resource-set"))):
            raise invalid("type", "type: The field cannot be left blank")
        scope = "USER" if request.path.startswith("/api/v1/users/") else "GROUP"
        custom: Json = {k: v for k, v in body.items() if k in ("role", "resource-set", "label")}
        return Answer(201, dumps(self.org.grant_role(self.privileged(request, ident, "grant").id, kind, scope, self.org.now(), custom)))

    def remove_role(self, request: Request, ident: str, role: str) -> Answer:
        if self.org.roles.get(self.bearer(request, ident)[0].id, {}).pop(role, None) is None:
            raise not_found(role, "RoleAssignment")
        self.privileged(request, ident, "revoke")
        return Answer(204)

    def role_holders(self, request: Request) -> Answer:
        """Users who bear a role, those by a group too."""
        rows = self.org.users.rows
        found = {p for p, roles in self.org.roles.items() if roles and p in rows}
        for group in self.org.groups:
            if self.org.roles.get(group.id):
                found |= group.links
        holders = sorted(found)
        after, limit = request.query.get("after", ""), request.limit(100, 200)
        start = bisect.bisect_right(holders, decode_cursor(after, 1)[0]) if after else 0
        chosen = holders[start:start + limit]
        body: Json = {"value": [{"id": i, "_links": {"self": {"href": f"{self.org.base}/api/v1/users/{i}"}}} for i in chosen], "_links": {}}
        if start + limit < len(holders):
            query = urllib.parse.urlencode({**request.query, "after": encode_cursor(chosen[-1])})
            body["_links"]["next"] = {"href": f"{self.origin(request)}{request.path}?{query}"}
        return Answer(200, dumps(body))

    # -- applications --

    def list_apps(self, request: Request) -> Answer:
        test = Expression(request.query["filter"], {"status", "id", "name", "user.id", "group.id"}).matches if request.query.get("filter") else None
        rows = self.org.apps.rows
        keys = [i for i in self.org.apps.order if test is None or test(rows[i].data)]
        return self.paged(request, keys, lambda i: rows[i].raw, request.limit(20, 200))

    def app_lifecycle(self, request: Request, ident: str, operation: str) -> Answer:
        if operation not in ("activate", "deactivate"):
            raise not_found(operation, "lifecycle")
        app, now = self.org.find_app(ident), self.org.now()
        app.data["status"] = "ACTIVE" if operation == "activate" else "INACTIVE"
        app.touch("lastUpdated", now)
        self.org.event(f"application.lifecycle.{operation}", f"{operation.title()} application", now, app=app)
        return Answer(200, b"{}")

    def assign_user(self, request: Request, ident: str) -> Answer:
        who = str(request.json().get("id") or "")
        self.org.assign(ident, "users", who, True, self.org.now())
        return Answer(200, dumps(self.org.app_users[ident][self.org.find_user(who).id]))

    def assign_group(self, request: Request, ident: str, who: str) -> Answer:
        self.org.assign(ident, "groups", who, True, self.org.now())
        return Answer(200, dumps(self.org.app_groups[ident][who]))

    def unassign(self, request: Request, ident: str, who: str) -> Answer:
        kind = request.path.split("/")[-2]
        if not self.org.assign(ident, kind, who, False, self.org.now()):
            raise not_found(who, "AppUser" if kind == "users" else "ApplicationGroupAssignment")
        return Answer(204)

    def get_app(self, request: Request, ident: str) -> Answer:
        return Answer(200, self.org.find_app(ident).raw)

    def list_app_users(self, request: Request, ident: str) -> Answer:
        rows = self.org.app_rows_of(self.org.find_app(ident).id)
        return self.paged(request, sorted(rows), lambda i: dumps(rows[i]), request.limit(50, 500))

    def list_app_groups(self, request: Request, ident: str) -> Answer:
        rows = self.org.app_groups[self.org.find_app(ident).id]
        return self.paged(request, sorted(rows), lambda i: dumps(rows[i]), request.limit(20, 200))

    # -- the log --

    def list_logs(self, request: Request) -> Answer:
        """Bounded with "until"; without it a poll, whose answer always names the next one."""
        org, query = self.org, request.query
        org.persist()
        limit = request.limit(100, 1000, reject=True)
        now = org.now()
        until = parse_time(query["until"], "until") if query.get("until") else None
        since = parse_time(query["since"], "since") if query.get("since") else (until or now) - 7 * DAY
        test = Expression(query["filter"]).matches if query.get("filter") else None
        words = query.get("q", "").lower().split()

        def wanted(entry: Json, raw: bytes) -> bool:
            return (test is None or test(entry)) and all(w in raw.decode().lower() for w in words)

        if until is None and query.get("sortOrder", "ASCENDING") == "ASCENDING":
            at = int(decode_cursor(query["after"], 1)[0]) if query.get("after") else bisect.bisect_left(org.log, (since - self.options.clock_skew,))
            chosen: list[bytes] = []
            while at < len(org.log) and len(chosen) < limit:
                _, entry, raw = org.log[at]
                at += 1
                if wanted(entry, raw):
                    chosen.append(raw)
            return Answer(200, page_body(chosen), {"Link": self.next_link(request, encode_cursor(str(at)))})
        low, high = iso(since), iso(until if until is not None else now)
        found = sorted(((e["published"], e["uuid"], raw) for _, e, raw in org.log if low <= e["published"] < high and wanted(e, raw)),
                       reverse=query.get("sortOrder") == "DESCENDING")
        start = int(decode_cursor(query["after"], 1)[0]) if query.get("after") else 0
        headers = {"Link": self.next_link(request, encode_cursor(str(start + limit)))} if start + limit < len(found) else {}
        return Answer(200, page_body(raw for _, _, raw in found[start:start + limit]), headers)

    # -- event hooks --

    def list_hooks(self, request: Request) -> Answer:
        return Answer(200, dumps(list(self.org.hooks.values())))

    def find_hook(self, ident: str) -> Json:
        if ident not in self.org.hooks:
            raise not_found(ident, "EventHook")
        return self.org.hooks[ident]

    def get_hook(self, request: Request, ident: str) -> Answer:
        return Answer(200, dumps(self.find_hook(ident)))

    def create_hook(self, request: Request) -> Answer:
        body, now = request.json(), iso(self.org.now())
        if not body.get("name") or not (body.get("channel") or {}).get("config", {}).get("uri"):
            raise invalid("name, channel.config.uri", "The field cannot be left blank")
        hook = {"id": self.org.new_id("who"), "status": "ACTIVE", "verificationStatus": "UNVERIFIED", "name": body["name"],
                "description": body.get("description"), "created": now, "createdBy": "00uStubAdministrator0", "lastUpdated": now,
                "events": body.get("events") or {"type": "EVENT_TYPE", "items": []}, "channel": body["channel"], "_links": {}}
        self.org.hooks[hook["id"]] = hook
        return Answer(200, dumps(hook))

    def delete_hook(self, request: Request, ident: str) -> Answer:
        del self.org.hooks[self.find_hook(ident)["id"]]
        return Answer(204)

    @staticmethod
    def call_hook(hook: Json, body: bytes | None, challenge: str = "") -> bytes:
        """One request to a hook's endpoint, with one retry, 3 seconds each."""
        config = hook["channel"]["config"]
        scheme = config.get("authScheme") or {}
        headers = {h["key"]: h["value"] for h in config.get("headers") or []}
        if scheme.get("key"):
            headers[scheme["key"]] = scheme.get("value") or ""
        headers.update({"X-Okta-Verification-Challenge": challenge} if challenge else {"Content-Type": "application/json"})
        for attempt in (0, 1):
            try:
                with urllib.request.urlopen(urllib.request.Request(config["uri"], body, headers), timeout=3) as reply:
                    return bytes(reply.read())
            except OSError:
                if attempt:
                    raise
        return b""

    async def verify_hook(self, ident: str) -> Answer:
        hook = self.find_hook(ident)
        challenge = "".join(random.choices(ALPHABET, k=32))
        try:
            reply = await asyncio.to_thread(self.call_hook, hook, None, challenge)
            verified = json.loads(reply).get("verification") == challenge
        except (OSError, ValueError, AttributeError):
            verified = False
        if not verified:
            raise OktaError(400, "E0000183", "Verification of the event hook failed.")
        hook.update(verificationStatus="VERIFIED", lastUpdated=iso(self.org.now()))
        return Answer(200, dumps(hook))

    async def deliver(self) -> None:
        """Send new events to the hooks that are verified and ask for them."""
        sent = 0
        while True:
            try:
                await asyncio.wait_for(self.org.changed.wait(), 0.5)
            except TimeoutError:
                pass
            self.org.changed.clear()
            self.org.persist()
            fresh, sent = [entry for _, entry, _ in self.org.log[sent:]], len(self.org.log)
            for hook in list(self.org.hooks.values()):
                events = [e for e in fresh if e["eventType"] in hook["events"]["items"]]
                if events and hook["verificationStatus"] == "VERIFIED":
                    body = dumps({"eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
                                  "source": f"{self.url}/api/v1/eventHooks/{hook['id']}", "eventId": self.org.new_id("eve"),
                                  "eventTime": iso(self.org.now()), "contentType": "application/json", "data": {"events": events}})
                    try:
                        await asyncio.to_thread(self.call_hook, hook, body)
                        self.count("hook deliveries")
                    except OSError:
                        self.count("hook failures")

    # -- authentication --

    def authenticate(self, request: Request) -> tuple[str, set[str] | None]:
        """The token of a request and its scopes (None: those of an API token's owner)."""
        header = request.headers.get("authorization", "")
        scheme = header[:4].upper()
        token = header[4:].strip() if scheme == "SSWS" else ""
        if token and token == self.options.token:
            return token, None
        if token and token == self.options.read_only_token:
            return token, {f"okta.{n}.read" for n in ("users", "groups", "apps", "logs", "roles", "eventHooks")}
        if header[:6].lower() == "bearer":
            expiry, scopes = self.tokens.get(header[6:].strip(), (0.0, set()))
            if expiry > time.time():
                return header[6:].strip(), scopes
            challenge = 'Bearer authorization_uri="/oauth2/v1/authorize", error="invalid_token", error_description="The token has expired."'
            raise OktaError(401, "invalid_token", "The token has expired.", headers={"WWW-Authenticate": challenge})
        raise OktaError(401, "E0000011", "Invalid token provided")

    def authorize(self, request: Request, parts: list[str], scopes: set[str] | None) -> None:
        area = "roles" if "roles" in parts or parts[0] == "iam" else parts[0]
        if area in self.options.forbid.split():
            raise OktaError(403, "E0000006", "You do not have permission to perform the requested action")
        if scopes is not None:
            names = {f"okta.{area}.manage"} | ({f"okta.{area}.read"} if request.method == "GET" else set())
            if not names & scopes:
                raise OktaError(403, "E0000006", "You do not have permission to perform the requested action")

    def issue_token(self, request: Request) -> Answer:
        """Client credentials with a private_key_jwt: the claims are checked, the signature is not."""
        form = dict(urllib.parse.parse_qsl(request.body.decode()))

        def refuse(code: str, why: str, status: int = 400) -> Answer:
            return Answer(status, dumps({"error": code, "error_description": why}))

        if form.get("grant_type") != "client_credentials":
            return refuse("unsupported_grant_type", "The authorization grant type is not supported by the authorization server.")
        try:
            segment = form.get("client_assertion", "").split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
        except (IndexError, ValueError):
            return refuse("invalid_client", "The client_assertion is not a JWT.", 401)
        if claims.get("iss") != self.options.client_id or claims.get("sub") != self.options.client_id:
            return refuse("invalid_client", "The client_assertion names another client.", 401)
        if not str(claims.get("aud", "")).endswith("/oauth2/v1/token") or not time.time() < float(claims.get("exp", 0)) <= time.time() + 3700:
            return refuse("invalid_client", "The client_assertion is not for this endpoint, or not valid now.", 401)
        scopes = set(form.get("scope", "").split())
        if not scopes or not all(s.startswith("okta.") for s in scopes):
            return refuse("invalid_scope", "One or more scopes are not configured for the authorization server resource.")
        if self.options.grant and not scopes <= set(self.options.grant.split()):
            return refuse("invalid_scope", "One or more scopes are not granted to this client.")
        token = "eyJ" + "".join(random.choices(ALPHABET, k=60))
        self.tokens[token] = (time.time() + self.options.token_ttl, scopes)
        return Answer(200, dumps({"token_type": "Bearer", "expires_in": self.options.token_ttl, "access_token": token, "scope": " ".join(sorted(scopes))}))

    # -- requests --

    def count(self, what: str) -> None:
        self.stats[what] = self.stats.get(what, 0) + 1

    def control(self, request: Request) -> Answer:
        """The endpoints under /_stub."""
        what = request.path[len("/_stub/"):]
        body = request.json()
        if what == "stats" and request.method == "GET":
            return Answer(200, dumps({**self.stats, "users": len(self.org.users), "groups": len(self.org.groups), "events": len(self.org.log),
                                       "cpu seconds": time.process_time()}))
        if what == "faults" and request.method == "PUT":
            for name, value in body.items():
                if name not in FAULTS:
                    raise invalid(name, f"{name}: not one of {', '.join(FAULTS)}")
                setattr(self.options, name, type(getattr(self.options, name))(value))
            return Answer(200, dumps({name: getattr(self.options, name) for name in FAULTS}))
        if what == "churn" and request.method == "POST":
            numbers = {k: int(body.get(k, 0)) for k in ("users", "memberships", "deactivate", "delete", "seed")}
            return Answer(200, dumps(self.org.churn(**numbers)))
        if what == "import" and request.method == "POST":
            if not self.options.directory:
                raise invalid("directory", "directory: started without --directory")
            with open(self.options.directory, encoding="utf-8") as lines:
                return Answer(200, dumps(self.org.import_directory([json.loads(line) for line in lines if line.strip()])))
        if what == "reset" and request.method == "POST":
            self.stats.clear()
            self.limiter.windows.clear()
            self.serial = 0
            return Answer(204)
        raise not_found(request.path, "control")

    async def dispatch(self, request: Request) -> tuple[Answer, str]:
        """The answer to a request, and the fault, if any, to befall it on its way."""
        o = self.options
        if request.path.startswith("/_stub/"):
            return self.control(request), ""
        self.serial += 1

        def nth(every: int) -> bool:
            return every > 0 and self.serial % every == 0

        if o.latency_ms:
            await asyncio.sleep(o.latency_ms / 1000)
        fault = "stall" if nth(o.stall_every) else "drop" if nth(o.drop_every) else ""
        if nth(o.unavailable_every):
            self.count("503")
            return Answer(503, b"<html><body>503 Service Temporarily Unavailable</body></html>", {"Content-Type": "text/html"}), fault
        if request.path == "/oauth2/v1/token" and request.method == "POST":
            return self.issue_token(request), fault
        if not request.path.startswith("/api/v1/"):
            raise OktaError(404, "E0000022", "The endpoint does not support the provided HTTP method")
        parts = [urllib.parse.unquote(p) for p in request.path[len("/api/v1/"):].strip("/").split("/")]
        token, scopes = self.authenticate(request)
        bucket = bucket_of(request.method, parts)
        if o.concurrency and self.at_once > o.concurrency:
            self.count("429 concurrency")
            raise OktaError(429, "E0000047", "API call exceeded rate limit due to too many requests.",
                            headers={"X-Rate-Limit-Limit": "0", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(int(self.org.now()) + 1)})
        headers, allowed = self.limiter.take(bucket, token)
        self.count("calls " + bucket)
        try:
            if not allowed:
                self.count("429 " + bucket)
                raise OktaError(429, "E0000047", "API call exceeded rate limit due to too many requests.")
            if nth(o.limit_every):
                self.count("429 at random")
                headers |= {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(int(self.limiter.clock()) + 1)}
                raise OktaError(429, "E0000047", "API call exceeded rate limit due to too many requests.")
            if nth(o.fail_every):
                self.count("500")
                raise OktaError(500, "E0000009", "Internal Server Error")
            self.authorize(request, parts, scopes)
            answer = await self.route(request, parts)
        except OktaError as error:
            error.headers = {**headers, **error.headers}
            raise
        answer.headers.update(headers)
        return answer, fault

    async def route(self, request: Request, parts: list[str]) -> Answer:
        if parts[0] == "eventHooks" and parts[2:] == ["lifecycle", "verify"] and request.method == "POST":
            return await self.verify_hook(parts[1])
        path, known = request.path[len("/api/v1/"):].strip("/"), False
        for method, regex, handler in self.routes:
            match = regex.fullmatch(path)
            if match and method == request.method:
                return handler(request, *map(urllib.parse.unquote, match.groups()))
            known = known or bool(match)
        if known:
            raise OktaError(405, "E0000022", "The endpoint does not support the provided HTTP method")
        raise not_found(request.path, "endpoint")

    async def read_request(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = (lines[0] + "  ").split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "0")
        body = await reader.readexactly(int(length)) if length.isdigit() and length != "0" else b""
        path, _, query = target.partition("?")
        return Request(method, path, dict(urllib.parse.parse_qsl(query, keep_blank_values=True)), headers, body)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await self.read_request(reader)) is not None:
                self.at_once += 1
                self.stats["peak at once"] = max(self.stats.get("peak at once", 0), self.at_once)
                try:
                    answer, fault = await self.dispatch(request)
                except OktaError as error:
                    answer, fault = Answer(error.status, error.body(), error.headers), ""
                finally:
                    self.at_once -= 1
                headers = {"Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.org.now())), "Server": "okta-stub",
                           "X-Okta-Request-Id": f"req{self.serial:017d}", "Cache-Control": "no-cache, no-store",
                           **({"Content-Type": "application/json"} if answer.body else {}), **answer.headers,
                           "Content-Length": str(len(answer.body))}
                if answer.status == 204:
                    del headers["Content-Length"]
                head = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
                data = head.encode() + answer.body
                if fault == "stall":
                    self.count("stalls")
                    await reader.read()                         # until the client gives up
                    break
                if fault == "drop":
                    self.count("drops")
                    writer.write(data[:max(1, len(data) // 2)])
                    await writer.drain()
                    break
                writer.write(data)
                await writer.drain()
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    # -- running --

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until stopped."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self.connection, self.options.host, self.options.port, limit=1 << 20, backlog=512)
        self.url = f"http://{self.options.host}:{server.sockets[0].getsockname()[1]}"
        self.org = Org(self.options, self.url)
        delivery = asyncio.create_task(self.deliver())
        ready()
        await self._stop.wait()
        delivery.cancel()
        server.close()

    def stop(self) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)

    def __enter__(self) -> OktaStub:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.run(started.set)), daemon=True)
        self._thread.start()
        if not started.wait(120):
            raise RuntimeError("okta-stub did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._thread:
            self._thread.join(10)

    def environment(self) -> str:
        return (f"export OKTA_CLIENT_ORGURL={self.url}\nexport OKTA_CLIENT_TOKEN={self.options.token}\n"
                "export OKTA_TESTING_TESTINGDISABLEHTTPSCHECK=true\n")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="okta-stub", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for item in fields(Options):
        flag, text = "--" + item.name.replace("_", "-"), f"{item.metadata['help']} (default: {item.default!r})"
        if isinstance(item.default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=item.default, help=item.metadata["help"])
        else:
            parser.add_argument(flag, type=type(item.default), default=item.default, help=text.replace("%", "%%"))
    options = Options(**vars(parser.parse_args(argv)))
    if options.rate_tier not in ("none", *TIERS):
        parser.error("--rate-tier: one of none, " + ", ".join(TIERS))
    stub = OktaStub(options)

    def ready() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stub.stop)
        sys.stdout.write(stub.environment())
        sys.stdout.flush()
        if options.env_file:
            with open(options.env_file, "w", encoding="utf-8") as out:
                out.write(stub.environment())

    asyncio.run(stub.run(ready))
    return 0


if __name__ == "__main__":
    sys.exit(main())
