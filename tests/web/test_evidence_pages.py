"""Pages of evidence: what an auditor asks for, takes away, checks, and looks up."""

import hashlib
import io
import json
import random
import re
import zipfile
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.audit import bundles, inspecting, queries, signing
from app.audit.controls import CONTROLS
from app.audit.domain import BundleState, KeyPurpose
from app.audit.models import Bundle
from app.kernel.ledger import LedgerEntry
from app.web import bodies
from app.web.paging import Window
from evidence.container import read_container, write_container
from evidence.standalone import attestry_verify
from integration.audit.test_bundles import built, path_of, whole_period
from support.cast import Cast
from support.house import MORNING
from support.statements import counted
from support.visitor import Visitor
from unit.evidence.sample_bundle import KEY
from unit.evidence.sample_bundle import bundle as foreign_bundle
from web.matrix import NOBODY

AUDITOR, STRANGER = "1004", "1006"


def visitor(cast: Cast, who: str = AUDITOR) -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, who)


@pytest.fixture
def auditor(cast: Cast) -> Visitor:
    return visitor(cast)


@pytest.fixture
def ready(cast: Cast) -> bundles.BundleRow:
    cast.house.later(minutes=5)
    row = built(cast.house, whole_period(cast.house))
    assert row.state is BundleState.READY, row.why
    return row


def content_of(cast: Cast, row: bundles.BundleRow) -> bytes:
    return path_of(cast.house, row).read_bytes()


def drop(who: Visitor, content: bytes, name: str = "bundle.zip", key: str = "") -> TestResponse:
    """Send a file to be checked."""
    return who.submit("/verify", {"file": (io.BytesIO(content), name), "key": key}, on="/verify")


