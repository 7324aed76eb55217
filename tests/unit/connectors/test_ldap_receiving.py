"""The own receive loop gives what ldap3's decoder gives, and believes no length."""

import copy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ldap3 import MOCK_SYNC, Connection, Server
from ldap3.core.exceptions import LDAPSocketReceiveError
from ldap3.operation.search import search_result_entry_response_to_dict_fast
from ldap3.strategy.base import RESPONSE_COMPLETE, SESSION_TERMINATED_BY_SERVER
from ldap3.utils.asn1 import decode_message_fast

from connectors.ldap.receiving import MOST, MalformedError, receive

NUMBER = 7
decode: Any = decode_message_fast
stock_entry: Any = search_result_entry_response_to_dict_fast


def ber(tag: int, content: bytes) -> bytes:
    """X.690: tag, length, content."""
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(size)]) + size + content


def message(operation: bytes, number: int = NUMBER) -> bytes:
    return ber(0x30, ber(2, bytes([number])) + operation)


def entry(name: str, values: dict[str, list[bytes]]) -> bytes:
    attributes = b"".join(
        ber(
            0x30, ber(4, key.title().encode()) + ber(0x31, b"".join(ber(4, each) for each in found))
        )
        for key, found in values.items()
    )
    return ber(0x64, ber(4, name.encode()) + ber(0x30, attributes))


DONE = message(ber(0x65, ber(10, b"\0") + ber(4, b"") + ber(4, b"")))
NOTICE = message(
    ber(0x78, ber(10, b"\x34") + ber(4, b"") + ber(4, b"") + ber(0x8A, b"1.3.6.1.4.1.1466.20036")),
    number=0,
)


@dataclass
class Line:
    """A socket that gives its bytes in parts."""

    parts: list[bytes] = field(default_factory=list)

    def recv(self, _size: int) -> bytes:
        if not self.parts:
            raise TimeoutError("timed out")
        return self.parts.pop(0)


def strategy(*parts: bytes) -> Any:
    """ldap3's strategy, with a line of ours."""
    made = Connection(Server("nowhere.test"), client_strategy=MOCK_SYNC).strategy
    return SimpleNamespace(
        connection=SimpleNamespace(socket=Line(list(parts))),
        decode_response_fast=made.decode_response_fast,
    )


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}(;range=0-[0-9]{1,3})?", fullmatch=True)
ENTRIES = st.tuples(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=150),
    st.dictionaries(NAMES, st.lists(st.binary(max_size=300), max_size=4), max_size=4),
)


@given(st.lists(ENTRIES, max_size=5), st.data())
@settings(max_examples=60)
def test_however_the_bytes_arrive_each_entry_is_what_ldap3_makes_of_it(
    planted: list[tuple[str, dict[str, list[bytes]]]], data: st.DataObject
) -> None:
    messages = [message(entry(name, values)) for name, values in planted]
    wire = b"".join([*messages, DONE])
    cuts = sorted(data.draw(st.sets(st.integers(1, len(wire) - 1), max_size=6)))
    parts = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    *found, done, end = receive(strategy(*parts), NUMBER)
    assert end == RESPONSE_COMPLETE
    assert done["result"] == 0
    for each, raw in zip(found, messages, strict=True):
        payload = decode(raw)["payload"]
        stock = stock_entry(payload, None, None, check_names=False)
        assert each["dn"] == stock["raw_dn"].decode()
        lowered = {key.lower(): found or [] for key, found in stock["raw_attributes"].items()}
        assert each["raw_attributes"] == lowered


@given(st.binary(min_size=1, max_size=80))
def test_no_bytes_at_all_make_it_do_anything_but_refuse(noise: bytes) -> None:
    with pytest.raises((MalformedError, LDAPSocketReceiveError)):
        receive(strategy(message(ber(0x64, noise)), b"\x30\x84\xff\xff\xff\xff"), NUMBER)


@given(st.integers(7, 60), st.integers(0, 255))
def test_a_spoilt_entry_is_refused_or_read_within_its_bounds(place: int, value: int) -> None:
    good = bytearray(message(entry("CN=x", {"cn": [b"one", b"two"], "sn": [b"three" * 40]})))
    assert good[6] == 0x64
    good[place] = value
    try:
        found, *_ = receive(strategy(bytes(good), DONE), NUMBER)
        held = [each for values in found["raw_attributes"].values() for each in values]
    except MalformedError:
        return
    assert sum(map(len, held)) <= len(good)


def test_an_entry_stands_for_its_copy_and_has_nothing_but_its_name_and_values() -> None:
    found, *_ = receive(strategy(message(entry("CN=x", {"cn": [b"one"]})), DONE), NUMBER)
    assert copy.deepcopy(found) is found
    assert (found["dn"], found["raw_attributes"]) == ("CN=x", {"cn": [b"one"]})
    with pytest.raises(KeyError):
        found["attributes"]


def test_an_answer_to_another_request_ends_the_connection() -> None:
    with pytest.raises(LDAPSocketReceiveError, match="messageId"):
        receive(strategy(message(entry("CN=x", {}), number=NUMBER + 1), DONE), NUMBER)


@pytest.mark.parametrize("parts", [(NOTICE,), (b"",), (DONE + NOTICE,)])
def test_a_server_that_takes_its_leave_is_told_as_such(parts: tuple[bytes, ...]) -> None:
    assert receive(strategy(*parts), NUMBER) == SESSION_TERMINATED_BY_SERVER


def test_a_length_without_end_is_refused_before_it_is_waited_for() -> None:
    with pytest.raises(MalformedError, match="longer"):
        receive(strategy(b"\x30\x84" + (MOST + 1).to_bytes(4, "big")), NUMBER)
    with pytest.raises(MalformedError, match="usable"):
        receive(strategy(b"\x30\x80\x00\x00"), NUMBER)


def test_a_line_that_falls_silent_is_told_as_such() -> None:
    with pytest.raises(LDAPSocketReceiveError, match="timed out"):
        receive(strategy(DONE[:5]), NUMBER)
