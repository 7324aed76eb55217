"""The whole way, as its users go it: command line and API, real servers at both ends.

A Samba Active Directory and the Okta simulator, each with 2,000 people, 200 groups and 12,000
memberships; what is said to have happened is read from the directory itself, not through us.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from evidence.keys import parse_vkey
from evidence.verify import verify_bundle
from support.instance import Instance
from support.servers.okta import OktaSimulator
from support.servers.samba_ad import SambaAd

SOON = "2026-01-01T00:00:00Z"
pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(600)]


class People:
    """Who was planted, by what the test needs of them."""

    def __init__(self, truth: Path) -> None:
        records = [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]
        self.by_dn = {each["dn"]: each for each in records}
        self.users = [each for each in records if each["kind"] == "user" and each.get("mail")]
        self.groups = [each for each in records if each["kind"] == "group"]

    def manager(self, user: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.by_dn[user["manager"]]
        return found

    def groups_of(self, user: dict[str, Any]) -> list[dict[str, Any]]:
        return [each for each in self.groups if user["dn"] in each["member"]]


def test_the_whole_way_from_two_directories_to_a_bundle_that_anybody_can_check(
    instance: Instance, samba_ad: SambaAd, okta_simulator: OktaSimulator, tmp_path: Path
) -> None:
    people = People(samba_ad.truth)
    admin = connect_and_read(instance, samba_ad, okta_simulator)
    instance.start()
    tokens = {"admin": admin, "hr": make_token(instance, "--role", "hr")}
    name_the_officers(instance, people, tokens)
    ask_and_approve(instance, people, tokens, samba_ad)
    let_somebody_leave(instance, people, tokens, samba_ad, okta_simulator)
    campaign = review_and_revoke(instance, people, tokens, samba_ad)
    bundle = take_the_evidence(instance, tokens, campaign, tmp_path)
    flip_a_byte_in_each_file(instance, bundle, tmp_path)


# --- connect and read -----------------------------------------------------------------------


def connect_and_read(instance: Instance, samba: SambaAd, okta: OktaSimulator) -> str:
    first = instance.attestry("init", "--json")
    add(instance, "ad", "active_directory", samba.settings, samba.secrets)
    add(instance, "okta", "okta", okta.settings, okta.secrets)
    for name in ("ad", "okta"):
        assert instance.attestry("source", "check", name, "--json")["is_usable"]
    runs = instance.attestry("sync", "--json")
    assert {each["state"] for each in runs["items"]} == {"complete"}
    assert instance.attestry("init", "--json")["token"] is None
    token: str = first["token"]
    return token


def add(
    instance: Instance, name: str, kind: str, settings: dict[str, str], secrets: dict[str, str]
) -> None:
    arguments = ["source", "add", name, "--kind", kind]
    for key, value in settings.items():
        arguments += ["--set", f"{key}={value}"]
    for key, value in secrets.items():
        file = instance.home / f"{name}-{key}"
        file.write_text(value, encoding="utf-8")
        arguments += ["--secret", f"{key}={file}"]
    instance.attestry(*arguments, "--json")


def make_token(instance: Instance, *arguments: str) -> str:
    token: str = instance.attestry("token", "create", *arguments, "--json")["token"]
    return token


def as_person(instance: Instance, tokens: dict[str, str], user: dict[str, Any]) -> str:
    """A token that acts as somebody, made once."""
    number = user["employeeID"]
    if number not in tokens:
        tokens[number] = make_token(instance, "--for", number)
    return tokens[number]


def name_the_officers(instance: Instance, people: People, tokens: dict[str, str]) -> None:
    operator, auditor = people.users[300], people.users[301]
    instance.attestry("role", "grant", operator["employeeID"], "operator", "--json")
    instance.attestry("role", "grant", auditor["employeeID"], "auditor", "--json")
    tokens["operator"] = as_person(instance, tokens, operator)
    tokens["auditor"] = as_person(instance, tokens, auditor)


# --- ask, approve, carry out ----------------------------------------------------------------


def ask_and_approve(
    instance: Instance, people: People, tokens: dict[str, str], samba: SambaAd
) -> None:
    group = next(each for each in people.groups[60:] if each.get("managedBy") and each["member"])
    user = next(
        each
        for each in people.users[400:]
        if each["enabled"]
        and not each.get("accountExpires")
        and each["dn"] not in group["member"]
        and people.manager(each)["enabled"]
    )
    requester = as_person(instance, tokens, user)
    wish = {"entitlement": public_id(instance, tokens, group), "reason": "Month-end closing"}
    preview = instance.post("/requests/preview", requester, wish)
    assert preview["verdict"]["outcome"] == "allow"
    assert not samba.is_member(user["sAMAccountName"], group["dn"])
    request = instance.post("/requests", requester, wish)
    assert request["plan_digest"] == preview["plan_digest"]
    for step in preview["approvers"]:
        approve(instance, people, tokens, step["people"][0]["id"], request["id"])
    instance.until(
        lambda: instance.get(f"/requests/{request['id']}", requester)["state"] == "done",
        "the request is done",
    )
    assert samba.is_member(user["sAMAccountName"], group["dn"])
    instance.until(
        lambda: (
            "request.completed"
            in [each["kind"] for each in instance.get("/notices", requester)["items"]]
        ),
        "the requester is told",
    )


def approve(
    instance: Instance, people: People, tokens: dict[str, str], identity: str, request: str
) -> None:
    number = instance.get(f"/identities/{identity}", tokens["operator"])["employee_number"]
    user = next(each for each in people.users if each["employeeID"] == number)
    token = as_person(instance, tokens, user)

    def mine() -> list[Any]:
        found = instance.every("/approvals", token)
        return [each for each in found if each["request"]["id"] == request]

    question = mine()[0]
    body = {"outcome": "approve", "plan_digest": question["plan_digest"]}
    instance.post(f"/approvals/{question['id']}/decision", token, body)


def public_id(instance: Instance, tokens: dict[str, str], group: dict[str, Any]) -> str:
    """The public id of a group, looked up by the directory's own."""
    for each in instance.every("/groups", tokens["operator"]):
        tokens[each["external_id"]] = each["id"]
    return tokens[group["objectGUID"]]