def told(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


# --- bundles -----------------------------------------------------------------------------------


def test_without_a_bundle_the_list_says_what_one_is(auditor: Visitor) -> None:
    text = auditor.page("/evidence")
    assert "No bundle was made yet" in text
    assert "Make the first one" in text


def test_a_bundle_is_asked_for_built_and_listed_with_its_verdict(
    cast: Cast, auditor: Visitor
) -> None:
    today = cast.house.clock.now().date().isoformat()
    answer = auditor.submit(
        "/evidence/new", {"about": "period", "from": "2026-01-01", "to": today}, on="/evidence/new"
    )
    assert answer.status_code == 303, told(answer)
    path = answer.headers["Location"]
    cast.house.drain()
    text = auditor.page(path)
    assert "Verified when it was built." in text
    assert "SOC 2" in text
    assert "data/ledger.jsonl" in text
    listed = auditor.page("/evidence")
    assert f'href="{path}"' in listed
    assert "All 19 checks hold" in listed


def test_while_it_is_built_the_page_says_how_far_it_is_and_then_comes_anew(
    cast: Cast, auditor: Visitor
) -> None:
    with cast.house.write() as uow:
        asked = bundles.request(uow, whole_period_of(cast))
    path = f"/evidence/{asked.id}"
    text = auditor.page(path)
    assert f'hx-get="{path}/now"' in text
    assert "waits for a worker" in text
    part = auditor.get(f"{path}/now", HX_Request="true")
    assert "<html" not in told(part)
    assert "HX-Refresh" not in part.headers
    cast.house.drain()
    assert auditor.get(f"{path}/now", HX_Request="true").headers["HX-Refresh"] == "true"
    assert "hx-get" not in auditor.page(path)


def whole_period_of(cast: Cast) -> bundles.Wish:
    return bundles.Wish(start=MORNING - timedelta(days=1), end=cast.house.clock.now())


def test_a_bundle_that_failed_says_why_and_is_built_anew(cast: Cast, auditor: Visitor) -> None:
    cast.house.later(minutes=5)
    (cast.house.home / bundles.FOLDER).mkdir(exist_ok=True)
    with cast.house.write() as uow:
        asked = bundles.request(uow, whole_period_of(cast), is_built_here=True)
        uow.session.query(Bundle).filter_by(public_id=asked.id).update(
            {"state": BundleState.FAILED, "why": "The disk is <full>."}
        )
    path = f"/evidence/{asked.id}"
    text = auditor.page(path)
    assert "The disk is &lt;full&gt;." in text
    answer = auditor.submit(f"{path}/again", on=path)
    assert answer.status_code == 303
    cast.house.drain()
    assert "Verified when it was built." in auditor.page(answer.headers["Location"])
    refused = auditor.submit(f"{answer.headers['Location']}/again", on=path)
    assert refused.status_code == 409
    assert "only a failed one is built again" in told(refused)


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ({"about": "campaign"}, "campaign", "Choose a campaign."),
        ({"about": "campaign", "campaign": NOBODY}, "campaign", "There is no such campaign."),
        ({"about": "campaign", "campaign": "\u202ex🦊"}, "campaign", ""),
        ({"about": "period"}, "campaign", "Give a campaign, or a period"),
        (
            {"about": "period", "from": "2026-02-01", "to": "2026-01-01"},
            "from",
            "must begin before",
        ),
        (
            {"about": "period", "from": "2999-01-01", "to": "2999-02-01"},
            "from",
            "must begin before",
        ),
        ({"about": "period", "from": "<b>", "to": "9999-12-31"}, "from", "Write it like"),
        (
            {"about": "period", "from": "2026-01-01", "to": "2026-01-02", "controls": "MADE-UP"},
            "controls.0",
            "Unknown; one of",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_and_makes_no_bundle(
    auditor: Visitor, sent: dict[str, str], field: str, words: str
) -> None:
    answer = auditor.submit("/evidence/new", sent, on="/evidence/new")
    text = told(answer)
    assert answer.status_code == 422
    assert words in text
    if field in {"campaign", "from"} and field in sent:
        assert f'id="f-{field}-error"' in text
    assert "No bundle was made yet" in auditor.page("/evidence")


def test_the_address_fills_the_form(auditor: Visitor) -> None:
    text = auditor.page("/evidence/new?from=2026-01-01&to=2026-03-31")
    assert 'value="2026-01-01"' in text
    assert 'value="2026-03-31"' in text
    assert auditor.page(f"/evidence/new?campaign={NOBODY}")
    assert auditor.page("/evidence/new?from=%E2%80%AE&to=x&about=y")


def test_whoever_may_not_sees_no_bundle_and_takes_none_away(
    cast: Cast, ready: bundles.BundleRow
) -> None:
    mallory = visitor(cast, STRANGER)
    path = f"/evidence/{ready.id}"
    for each in ("/evidence", "/evidence/new", path, f"{path}/now", "/ledger"):
        assert mallory.get(each).status_code == 403, each
    for each in ("/evidence/new", f"{path}/download", f"{path}/check", f"{path}/again"):
        assert mallory.submit(each, {"about": "period"}).status_code == 403, each


@pytest.mark.parametrize("verb", ["download", "check", "again"])
def test_nothing_is_done_to_a_bundle_that_is_not_there(auditor: Visitor, verb: str) -> None:
    assert auditor.submit(f"/evidence/{NOBODY}/{verb}").status_code == 404
    assert auditor.get(f"/evidence/{NOBODY}").status_code == 404


def test_a_bundle_is_taken_away_whole_and_the_page_says_by_whom(
    cast: Cast, auditor: Visitor, ready: bundles.BundleRow
) -> None:
    path = f"/evidence/{ready.id}"
    assert "Nobody downloaded it yet" in auditor.page(path)
    answer = auditor.submit(f"{path}/download", on=path)
    assert answer.status_code == 200
    assert answer.get_data() == content_of(cast, ready)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    answer.close()
    text = auditor.page(path)
    assert "1 time" in text
    assert "Dana" in text


def exceptions_told(text: str, row: bundles.BundleRow) -> dict[str, str]:
    """Return what stands under Exceptions, by control."""
    found = re.findall(r'data-label="Exceptions">(.*?)</td>', text, re.DOTALL)
    plain = [re.sub(r"<.*?>", "", each).strip() for each in found]
    return dict(zip(row.controls, plain, strict=True))


def test_each_control_says_its_exceptions_as_the_file_itself_does(
    cast: Cast, auditor: Visitor
) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    cast.house.later(minutes=5)
    row = built(cast.house, whole_period(cast.house))
    text = auditor.page(f"/evidence/{row.id}")
    with zipfile.ZipFile(path_of(cast.house, row)) as bundle:
        result = json.loads(bundle.read("oscal/assessment-results.json"))
    lines = result["assessment-results"]["results"][0]["observations"]
    states = {each["title"].partition(":")[0]: each["props"][1]["value"] for each in lines}
    assert states["F4"] == "exception"
    assert 'id="line-F4"' in text
    shown = exceptions_told(text, row)
    for name in row.controls:
        control = CONTROLS[name]
        bad = [each for each in control.lines if states[each] == "exception"]
        if bad:
            assert shown[name].split()[0] == str(len(bad)), name
            assert all(each in shown[name] for each in bad), name
        elif any(states[each] == "answered" for each in control.telling):
            assert shown[name] == "None found", name
        else:
            assert shown[name] == "Nothing to answer from", name
    assert "None found" in shown.values()


def test_a_bundle_of_nothing_says_so_on_its_page_in_both_languages(
    cast: Cast, auditor: Visitor
) -> None:
    before = bundles.Wish(start=MORNING - timedelta(days=2), end=MORNING - timedelta(days=1))
    row = built(cast.house, before)
    text = auditor.page(f"/evidence/{row.id}")
    assert "There was nothing to look at." in text
    assert "No read of a source belongs to this bundle" in unescape(text)
    clean = {name for name, said in exceptions_told(text, row).items() if said == "None found"}
    assert clean == {"ISO27001-A.8.15", "NIST-800-53-AU-9"}  # these ask for the seals alone
    words = {"zone": "Europe/Berlin", "language": "de"}
    assert auditor.submit("/account/preferences", words, on="/account").status_code == 303
    text = auditor.page(f"/evidence/{row.id}")
    assert "Es gab nichts anzusehen." in text
    assert "There was nothing to look at." not in text


def test_where_the_file_does_not_say_its_exceptions_none_are_claimed(
    cast: Cast, auditor: Visitor, ready: bundles.BundleRow
) -> None:
    path = path_of(cast.house, ready)
    content = bytearray(path.read_bytes())
    with memoryview(bytes(content)) as view:
        member = read_container(view)["oscal/assessment-results.json"]
    content[member.start + 40] ^= 1
    path.write_bytes(content)
    shown = exceptions_told(auditor.page(f"/evidence/{ready.id}"), ready)
    assert set(shown.values()) == {"Not known"}


def test_a_bundle_that_is_not_ready_is_not_handed_over(cast: Cast, auditor: Visitor) -> None:
    with cast.house.write() as uow:
        asked = bundles.request(uow, whole_period_of(cast), is_built_here=True)
    path = f"/evidence/{asked.id}"
    for verb in ("download", "check"):
        answer = auditor.submit(f"{path}/{verb}", on=path)
        assert answer.status_code == 409, verb


def test_a_stored_bundle_is_checked_again_as_it_is_now(
    cast: Cast, auditor: Visitor, ready: bundles.BundleRow
) -> None:
    path = f"/evidence/{ready.id}"
    assert "Verified. Nothing has changed" in told(auditor.submit(f"{path}/check", on=path))
    file = path_of(cast.house, ready)
    file.write_bytes(altered_row(file.read_bytes()))
    text = told(auditor.submit(f"{path}/check", on=path))
    assert "data/population.jsonl: row 1 was altered" in text
    file.write_bytes(b"PK\3\4 no more")
    assert "gone, or cannot be read" in auditor.page(path)
    assert "The stored file does not hold." in told(auditor.submit(f"{path}/check", on=path))
    file.unlink()
    assert auditor.submit(f"{path}/check", on=path).status_code == 409
    assert auditor.submit(f"{path}/download", on=path).status_code == 404


# --- checking a file ------------------------------------------------------------------------


def members_of(content: bytes) -> dict[str, bytes]:
    with memoryview(content) as view:
        return {
            each.name: bytes(view[each.start : each.start + each.size])
            for each in read_container(view).values()
        }


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    write_container(out, files.items())
    return out.getvalue()


def altered_row(content: bytes, path: str = "data/population.jsonl") -> bytes:
    """Alter a letter in the first row of a data file, as somebody would who covers their tracks."""
    files = members_of(content)
    at = files[path].index(b'":"') + 3
    letter = b"X" if files[path][at : at + 1] != b"X" else b"Y"
    return packed(files | {path: files[path][:at] + letter + files[path][at + 1 :]})


def test_a_bundle_of_ours_holds_and_says_by_whose_key(
    cast: Cast, auditor: Visitor, ready: bundles.BundleRow
) -> None:
    text = told(drop(auditor, content_of(cast, ready)))
    assert "It holds. Nothing has changed since it was signed." in text
    assert "this instance signed it" in text
    assert text.count('class="passed"') == 19
    with cast.house.read() as reading:
        assert signing.present_key(reading).fingerprint in text


def test_everybody_who_is_signed_in_may_check_a_file(cast: Cast, ready: bundles.BundleRow) -> None:
    assert "It holds." in told(drop(visitor(cast, STRANGER), content_of(cast, ready)))


def test_nothing_is_kept_of_a_file_that_was_checked(cast: Cast, ready: bundles.BundleRow) -> None:
    content, before = content_of(cast, ready), sorted(cast.house.home.rglob("*"))
    person = visitor(cast, STRANGER)
    with counted(cast.house) as statements:
        drop(person, content)
    assert [each for each in statements if each.startswith(("INSERT", "DELETE"))] == []
    assert sorted(cast.house.home.rglob("*")) == before


def test_an_altered_row_is_named(cast: Cast, auditor: Visitor, ready: bundles.BundleRow) -> None:
    answer = drop(auditor, altered_row(content_of(cast, ready)))
    text = told(answer)
    assert answer.status_code == 200
    assert "It does not hold. Do not rely on any part of it." in text
    assert "data/population.jsonl: row 1 was altered" in text
    assert "Nothing has changed" not in text


def test_an_altered_row_is_named_also_when_the_bundle_was_packed_anew(
    cast: Cast, auditor: Visitor, ready: bundles.BundleRow
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members_of(altered_row(content_of(cast, ready))).items():
            archive.writestr(name, content)
    text = told(drop(auditor, out.getvalue()))
    assert "It does not hold." in text
    assert "data/population.jsonl: row 1 was altered" in text


def test_a_byte_altered_in_any_file_is_told_with_the_file(
    cast: Cast, auditor: Visitor, ready: bundles.BundleRow
) -> None:
    files = members_of(content_of(cast, ready))
    pick, token = random.Random(7), auditor.csrf("/verify")
    for name, content in files.items():
        if not content:
            continue
        at = pick.randrange(len(content))
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        answer = auditor.submit(
            "/verify", {"file": (io.BytesIO(packed(files | {name: changed})), name)}, csrf=token
        )
        text = told(answer)
        assert "It does not hold." in text, name
        assert name in text, name


def test_a_bundle_of_another_instance_is_intact_but_of_nobody_known(auditor: Visitor) -> None:
    text = told(drop(auditor, foreign_bundle()))
    assert "Intact, but its signer is not known here." in text
    assert KEY.fingerprint in text
    assert "It holds." not in text


def test_a_bundle_of_another_instance_holds_with_the_key_one_has_from_there(
    auditor: Visitor,
) -> None:
    text = told(drop(auditor, foreign_bundle(), key=f"\r\n{KEY.vkey}\r\n"))
    assert "the signer is the one whose key you gave" in text


def test_a_bundle_of_ours_does_not_hold_with_anothers_key(
    cast: Cast, auditor: Visitor, ready: bundles.BundleRow
) -> None:
    text = told(drop(auditor, content_of(cast, ready), key=KEY.vkey))
    assert "signed by another key than the one given" in text


def test_a_bundle_from_before_the_keys_were_changed_holds(
    cast: Cast, auditor: Visitor, ready: bundles.BundleRow
) -> None:
    with cast.house.write() as uow:
        signing.rotate(uow, cast.house.house.seal, KeyPurpose.LOG)
        signing.rotate(uow, cast.house.house.seal, KeyPurpose.DOCUMENT)
    assert "this instance signed it" in told(drop(auditor, content_of(cast, ready)))


def deflated(name: str, size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"\0" * size)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"not a zip", "not a bundle"),
        (b"%PDF-1.7 a report", "not a bundle"),
        (b"\x1f\x8b\x08" + b"\0" * 100, "not a bundle"),
    ],
)
def test_what_is_no_bundle_is_told_at_the_field(
    auditor: Visitor, content: bytes, words: str
) -> None:
    answer = drop(auditor, content)
    text = told(answer)
    assert answer.status_code == 422
    assert words in text
    assert 'aria-invalid="true"' in text
    assert "It holds." not in text


