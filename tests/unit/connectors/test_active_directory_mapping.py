from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.active_directory import mapping
from connectors.ldap.entries import Entry
from connectors.records import Account, AccountKind, Group, Problem

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MANAGER = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
DOMAIN = bytes.fromhex("010500000000000515000000a065cf7e784b9b5fe77c8770")  # S-1-5-21-…, no RID


def sid(rid: int) -> bytes:
    return DOMAIN + rid.to_bytes(4, "little")


def ticks(when: datetime) -> bytes:
    return str((when - mapping.EPOCH) // timedelta(microseconds=1) * 10).encode()


def extended(guid: str, dn: str = "CN=x") -> bytes:
    return f"<GUID={guid}>;<SID=S-1-5-21-1>;{dn}".encode()


def person(**values: bytes | None) -> Entry:
    found: dict[str, Sequence[bytes]] = {
        "objectguid": [UUID(MANAGER).bytes_le],
        "objectsid": [sid(1104)],
        "samaccountname": [b"jdoe"],
        "useraccountcontrol": [b"512"],
        "primarygroupid": [b"513"],
    }
    for name, value in values.items():
        found.pop(name, None)
        if value is not None:
            found[name] = [value]
    return Entry("CN=Doe\\, Jane,DC=x", found)


def account(**values: bytes | None) -> Account:
    found = mapping.account(person(**values), NOW)
    assert isinstance(found, Account)
    return found


@given(st.uuids())
def test_an_id_is_written_as_microsoft_writes_it(value: UUID) -> None:
    assert mapping.guid(value.bytes_le) == str(value)
    assert mapping.linked([extended(str(value).upper())]) == [str(value)]
    assert mapping.linked([extended(value.hex)]) == [str(value)]


@pytest.mark.parametrize("raw", [b"", b"x" * 15, b"x" * 17])
def test_what_has_not_sixteen_bytes_is_no_id(raw: bytes) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        mapping.guid(raw)


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.binary(max_size=24))
def test_the_last_part_of_a_sid_is_that_which_is_written_last(
    last: int, count: int, rest: bytes
) -> None:
    for raw in (sid(last), bytes([1, count]) + bytes(6) + rest):
        found = mapping.rid(Entry("CN=x", {"objectsid": [raw]}))
        assert found == int(mapping.sid(raw).rsplit("-", 1)[1])


def test_a_sid_is_written_as_microsoft_writes_it() -> None:
    assert mapping.sid(sid(512)) == "S-1-5-21-2127521184-1604012920-1887927527-512"
    assert mapping.sid(bytes.fromhex("01020000000000052000000020020000")) == "S-1-5-32-544"


@pytest.mark.parametrize("value", [None, 0, 2**63 - 1, 2**63])
def test_never_is_written_in_several_ways(value: int | None) -> None:
    assert mapping.moment(value) is None


@given(st.datetimes(min_value=datetime(1601, 1, 2), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001
def test_a_moment_survives(value: datetime) -> None:
    aware = value.replace(tzinfo=UTC)
    assert mapping.moment(int(ticks(aware))) == aware


@pytest.mark.parametrize(
    ("flags", "expires", "status"),
    [
        (b"512", None, "enabled"),
        (b"514", None, "disabled"),
        (b"66050", None, "disabled"),
        (b"66048", b"0", "enabled"),
        (b"512", b"9223372036854775807", "enabled"),
        (b"512", ticks(NOW), "expired"),
        (b"512", ticks(NOW + timedelta(seconds=1)), "enabled"),
        (b"514", ticks(NOW - timedelta(days=1)), "disabled"),
        (b"528", None, "enabled"),  # locked out: it can be used again without us
    ],
)
def test_an_account_is_enabled_if_it_could_be_used_now(
    flags: bytes, expires: bytes | None, status: str
) -> None:
    found = account(useraccountcontrol=flags, accountexpires=expires)
    assert (found.status, found.is_enabled) == (status, status == "enabled")


@pytest.mark.parametrize("name", ["objectguid", "samaccountname", "useraccountcontrol"])
def test_an_account_that_cannot_be_told_or_judged_is_a_problem_and_no_guess(name: str) -> None:
    found = mapping.account(person(**{name: None}), NOW)
    assert isinstance(found, Problem)
    assert found.code == "bad_record"
    assert name in found.detail.lower()
    assert found.about == "CN=Doe\\, Jane,DC=x"


def test_flags_that_are_no_number_do_not_make_an_account_enabled() -> None:
    assert isinstance(mapping.account(person(useraccountcontrol=b"x"), NOW), Problem)


def test_a_manager_is_known_by_id_whatever_his_name_holds() -> None:
    odd = 'CN=a\\;b\\=c\\"\\, #\U0001f98a,OU=R&D\\, Labs,DC=x'
    assert account(manager=extended(MANAGER, odd)).manager_id == MANAGER
    assert account(manager=odd.encode()).manager_id is None


def test_an_employee_number_is_taken_from_either_attribute() -> None:
    assert account(employeeid=b"7", employeenumber=b"8").employee_number == "7"
    assert account(employeenumber=b"8").employee_number == "8"
    assert account().employee_number is None


def test_the_name_shown_is_the_best_there_is() -> None:
    assert account(displayname="Zoë, 李 \U0001f98a".encode(), cn=b"c").display_name == (
        "Zoë, 李 \U0001f98a"
    )
    assert account(cn=b"c").display_name == "c"
    assert account().display_name == "jdoe"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, AccountKind.PERSON),
        ({"objectsid": sid(500)}, AccountKind.SERVICE),
        ({"objectsid": sid(502)}, AccountKind.SERVICE),
        ({"serviceprincipalname": b"HTTP/x"}, AccountKind.SERVICE),
        ({"serviceprincipalname": b"HTTP/x", "employeeid": b"7"}, AccountKind.PERSON),
        ({"objectsid": None}, AccountKind.PERSON),
    ],
)
def test_a_service_is_what_came_with_the_domain_or_names_a_service_and_no_person(
    values: dict[str, bytes | None], kind: AccountKind
) -> None:
    assert account(**values).kind is kind