# --- leave ----------------------------------------------------------------------------------


def let_somebody_leave(
    instance: Instance,
    people: People,
    tokens: dict[str, str],
    samba: SambaAd,
    okta: OktaSimulator,
) -> None:
    mirrored = okta.mirrored_guids()
    user = next(
        each
        for each in people.users[500:]
        if each["enabled"]
        and not each.get("accountExpires")
        and okta.status_of(each["mail"]) == "ACTIVE"
        and any(group["objectGUID"] in mirrored for group in people.groups_of(each))
    )
    event = {
        "event_id": "leaver-1",
        "type": "leaver",
        "employee_number": user["employeeID"],
        "effective_at": SOON,
    }
    first = instance.post("/hr/events", tokens["hr"], event)
    assert instance.post("/hr/events", tokens["hr"], event) == first
    other = {**event, "effective_at": "2026-01-02T00:00:00Z"}
    assert instance.answer("POST", "/hr/events", tokens["hr"], other)[0] == 409

    def receipt() -> Any:
        return instance.get("/hr/events/leaver-1/receipt", tokens["hr"])["receipt"]

    def only_imports_left() -> bool:
        states = {each["state"] for each in receipt()["operations"]}
        return states <= {"verified", "applied", "waits_for_import"}

    instance.until(only_imports_left, "everything but the mirrors is read back")
    assert samba.is_disabled(user["sAMAccountName"])
    assert not any(samba.is_member(user["sAMAccountName"], g["dn"]) for g in people.groups_of(user))
    assert okta.status_of(user["mail"]) == "SUSPENDED"
    waiting = [each for each in receipt()["operations"] if each["state"] == "waits_for_import"]
    assert waiting
    okta.import_directory(samba.present_state())
    instance.attestry("sync", "okta", "--json")
    instance.until(lambda: receipt()["state"] == "done", "the leaver is done")
    assert all(each["closed_at"] for each in receipt()["systems"])


# --- review ---------------------------------------------------------------------------------