def test_a_zip_that_unfolds_to_a_gibibyte_is_refused_without_unfolding(auditor: Visitor) -> None:
    bomb = deflated("data/population.jsonl", 64 << 20)
    assert len(bomb) < 1 << 20
    text = told(drop(auditor, bomb))
    assert "It does not hold." in text
    assert "Container" in text


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_file_that_was_cut_off_does_not_hold(
    cast: Cast, auditor: Visitor, ready: bundles.BundleRow, share: float
) -> None:
    content = content_of(cast, ready)
    text = told(drop(auditor, content[: int(len(content) * share)]))
    assert "It does not hold." in text
    assert "cut off" in text


def test_the_verifier_of_one_file_is_given_to_everybody_and_is_the_published_one(
    cast: Cast, auditor: Visitor
) -> None:
    answer = Visitor(cast.house.app()).client.get("/verify/attestry_verify.py")
    assert answer.status_code == 200
    digest = hashlib.sha256(answer.data).hexdigest()
    assert digest == hashlib.sha256(Path(attestry_verify.__file__).read_bytes()).hexdigest()
    assert digest in told(auditor.get("/verify"))


def test_no_file_and_no_key_are_told_at_their_fields(auditor: Visitor) -> None:
    answer = auditor.submit("/verify", {"key": "x"}, on="/verify")
    assert answer.status_code == 422
    assert "Choose a file." in told(answer)
    answer = drop(auditor, foreign_bundle(), key="not <b>a key</b>")
    assert answer.status_code == 422
    assert "Not a key" in told(answer)
    assert "not &lt;b&gt;a key&lt;/b&gt;" in told(answer)
    assert drop(auditor, foreign_bundle(), key=f"{KEY.vkey}\n" * 51).status_code == 422


