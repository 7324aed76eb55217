"""The whole way in a browser: two directories, a request, a leaver, 500 decisions, the evidence.

A Samba Active Directory and the Okta simulator with 2,000 people each stand at the ends. What is
said to have happened is read from the directories themselves. HR speaks by the API, as HR does.
"""

import base64
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browsing import DESK
from support.instance import Instance, free_port
from support.servers.okta import OktaSimulator, Start
from support.servers.samba_ad import SambaAd, needed

# Its small twins: the proof by command line and API, and the pages of each persona.
pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(600)]
PATIENCE = 60_000
SOON = "2026-01-01T00:00:00Z"
TEAMS, SIZE = 10, 50
TEMPLATE = "The big team"
SIGNED_OFF = "Signed off"


@pytest.fixture
def samba() -> Iterator[SambaAd]:
    """A controller of this test alone."""
    with needed() as controller:
        yield controller


@pytest.fixture
def okta(samba: SambaAd, start_okta: Start) -> OktaSimulator:
    """A simulator that describes the same people as the domain controller."""
    return start_okta(samba.truth, groups="200", memberships="12000")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    found = Instance(tmp_path, f"sqlite:///{tmp_path / 'attestry.sqlite3'}", free_port())
    yield found
    found.stop()


class Company:
    """Who was planted, and the windows they have open."""

    def __init__(self, instance: Instance, samba: SambaAd, browser: Browser) -> None:
        self.instance, self.samba, self.browser = instance, samba, browser
        lines = samba.truth.read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        self.by_dn = {each["dn"]: each for each in records}
        self.users = [each for each in records if each["kind"] == "user" and each.get("mail")]
        self.groups = [each for each in records if each["kind"] == "group"]
        self.said: list[str] = []

    def window(self, link: str) -> Page:
        """Open a window of somebody, and sign in by a link."""
        page = self.browser.new_context(viewport=DESK).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(link)
        page.locator("main form button").first.click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    def enter(self, user: dict[str, Any]) -> Page:
        """Let somebody in; the operator of the machine hands them a link."""
        made = self.instance.attestry("link", "create", "--for", user["employeeID"], "--json")
        return self.window(made["sign_in_link"])

    def go(self, page: Page, path: str) -> None:
        """Open a page of the instance."""
        page.goto(self.instance.url + path)


def test_the_whole_way_by_everybodys_own_pages(
    instance: Instance, samba: SambaAd, okta: OktaSimulator, browser: Browser, tmp_path: Path
) -> None:
    company = Company(instance, samba, browser)
    head = plant_a_big_team(company)
    first = instance.attestry("init", "--admin", "ada@example.test", "--json")
    instance.start()
    operator, auditor = company.users[300], company.users[301]
    admin = company.window(first["sign_in_link"])
    connect(company, admin, "ad", "active_directory", samba.settings, samba.secrets)
    give_role(company, admin, operator, "operator")
    give_role(company, admin, auditor, "auditor")
    desk = company.enter(operator)
    connect(company, desk, "okta", "okta", okta.settings, okta.secrets)
    ask_and_approve(company)
    let_somebody_leave(company, desk, okta)
    campaign = launch(company, desk)
    review(company, head, campaign)
    close(company, desk, campaign)
    take_the_evidence(company, company.enter(auditor), campaign, tmp_path)
    assert not company.said, "\n".join(company.said)


# --- before anything is connected -----------------------------------------------------


def plant_a_big_team(company: Company) -> dict[str, Any]:
    """Give one head fifty reports and ten groups of theirs: 500 decisions; returns the head."""
    head: dict[str, Any] = next(each for each in company.users[200:] if is_usual(each))
    reports = [each for each in company.users[700:] if is_usual(each)][:SIZE]
    lines = []
    for each in reports:
        lines += [named("dn", each["dn"]), "changetype: modify", "replace: manager"]
        lines += [named("manager", head["dn"]), ""]
    parent = company.groups[60]["dn"].split(",", 1)[1]
    for place in range(TEAMS):
        lines += [named("dn", f"CN=Team {place:02},{parent}"), "changetype: add"]
        lines += ["objectClass: group", f"sAMAccountName: Team {place:02}"]
        lines += [named("managedBy", head["dn"])]
        lines += [named("member", each["dn"]) for each in reports] + [""]
    company.samba.change("\n".join(lines) + "\n")
    return head


def is_usual(user: dict[str, Any]) -> bool:
    return bool(user["enabled"] and not user.get("accountExpires") and user["dn"].isascii())


