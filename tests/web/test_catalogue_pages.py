"""Pages of the catalogue: what groups mean, one by one and by a sheet of many."""

import io
import re
from html import unescape
from typing import Any

from app.kernel.ledger import LedgerEntry
from support.cast import PEOPLE, Cast
from support.visitor import Visitor, token_of


def visitor(cast: Cast, who: str = "olga") -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE[who][0])


def entitlement(cast: Cast, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cast.call("olga").get(f"/entitlements?q={name}")["items"][0]
    return found


def preview(olga: Visitor, text: str) -> str:
    token = token_of(olga.page("/entitlements/sheet"))
    answer = olga.client.post(
        "/entitlements/sheet/preview",
        data={"csrf": token, "sheet": (io.BytesIO(text.encode()), "catalogue.csv")},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code in {200, 422}
    return answer.get_data(as_text=True)


def told(cast: Cast) -> int:
    with cast.house.read() as reading:
        found: int = (
            reading.session.query(LedgerEntry)
            .filter(LedgerEntry.kind == "catalog.entitlement_described")
            .count()
        )
        return found


def test_the_catalogue_is_narrowed_by_name_risk_tag_and_what_nobody_can_explain(
    cast: Cast,
) -> None:
    olga = visitor(cast)
    assert ">payroll<" in olga.page("/entitlements").lower()
    narrowed = olga.page("/entitlements?q=payr&risk=low")
    assert f'href="/entitlements/{entitlement(cast, "payroll")["id"]}"' in narrowed
    assert "No entry is found by this" in olga.page("/entitlements?tag=nothing")
    text = olga.page("/entitlements?unexplained=true")
    listed = len(re.findall(r'<a class="lnk b" href="/entitlements/', text))
    counted = re.findall(r'Nobody can explain <span class="num mute">(\d+)', text)
    assert counted == [str(listed)]
    olga.page("/entitlements?risk=huge", 422)


def test_the_catalogue_is_taken_as_a_file_which_is_recorded(cast: Cast) -> None:
    olga = visitor(cast)
    answer = olga.submit("/entitlements/file", {"q": "payroll"}, on="/entitlements")
    assert answer.headers["Content-Disposition"].endswith("attestry-catalogue.csv")
    lines = answer.get_data(as_text=True).splitlines()
    assert lines[0].startswith("\ufeffid,source,name,owner,")
    assert len(lines) == 3  # one in each source
    again = preview(olga, "\r\n".join(lines))
    assert "There is nothing to write." in again


def test_what_is_typed_is_kept_with_its_error_at_the_field(cast: Cast) -> None:
    olga = visitor(cast)
    it = entitlement(cast, "payroll")
    path = f"/entitlements/{it['id']}"
    typed = {"version": "0", "risk": "high", "owner": "nobody@x", "description": "Pays <all>"}
    answer = olga.submit(path, typed, on=path)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Nobody has this id" in text.split('id="f-owner-error"')[1]
    assert "Pays &lt;all&gt;" in text
    assert told(cast) == 0


def test_somebody_elses_words_are_shown_and_not_overwritten(cast: Cast) -> None:
    olga, frank = visitor(cast), visitor(cast, "frank")
    path = f"/entitlements/{entitlement(cast, 'payroll')['id']}"
    first = {"version": "0", "risk": "high", "owner": "", "description": "First", "tags": "a, b"}
    assert frank.submit(path, first, on=path).status_code == 303
    answer = olga.submit(path, {**first, "description": "Second"}, on=path)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "This is what stands there now:" in text
    assert "<bdi>First</bdi>" in text
    assert ">Second</textarea>" in text
    version = re.findall(r'name="version" value="(\d+)"', text)[0]
    second = {**first, "description": "Second", "version": version}
    assert olga.submit(path, second, on=path).status_code == 303
    assert entitlement(cast, "payroll")["description"] == "Second"
    again = {**second, "version": str(int(version) + 1)}
    assert olga.submit(path, again, on=path).status_code == 409  # it says so already
    assert told(cast) == 2


def test_the_source_speaks_again_at_a_click(cast: Cast) -> None:
    olga = visitor(cast)
    path = f"/entitlements/{entitlement(cast, 'payroll')['id']}"
    typed = {"version": "0", "risk": "low", "description": "Ours", "owner": PEOPLE["bob"][0]}
    assert olga.submit(path, typed, on=path).status_code == 303
    assert "Take its description" in olga.page(path)
    answer = olga.submit(f"{path}/from-source", {"version": "1", "field": "owner"}, on=path)
    assert answer.status_code == 303
    text = olga.page(path)
    assert "Take its owner" not in text
    assert "Take its description" in text


def test_a_sheet_is_shown_before_it_is_written_and_as_it_was_shown(cast: Cast) -> None:
    olga = visitor(cast)
    it = entitlement(cast, "payroll")
    text = preview(olga, f"id;risk;tags\r\n{it['id']};privileged;money; pay\r\n")
    assert "has more cells than the header" in text
    text = preview(olga, f'id;risk;tags\r\n{it["id"]};privileged;"money; pay"\r\nx;low;\r\n')
    assert "No group has this id now" in text
    assert "Change 1 entry" not in text
    text = preview(olga, f'id;risk;tags\r\n{it["id"]};privileged;"money; pay"\r\n')
    assert "Change 1 entry" in text
    assert told(cast) == 0
    digest = re.findall(r'name="digest" value="([0-9a-f]+)"', text)[0]
    sent = unescape(text.split('<textarea name="sheet" hidden>\n')[1].split("</textarea>")[0])
    form = {"digest": digest, "sheet": sent}
    assert olga.submit("/entitlements/sheet", form, on="/entitlements/sheet").status_code == 303
    assert entitlement(cast, "payroll")["tags"] == ["money", "pay"]
    assert told(cast) == 1
    answer = olga.submit("/entitlements/sheet", form, on="/entitlements/sheet")
    assert answer.status_code == 409
    assert told(cast) == 1


def test_a_sheet_larger_than_other_forms_is_written_as_it_was_shown(cast: Cast) -> None:
    blanks = f"{' ' * 100}\n" * 7_000
    sheet = {"sheet": f"id,risk\n{entitlement(cast, 'payroll')['id']},high\n{blanks}"}
    digest = cast.call("olga").post("/entitlements/sheet/preview", sheet, 200)["digest"]
    form = {**sheet, "digest": digest}
    answer = visitor(cast).submit("/entitlements/sheet", form, on="/entitlements/sheet")
    assert answer.status_code == 303
    assert entitlement(cast, "payroll")["risk"] == "high"


def test_the_same_by_the_api(cast: Cast) -> None:
    olga = cast.call("olga")
    sheet = {"sheet": f"id,risk\n{entitlement(cast, 'payroll')['id']},high\nx,low\n"}
    shown = olga.post("/entitlements/sheet/preview", sheet, 200)
    assert (shown["changed"], shown["wrong"]) == (1, 1)
    assert [each["line"] for each in shown["rows"]] == [3, 2]
    assert shown["rows"][0]["errors"][0]["field"] == "id"
    olga.post("/entitlements/sheet", {**sheet, "digest": shown["digest"]}, 422)
    good = {"sheet": sheet["sheet"].replace("x,low\n", "")}
    olga.post("/entitlements/sheet", {**good, "digest": "0" * 64}, 409)
    digest = olga.post("/entitlements/sheet/preview", good, 200)["digest"]
    olga.post("/entitlements/sheet", {**good, "digest": digest}, 200)
    assert entitlement(cast, "payroll")["risk"] == "high"
    cast.call("dana").post("/entitlements/sheet/preview", good, 403)


def test_whoever_may_not_write_the_catalogue_reads_it_without_a_form(cast: Cast) -> None:
    dana = visitor(cast, "dana")
    path = f"/entitlements/{entitlement(cast, 'payroll')['id']}"
    assert f'action="{path}"' not in dana.page(path)
    dana.page("/entitlements/sheet", 403)
    assert dana.submit(path, {"version": "0", "risk": "low"}, on="/").status_code == 403
    alice = visitor(cast, "alice")
    alice.page("/entitlements", 403)