@pytest.mark.parametrize(
    "name", ["\u202efdp.exe.zip", "🦊.zip", "../../etc/passwd", "<script>alert(1)</script>.zip"]
)
def test_any_name_of_a_file_is_shown_as_text(auditor: Visitor, name: str) -> None:
    text = told(drop(auditor, foreign_bundle(), name))
    assert "Intact" in text
    assert "<script>alert" not in text
    assert "\u202e" not in text


def test_a_file_that_is_too_large_is_refused_before_it_is_read(auditor: Visitor) -> None:
    token = auditor.csrf("/verify")
    answer = auditor.client.post(
        "/verify",
        data=b"x",
        headers={"X-CSRF-Token": token, "Content-Type": "multipart/form-data; boundary=b"},
        environ_overrides={"CONTENT_LENGTH": str(bodies.MAX_UPLOAD + 1)},
    )
    assert answer.status_code == 413
    assert "at most 65 MiB" in told(answer)


def test_only_the_page_that_takes_files_takes_large_bodies(auditor: Visitor) -> None:
    answer = auditor.submit(
        "/evidence/new", {"about": "x" * (bodies.MAX_BYTES + 1)}, on="/evidence/new"
    )
    assert answer.status_code == 413


def test_a_file_of_megabytes_is_taken(auditor: Visitor) -> None:
    head = (
        f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{auditor.csrf("/verify")}\r\n'
    )
    head += '--b\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
    body = head.encode() + b"PK\3\4" + b"\0" * (3 << 20) + b"\r\n--b--\r\n"
    sent = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = auditor.client.post("/verify", data=body, headers=sent)
    assert "It does not hold." in told(answer)