def review_and_revoke(
    instance: Instance, people: People, tokens: dict[str, str], samba: SambaAd
) -> str:
    groups = [
        each for each in people.groups if each.get("managedBy") and 3 <= len(each["member"]) <= 8
    ]
    chosen = [public_id(instance, tokens, each) for each in groups[:2]]
    fallback = instance.get("/identities?q=" + people.users[300]["mail"], tokens["operator"])
    instance.post(
        "/campaign-templates",
        tokens["operator"],
        {"name": "Small groups", "entitlements": chosen, "fallback": fallback["items"][0]["id"]},
    )
    campaign: str = instance.post("/campaigns", tokens["operator"], {"template": "Small groups"})[
        "id"
    ]
    everybody = instance.every(
        f"/review-items?campaign={campaign}&everybodys=true", tokens["operator"]
    )
    reviewers = sorted({each["reviewer"]["id"] for each in everybody})
    revoked = 0
    for identity in reviewers:
        revoked += decide_as(instance, people, tokens, identity, campaign, is_first=not revoked)
    assert revoked == 1

    def progress() -> Any:
        return instance.get(f"/campaigns/{campaign}", tokens["operator"])["progress"]

    instance.until(lambda: progress()["confirmed"] == 1, "the revoke is confirmed")
    assert progress()["revoked"] == 1
    gone = next(
        each
        for each in instance.every(
            f"/review-items?campaign={campaign}&everybodys=true", tokens["operator"]
        )
        if each["decision"] == "revoke"
    )
    login = gone["shown"]["account_login"]
    names = {public_id(instance, tokens, each): each["dn"] for each in groups[:2]}
    assert not samba.is_member(login, names[gone["shown"]["group"]])
    instance.post(f"/campaigns/{campaign}/close", tokens["operator"])
    return campaign


def decide_as(
    instance: Instance,
    people: People,
    tokens: dict[str, str],
    identity: str,
    campaign: str,
    *,
    is_first: bool,
) -> int:
    """Let a reviewer keep all, the very first one revoke one; returns how many were revoked."""
    number = instance.get(f"/identities/{identity}", tokens["operator"])["employee_number"]
    user = next(each for each in people.users if each["employeeID"] == number)
    token = as_person(instance, tokens, user)
    items = instance.every(f"/review-items?campaign={campaign}", token)
    said = [{"id": each["id"], "version": each["version"], "decision": "keep"} for each in items]
    if is_first:
        said[0] |= {"decision": "revoke", "reason": "No longer in that team."}
    instance.post("/review-items/decisions", token, {"items": said})
    instance.post(f"/campaigns/{campaign}/sign-off", token)
    return int(is_first)


# --- evidence -------------------------------------------------------------------------------


def take_the_evidence(
    instance: Instance, tokens: dict[str, str], campaign: str, folder: Path
) -> Path:
    asked = instance.post("/evidence/bundles", tokens["auditor"], {"campaign": campaign})
    where = f"/evidence/bundles/{asked['id']}"
    instance.until(
        lambda: instance.get(where, tokens["auditor"])["state"] in ("ready", "failed"), "built"
    )
    built = instance.get(where, tokens["auditor"])
    assert built["state"] == "ready", built
    bundle = instance.download(f"{where}/download", tokens["auditor"], folder / "campaign.zip")
    assert instance.verify(bundle) == 0
    period = folder / "period.zip"
    instance.attestry(
        "evidence",
        "build",
        "--from",
        "2026-01-01",
        "--to",
        "2099-12-31",
        "--out",
        str(period),
        "--json",
    )
    assert instance.verify(period) == 0
    with zipfile.ZipFile(period) as held:
        leavers = held.read("data/leavers.jsonl").decode().splitlines()
        requests = held.read("data/requests.jsonl").decode().splitlines()
    assert any('"leaver-1"' in line for line in leavers)
    assert any("Month-end closing" in line for line in requests)
    return bundle


def flip_a_byte_in_each_file(instance: Instance, bundle: Path, folder: Path) -> None:
    keys = [parse_vkey((instance.home / "signer.vkey").read_text(encoding="utf-8").strip())]
    content = bundle.read_bytes()
    assert verify_bundle(bundle, keys, []).holds
    with zipfile.ZipFile(bundle) as held:
        members = [each for each in held.infolist() if each.file_size]
    for member in members:
        broken = bytearray(content)
        begin = content.index(member.filename.encode(), member.header_offset)
        broken[begin + len(member.filename) + member.file_size // 2] ^= 1
        path = folder / "broken.zip"
        path.write_bytes(bytes(broken))
        assert not verify_bundle(path, keys, []).holds, member.filename
        assert path.read_bytes() != content
    assert instance.verify(folder / "broken.zip") == 1
