"""A sheet of what many entitlements mean: looked at, then stored as a whole, or not at all."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from app.catalog import queries, service, sheet
from app.catalog.domain import Risk
from app.catalog.models import Entitlement
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NothingToChangeError,
    NotPermittedError,
)
from app.kernel.ledger import LedgerEntry
from web.small import Small, add_groups, add_identity, open_small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return open_small(tmp_path)


@pytest.fixture
def ids(small: Small) -> dict[str, str]:
    carol = add_identity(small, "Carol", "3")
    return {"Carol": carol, "Bob": add_identity(small, "Bob", "2"), **add_groups(small, carol)}


def plan(small: Small, text: str) -> service.Plan:
    with small.tx.read() as reading:
        return service.plan_sheet(reading, text)


def apply(small: Small, text: str, digest: str | None = None) -> service.Plan:
    wanted = plan(small, text).digest if digest is None else digest
    with small.tx.write() as uow:
        return service.apply_sheet(uow, text, wanted)


def entitlement(small: Small, public_id: str) -> queries.EntitlementRow:
    with small.tx.read() as reading:
        return queries.entitlement(reading, public_id)


def described(small: Small) -> int:
    with small.tx.read() as reading:
        counted = sa.select(sa.func.count(LedgerEntry.id)).where(
            LedgerEntry.kind == "catalog.entitlement_described"
        )
        return reading.session.scalar(counted) or 0


def test_a_sheet_is_looked_at_first_and_then_stored_as_a_whole(
    small: Small, ids: dict[str, str]
) -> None:
    text = (
        "source;name;owner;risk;tags;description\r\n"
        "corp;Payments;bob@company.example;HIGH;money; Moves; money\r\n"
    )
    with pytest.raises(InvalidInputError) as refused:  # a delimiter inside a cell is said
        plan(small, text)
    assert "Line 2" in refused.value.fields[0].message
    text = text.replace(" Moves; money", '"Moves; money"') + f"corp;Admins;{ids['Carol']};;;\r\n"
    shown = plan(small, text)
    assert (shown.changed, shown.unchanged, shown.wrong) == (2, 0, 0)
    assert [each.field for each in shown.rows[0].changes] == [
        "owner",
        "description",
        "risk",
        "tags",
    ]
    assert described(small) == 0
    apply(small, text)
    told = entitlement(small, ids["Payments"])
    assert (told.owner_name, told.risk, told.tags) == ("Bob", Risk.HIGH, ("money",))
    assert (told.description, told.source_description) == ("Moves; money", "About Payments")
    assert entitlement(small, ids["Admins"]).risk is Risk.PRIVILEGED
    assert described(small) == 2
    with pytest.raises(NothingToChangeError):
        apply(small, text)
    assert described(small) == 2


def test_each_wrong_row_says_what_is_wrong_and_nothing_is_written(
    small: Small, ids: dict[str, str]
) -> None:
    inactive = add_identity(small, "Gone", "9", is_active=False)
    text = (
        "id,source,name,owner,risk,is_requestable,tags\n"
        f"{ids['Payments']},,,bob@company.example,high,true,\n"
        "00000000-0000-0000-0000-000000000000,,,,,,\n"
        ",corp,Nothing,,,,\n"
        ",,Payments,,,,\n"
        f"{ids['Admins']},,,nobody@company.example,huge,perhaps,{'x' * 41}\n"
        f"{ids['Everyone']},,,{inactive},,,\n"
        f"{ids['Payments']},,,,,,\n"
    )
    shown = plan(small, text)
    assert shown.wrong == 6
    wrong = {each.line: [error.field for error in each.errors] for each in shown.rows}
    assert wrong == {
        2: [],
        3: ["id"],
        4: ["name"],
        5: ["id"],
        6: ["owner", "risk", "is_requestable", "tags"],
        7: ["owner"],
        8: ["id"],
    }
    with pytest.raises(InvalidInputError):
        apply(small, text)
    assert described(small) == 0


def test_the_list_as_a_file_sent_back_changes_nothing(small: Small, ids: dict[str, str]) -> None:
    with small.tx.write() as uow:
        service.describe(
            uow,
            entitlement=ids["Admins"],
            version=0,
            risk=Risk.HIGH,
            is_requestable=False,
            description="=1+1, as they say",
            tags=["a", "b"],
        )
    payments, admins = (entitlement(small, ids[name]) for name in ("Payments", "Admins"))
    text = (
        "id,owner,owner_name,description,risk,is_requestable,tags\n"
        f"{payments.id},{payments.owner},Carol,About Payments,low,true,\n"
        f'{admins.id},,,"\'=1+1, as they say",high,false,a; b\n'
    )
    shown = plan(small, text)
    assert (shown.changed, shown.unchanged, shown.wrong) == (0, 2, 0)


def test_an_empty_cell_lets_the_source_speak_again(small: Small, ids: dict[str, str]) -> None:
    apply(small, f"id,owner,description\n{ids['Payments']},2,Moves money\n")
    assert entitlement(small, ids["Payments"]).owner_name == "Bob"
    apply(small, f"id,owner,description\n{ids['Payments']},,\n")
    told = entitlement(small, ids["Payments"])
    assert (told.owner_name, told.owner_via) == ("Carol", "source")
    assert (told.description, told.description_via) == ("About Payments", "source")


def test_what_somebody_changed_since_the_preview_is_not_overwritten(
    small: Small, ids: dict[str, str]
) -> None:
    text = f"id,description\n{ids['Payments']},Moves money\n"
    looked_at = plan(small, text).digest
    with small.tx.write() as uow:
        service.describe(
            uow,
            entitlement=ids["Payments"],
            version=0,
            risk=Risk.MEDIUM,
            is_requestable=True,
            description="Another's words",
        )
    with pytest.raises(ConflictError):
        apply(small, text, looked_at)
    assert entitlement(small, ids["Payments"]).description == "Another's words"


def test_the_source_speaks_again_for_one_field_and_the_rest_stays(
    small: Small, ids: dict[str, str]
) -> None:
    apply(small, f"id,owner,description,risk\n{ids['Payments']},2,Moves money,high\n")
    with small.tx.write() as uow:
        told = service.take_from_source(
            uow, entitlement=ids["Payments"], version=1, field="description"
        )
    assert (told.description, told.owner_name, told.risk) == ("About Payments", "Bob", Risk.HIGH)
    with small.tx.write() as uow, pytest.raises(NothingToChangeError):
        service.take_from_source(uow, entitlement=ids["Payments"], version=2, field="description")
    with small.tx.write() as uow, pytest.raises(ConflictError):
        service.take_from_source(uow, entitlement=ids["Payments"], version=1, field="owner")
    with small.tx.write() as uow, pytest.raises(InvalidInputError):
        service.take_from_source(uow, entitlement=ids["Payments"], version=2, field="risk")


def test_only_those_who_write_the_catalogue_send_a_sheet(small: Small, ids: dict[str, str]) -> None:
    text = f"id,risk\n{ids['Payments']},high\n"
    auditor = Actor(ActorKind.TOKEN, "t", None, frozenset({Role.AUDITOR}))
    with small.tx.read(auditor) as reading, pytest.raises(NotPermittedError):
        service.plan_sheet(reading, text)
    with small.tx.write(auditor) as uow, pytest.raises(NotPermittedError):
        service.apply_sheet(uow, text, "")
    with small.tx.write(auditor) as uow, pytest.raises(NotPermittedError):
        service.take_from_source(uow, entitlement=ids["Payments"], version=0, field="owner")
    with small.tx.read() as reading:
        assert reading.session.scalar(sa.select(sa.func.count(Entitlement.id))) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The file is empty"),
        ("\n", "The file is empty"),
        ("id,colour\nx,red\n", "There is no column colour"),
        ("id,id,risk\nx,x,low\n", "The column id is there twice"),
        ("name,risk\nx,low\n", "A column is missing"),
        ("id,name\nx,y\n", "No column says anything"),
        ("id,risk\n", "There is no row"),
        ("id,risk\n,\n", "There is no row"),
        ('id,risk\n"x,low\n', "is not CSV"),
        ("id,risk\n" + "x,low\n" * (sheet.MOST_ROWS + 1), "at most 20000 rows"),
    ],
)
def test_what_is_no_sheet_is_said_with_the_way_out(text: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        sheet.read(text)
    assert said in refused.value.fields[0].message


def test_a_file_of_another_encoding_or_too_large_is_said() -> None:
    for content, said in (
        ("id;risk;größe".encode("latin-1"), "save it as"),
        (b"x" * (sheet.MOST_BYTES + 1), "at most 2 MiB"),
    ):
        with pytest.raises(InvalidInputError) as refused:
            sheet.decode(content)
        assert said in refused.value.fields[0].message
    assert sheet.decode("\ufeffid".encode()) == "id"