def test_a_file_sent_from_elsewhere_or_without_a_session_is_not_checked(
    cast: Cast, auditor: Visitor
) -> None:
    answer = auditor.submit(
        "/verify", {"file": (io.BytesIO(foreign_bundle()), "a.zip")}, csrf="forged"
    )
    assert answer.status_code == 403
    nobody = Visitor(cast.house.app())
    answer = nobody.client.post("/verify", data={"file": (io.BytesIO(foreign_bundle()), "a.zip")})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=%2Fverify")


def test_files_are_checked_two_at_a_time(auditor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspecting, "PATIENCE_SECONDS", 0)
    with inspecting.turn(), inspecting.turn():
        answer = drop(auditor, foreign_bundle())
        assert answer.status_code == 429
        assert "Try again in a moment" in told(answer)
    assert drop(auditor, foreign_bundle()).status_code == 200


# --- the ledger --------------------------------------------------------------------------------


def test_before_anything_is_sealed_the_ledger_says_so(auditor: Visitor) -> None:
    text = auditor.page("/ledger")
    assert "Nothing was sealed yet" in text
    assert "Nothing is numbered yet" in text


def test_the_ledger_is_told_newest_first_page_by_page(cast: Cast, auditor: Visitor) -> None:
    cast.house.tick()
    with cast.house.read() as reading:
        head = queries.head(reading)
        assert head is not None
        first = queries.list_entries(reading, Window(limit=3), queries.Wanted())
        assert [each.index for each in first.items] == [head.size - n for n in (1, 2, 3)]
        rest = queries.list_entries(
            reading, Window(limit=500, cursor=first.next_cursor), queries.Wanted()
        )
        assert [each.index for each in rest.items] == list(range(head.size - 4, -1, -1))
    text = auditor.page("/ledger")
    assert head.root.hex() in text
    assert f'href="/ledger/{first.items[0].id}"' in text