def group(**values: bytes) -> Group:
    raw: dict[str, Sequence[bytes]] = {"objectguid": [UUID(MANAGER).bytes_le]}
    raw |= {name: [value] for name, value in values.items()}
    found = mapping.group(Entry("CN=g", raw))
    assert isinstance(found, Group)
    return found


@pytest.mark.parametrize(
    ("raw", "is_administrative"),
    [
        (sid(512), True),
        (sid(518), True),
        (sid(519), True),
        (sid(513), False),
        (sid(1512), False),
        (bytes.fromhex("01020000000000052000000020020000"), True),  # S-1-5-32-544
        (bytes.fromhex("01020000000000052000000000020000"), False),  # S-1-5-32-512
    ],
)
def test_the_groups_that_administer_the_domain_are_known_by_their_sid(
    raw: bytes, *, is_administrative: bool
) -> None:
    assert group(objectsid=raw).is_administrative is is_administrative


@pytest.mark.parametrize(
    ("flags", "kind"),
    [(b"-2147483646", "security"), (b"2", "distribution"), (b"-2147483643", "security")],
)
def test_the_kind_of_a_group_stands_in_its_highest_bit(flags: bytes, kind: str) -> None:
    assert group(grouptype=flags).kind == kind


def test_a_group_without_id_is_a_problem() -> None:
    assert isinstance(mapping.group(Entry("CN=g", {})), Problem)


def test_values_that_do_not_tell_an_id_are_left_out() -> None:
    assert mapping.linked([extended(MANAGER), b"CN=plain,DC=x", b""]) == [MANAGER]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, ([], None)),
        ({"member": [b"a"]}, ([b"a"], None)),
        ({"member": [], "member;range=0-1499": [b"a"]}, ([b"a"], 1500)),
        ({"member;range=1500-2999": [b"a"]}, ([b"a"], 3000)),
        ({"member;range=3000-*": [b"a"]}, ([b"a"], None)),
        ({"member;range=0-*": []}, ([], None)),
    ],
)
def test_the_rest_of_a_list_is_asked_for_until_a_part_ends_in_a_star(
    values: dict[str, list[bytes]], found: tuple[list[bytes], int | None]
) -> None:
    shown, following = mapping.member_range(values)
    assert (list(shown), following) == found


def test_members_by_primary_group_are_found_from_the_accounts() -> None:
    accounts = [("a", 513), ("b", 513), ("c", 1200), ("d", 9)]
    assert mapping.primary_members(accounts, {513: "users", 1200: "staff"}) == {
        "users": ["a", "b"],
        "staff": ["c"],
    }


@pytest.mark.parametrize(
    ("classes", "values", "shown"),
    [
        ([b"user", b"computer"], {}, (AccountKind.COMPUTER, "jdoe", True)),
        ([b"user", b"computer", b"msDS-GroupManagedServiceAccount"], {},
         (AccountKind.SERVICE, "jdoe", True)),
        ([b"contact"],
         {"samaccountname": None, "useraccountcontrol": None, "objectsid": None,
          "mail": b"partner@other.test"}, (AccountKind.CONTACT, "partner@other.test", False)),
        ([b"foreignSecurityPrincipal"], {"samaccountname": None, "useraccountcontrol": None},
         (AccountKind.FOREIGN, "S-1-5-21-2127521184-1604012920-1887927527-1104", True)),
    ],
)  # fmt: skip
def test_what_is_no_person_is_an_account_of_its_own_kind(
    classes: list[bytes], values: dict[str, bytes | None], shown: tuple[AccountKind, str, bool]
) -> None:
    entry = person(**values)
    found = mapping.account(Entry(entry.dn, {**entry.values, "objectclass": classes}), NOW)
    assert isinstance(found, Account)
    assert (found.kind, found.login, found.is_enabled) == shown


def test_who_is_a_principal_of_everybody_is_called_so() -> None:
    everybody = bytes.fromhex("01010000000000050b000000")
    values = {**person().values, "objectclass": [b"foreignSecurityPrincipal"]}
    found = mapping.account(Entry("CN=S-1-5-11", {**values, "objectsid": [everybody]}), NOW)
    assert isinstance(found, Account)
    assert (found.login, found.display_name) == ("S-1-5-11", "Authenticated Users")


def test_a_last_sign_in_tells_how_late_it_may_be() -> None:
    assert account(lastlogontimestamp=ticks(NOW)).attributes["lastSignInFrom"] == mapping.LATE
    assert "lastSignInFrom" not in account().attributes


def test_where_an_account_is_kept_is_its_name_without_its_ids() -> None:
    shown = Entry(extended(MANAGER, "CN=a\\>\\;b,DC=x").decode(), person().values)
    found = mapping.account(shown, NOW)
    assert isinstance(found, Account)
    assert found.address == "CN=a\\>\\;b,DC=x"