def named(key: str, value: str) -> str:
    """Return a line of LDIF for any text."""
    return f"{key}:: {base64.b64encode(value.encode()).decode()}"


# --- connect and read -----------------------------------------------------------------


def connect(
    company: Company,
    page: Page,
    name: str,
    kind: str,
    settings: dict[str, str],
    secrets: dict[str, str],
) -> None:
    """Connect a source, read it for the first time, and watch it to its end."""
    company.go(page, "/sources")
    page.get_by_role("link", name="Connect a source").first.click()
    page.locator(f'a[href="/sources/new?kind={kind}"]').click()
    page.locator('[name="name"]').fill(name)
    for key, value in {**settings, **secrets}.items():
        page.locator(f'[name="key.{key}"]').fill(value)
    page.get_by_role("button", name="Check and connect").click()
    page.get_by_role("button", name="Read it now").click()
    expect(page.locator("main h1")).to_contain_text(name)
    expect(page.locator("main .badge", has_text="Complete").first).to_be_visible(timeout=PATIENCE)


def give_role(company: Company, page: Page, user: dict[str, Any], role: str) -> None:
    company.go(page, "/people")
    page.locator('[name="who"]').fill(user["employeeID"])
    page.locator('[name="role"]').select_option(role)
    page.get_by_role("button", name="Give the role").click()
    expect(page.locator("main table")).to_contain_text(user["displayName"])


# --- ask and approve ------------------------------------------------------------------


def ask_and_approve(company: Company) -> None:
    group = next(
        each
        for each in company.groups[60:]
        if each.get("managedBy") and each["member"] and company.by_dn[each["managedBy"]]["enabled"]
    )
    user = next(
        each
        for each in company.users[400:]
        if is_usual(each)
        and each["dn"] not in group["member"]
        and company.by_dn[each["manager"]]["enabled"]
    )
    page = company.enter(user)
    company.go(page, "/requests/new")
    page.locator('main [name="q"]').fill(group["sAMAccountName"])
    page.locator('main [name="q"]').press("Enter")
    page.get_by_role("link", name=group["sAMAccountName"], exact=False).first.click()
    page.get_by_label("Why", exact=True).fill("Month-end closing")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_text("Sent. You are told at each step.")).to_be_visible()
    address = page.url
    assert not company.samba.is_member(user["sAMAccountName"], group["dn"])
    approvers = {user["manager"], group["managedBy"]}
    for dn in sorted(approvers, key=lambda each: each != user["manager"]):
        approve(company, company.by_dn[dn], user)
    page.goto(address)
    company.instance.until(lambda: is_done(page), "the request is done")
    assert company.samba.is_member(user["sAMAccountName"], group["dn"])


def approve(company: Company, approver: dict[str, Any], user: dict[str, Any]) -> None:
    page = company.enter(approver)
    company.go(page, "/approvals")
    page.locator('main a[href^="/approvals/"]').first.click()
    expect(page.locator("main")).to_contain_text(user["displayName"])
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".notice, #toast").first).to_be_visible()


def is_done(page: Page) -> bool:
    page.reload()
    return page.locator("#main .badge").first.inner_text() == "Done"


# --- leave ----------------------------------------------------------------------------


def let_somebody_leave(company: Company, desk: Page, okta: OktaSimulator) -> None:
    user = next(
        each
        for each in company.users[1500:]
        if is_usual(each) and okta.status_of(each["mail"]) == "ACTIVE"
    )
    token = company.instance.attestry("token", "create", "--role", "hr", "--json")["token"]
    event = {"event_id": "leaver-1", "type": "leaver", "employee_number": user["employeeID"]}
    company.instance.post("/hr/events", token, {**event, "effective_at": SOON})

    def is_cut_off() -> bool:
        return company.samba.is_disabled(user["sAMAccountName"]) and (
            okta.status_of(user["mail"]) == "SUSPENDED"
        )

    company.instance.until(is_cut_off, "the leaver is cut off in both directories")
    company.go(desk, "/leavers")
    expect(desk.locator("main")).to_contain_text(user["displayName"])


# --- review ---------------------------------------------------------------------------


