"""Odd names come through unharmed from the directory to PDF, JSON and CSV."""

import base64
import csv
import io
import json
import shutil
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from app.audit import bundles, signing
from evidence.verify import verify_bundle
from integration.real.conftest import Site
from support.servers.samba_ad import SambaAd, read_truth

pytestmark = pytest.mark.enable_socket
FORMULA = "=cmd|' /C calc'!A0"
ODD = {
    "odd.rtl": "مرحبا בעולם",
    "odd.emoji": 'Fox 🦊, the "Quick" #1',
    "odd.formula": FORMULA,
}


@pytest.fixture(scope="module")
def controller(controller: SambaAd) -> SambaAd:
    """With people and a group of odd names beside those that were planted."""
    base = controller.environment["AD_BASE_DN"]
    for number, (login, name) in enumerate(ODD.items()):
        shown = base64.b64encode(name.encode()).decode()
        controller.change(
            f"""dn: CN={login},CN=Users,{base}
changetype: add
objectClass: user
sAMAccountName: {login}
displayName:: {shown}
employeeID: 99{number:05d}
userAccountControl: 544
"""
        )
    joined = "\n".join(f"member: CN={login},CN=Users,{base}" for login in ODD)
    controller.change(
        f"""dn: CN=\\=Sum \\+ \\"Group\\"\\, \\#1,CN=Users,{base}
changetype: add
objectClass: group
sAMAccountName: odd.group
{joined}
"""
    )
    return controller


@pytest.fixture
def bundle(site: Site) -> Path:
    site.connect()
    assert site.sync() == "complete"
    site.house.later(hours=1)
    with site.house.write() as uow:
        now = site.house.clock.now()
        row = bundles.request(uow, bundles.Wish(start=now - timedelta(days=2), end=now))
    site.house.drain()
    with site.house.read() as reading:
        built = bundles.find_bundle(reading, row.id)
        key = signing.present_key(reading)
    assert built.state.value == "ready", built.why
    path = bundles.bundle_path(site.house.home, row.id)
    assert verify_bundle(path, [key]).exit_code == 0
    return path


def test_every_name_of_the_directory_stands_in_the_bundle_as_it_is_there(
    bundle: Path, controller: SambaAd, tmp_path: Path
) -> None:
    with zipfile.ZipFile(bundle) as held:
        rows = [json.loads(line) for line in held.read("data/population.jsonl").splitlines()]
        cells = list(csv.DictReader(io.StringIO(held.read("data/population.csv").decode())))
        (tmp_path / "report.pdf").write_bytes(held.read("report.pdf"))
    names = {row.get("account_name") for row in rows}
    planted = {each["displayName"] for each in read_truth(controller.truth)[:11]}
    assert {each for each in planted if each} <= names
    assert set(ODD.values()) <= names
    assert '=Sum + "Group", #1' in {row.get("group_name") for row in rows}
    shown = {cell["account_name"] for cell in cells} | {cell["group_name"] for cell in cells}
    assert not [each for each in shown if each[:1] in "=+-@\t\r" and each]
    assert f"'{FORMULA}" in shown
    assert len(cells) == len(rows)
    assert shutil.which("pdftotext")
    text = subprocess.run(
        ["pdftotext", "-raw", str(tmp_path / "report.pdf"), "-"],
        capture_output=True,
        check=True,
        timeout=120,
    ).stdout.decode()
    for name in ("Doe, Jane", 'Quo"te', "Plus+Sign", "#hash first", "Ярослав, Мудрый"):
        assert name in text, name