def test_the_ledger_is_filtered_by_kind_subject_and_days(cast: Cast, auditor: Visitor) -> None:
    cast.house.tick()
    with cast.house.read() as reading:
        newest = queries.list_entries(reading, Window(limit=1), queries.Wanted()).items[0]
        same = queries.list_entries(reading, Window(), queries.Wanted(subject=newest.subject))
        assert {each.subject for each in same.items} == {newest.subject}
        before = queries.Wanted(end=MORNING - timedelta(days=1))
        assert not queries.list_entries(reading, Window(), before).items
        since = queries.Wanted(start=MORNING - timedelta(days=1))
        assert queries.list_entries(reading, Window(), since).items
    text = auditor.page(f"/ledger?kind={newest.kind}&subject={newest.subject}")
    assert f'href="/ledger/{newest.id}"' in text
    assert "No entry is of this kind" in auditor.page("/ledger?kind=made.up")
    assert "No entry is of this kind" in auditor.page("/ledger?from=1999-01-01&to=1999-12-31")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("from=2026-02-01&to=2026-01-01", "The last day comes before the first one."),
        ("from=yesterday", "Write it like"),
        ("to=9999-12-31", "Write it like"),
        (f"subject={'x' * 61}", "At most"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_told_at_its_field(
    auditor: Visitor, args: str, words: str
) -> None:
    assert words in auditor.page(f"/ledger?{args}")


def test_a_cursor_of_another_list_is_refused(auditor: Visitor) -> None:
    assert auditor.get("/ledger?cursor=bm9uc2Vuc2U").status_code == 422


def test_an_entry_has_its_exact_text_and_its_proof(cast: Cast, auditor: Visitor) -> None:
    cast.house.tick()
    with cast.house.read() as reading:
        line = queries.list_entries(reading, Window(limit=1), queries.Wanted()).items[0]
        proof = queries.entry_page(reading, line.id).proof
    text = auditor.page(f"/ledger/{line.id}")
    for each in (proof.leaf, proof.root, *proof.hashes):
        assert each.hex() in text
    assert "subject" in text
    assert auditor.get(f"/ledger/{NOBODY}").status_code == 404


# --- what it costs -----------------------------------------------------------------------------


def statements_of(cast: Cast, look: Any) -> int:
    with cast.house.read() as reading, counted(cast.house) as sent:
        look(reading)
    return len(sent)


def test_lists_cost_the_same_with_one_row_as_with_many(
    cast: Cast, ready: bundles.BundleRow
) -> None:
    home = cast.house.home
    looks = (
        lambda reading: queries.list_lines(reading, Window()),
        lambda reading: queries.bundle_page(reading, ready.id, home),
        lambda reading: queries.list_entries(reading, Window(), queries.Wanted()),
        queries.head,
        queries.choices,
    )
    before = [statements_of(cast, each) for each in looks]
    for _ in range(3):
        with cast.house.write() as uow:
            bundles.request(uow, whole_period_of(cast), is_built_here=True)
        with cast.house.write() as uow:
            bundles.take_away(uow, ready.id, home)
    cast.house.tick()
    assert [statements_of(cast, each) for each in looks] == before
    assert max(before) <= 5


def test_an_auditor_asks_who_had_a_group_on_a_day_and_the_look_tells_group_and_day(
    cast: Cast, auditor: Visitor
) -> None:
    cast.house.later(minutes=5)
    before = cast.house.clock.now()
    cast.house.later(minutes=5)
    cast.take("corp", "payroll", "eve")
    cast.sync("corp")
    payroll = cast.group("corp", "payroll").public_id
    day = f"{before:%Y-%m-%dT%H:%M}"
    eve = cast.identity("eve").public_id
    assert eve not in auditor.page(f"/groups/{payroll}")
    then = auditor.page(f"/groups/{payroll}?as_of={day}")
    assert "This shows the past." in then
    assert eve in then
    with cast.house.read() as reading:
        body = reading.session.scalars(
            sa.select(LedgerEntry.body)
            .where(LedgerEntry.kind == "audit.looked")
            .order_by(LedgerEntry.id.desc())
        ).first()
    told = json.loads(body or b"{}")["data"]
    assert set(told["about"].values()) == {payroll, day}