def launch(company: Company, desk: Page) -> str:
    """Make a template of the team's groups, look at what it means, and launch it."""
    company.go(desk, "/campaign-templates/new")
    desk.locator('[name="name"]').fill(TEMPLATE)
    lines = "\n".join(f"ad/Team {place:02}" for place in range(TEAMS))
    desk.locator('[name="groups"]').fill(lines)
    desk.get_by_role("button", name="Save").click()
    desk.get_by_role("button", name=f"Launch: put {TEAMS * SIZE} items").click()
    expect(desk.locator("main h1")).to_contain_text(TEMPLATE)
    expect(desk.locator("main")).to_contain_text("one reviewer")
    return desk.url.rsplit("/", 1)[1]


def review(company: Company, head: dict[str, Any], campaign: str) -> None:
    """Decide 500 items by keyboard alone: the first is revoked, the others are kept."""
    page = company.enter(head)
    company.go(page, f"/reviews/{campaign}?show=all")
    expect(page.locator("#ctx h2")).to_be_visible()
    page.keyboard.press("r")
    page.keyboard.type("No longer in that team.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    for _ in range(TEAMS * SIZE - 1):
        page.keyboard.press("a")
    sign = page.locator("#sign")
    expect(sign).to_be_enabled(timeout=PATIENCE)
    sign.focus()
    page.keyboard.press("Enter")
    go = page.get_by_role("dialog").get_by_role("button", name="Sign off")
    expect(go).to_be_visible(timeout=PATIENCE)  # first every decision is taken in
    go.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text(SIGNED_OFF, timeout=PATIENCE)


def close(company: Company, desk: Page, campaign: str) -> None:
    """Wait until the revoke is read back, see it in the directory, and close."""

    def is_confirmed() -> bool:
        company.go(desk, f"/campaigns/{campaign}")
        return "1 read back as gone" in desk.locator("main").inner_text()

    company.instance.until(is_confirmed, "the revoke is read back")
    teams = [company.samba.find(f"Team {place:02}", "member") or {} for place in range(TEAMS)]
    members = sum(len(each["member"]) for each in teams)
    assert members == TEAMS * SIZE - 1
    desk.get_by_role("button", name="Close the campaign").click()
    expect(desk.locator("main")).to_contain_text("Every item was answered.")


# --- evidence -------------------------------------------------------------------------


def take_the_evidence(company: Company, page: Page, campaign: str, folder: Path) -> None:
    """Build and download a bundle, verify it offline, and drop a tampered one on the page."""
    company.go(page, f"/evidence/new?campaign={campaign}")
    page.get_by_role("button", name="Make the bundle").click()
    button = page.get_by_role("button", name="Download bundle")
    expect(button).to_be_visible(timeout=PATIENCE)
    with page.expect_download() as waiting:
        button.click()
    bundle = folder / "bundle.zip"
    waiting.value.save_as(bundle)
    assert company.instance.verify(bundle) == 0
    drop(company, page, bundle)
    expect(page.locator("#verdict")).to_contain_text("It holds.")
    broken, name, row = tampered(bundle, folder)
    assert company.instance.verify(broken) == 1
    drop(company, page, broken)
    expect(page.locator("#verdict")).to_contain_text("It does not hold.")
    expect(page.locator(".altered")).to_contain_text(name)
    expect(page.locator(".altered")).to_contain_text(str(row))


def drop(company: Company, page: Page, bundle: Path) -> None:
    """Drop a file on the page where files are verified."""
    company.go(page, "/verify")
    content = base64.b64encode(bundle.read_bytes()).decode()
    carried = page.evaluate_handle(
        """([text, name]) => {
          const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
          const carried = new DataTransfer();
          carried.items.add(new File([bytes], name, {type: "application/zip"}));
          return carried;
        }""",
        [content, bundle.name],
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": carried})
    if page.locator("#verdict").count() == 0:
        page.get_by_role("button", name="Check it").click()
    expect(page.locator("#verdict")).to_be_visible(timeout=PATIENCE)


def tampered(bundle: Path, folder: Path) -> tuple[Path, str, int]:
    """Change one decision in one row; returns the copy, the file and the number of the row."""
    name, row = "data/decisions.jsonl", 250
    path = folder / "tampered.zip"
    with zipfile.ZipFile(bundle) as held, zipfile.ZipFile(path, "w") as made:
        names = held.namelist()
        assert name in names, names
        for member in held.infolist():
            content = held.read(member)
            if member.filename == name:
                lines = content.splitlines(keepends=True)
                lines[row - 1] = lines[row - 1].replace(b'"keep"', b'"revo"', 1)
                content = b"".join(lines)
            made.writestr(member, content)
    return path, name, row
