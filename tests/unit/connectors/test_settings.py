from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import MisconfiguredError
from connectors.port import SettingKey
from connectors.settings import as_bool, as_int, check_keys

KEYS = (
    SettingKey("uri", "Where it is.", is_required=True),
    SettingKey("page_size", "How many."),
    SettingKey("password", "Its password.", is_required=True, is_secret=True),
)


def refusal(settings: Mapping[str, str], secrets: Mapping[str, str]) -> MisconfiguredError:
    with pytest.raises(MisconfiguredError) as found:
        check_keys("corp", KEYS, settings, secrets)
    return found.value


def test_what_is_known_and_complete_is_taken() -> None:
    check_keys("corp", KEYS, {"uri": "x"}, {"password": "y"})


def test_an_unknown_key_is_refused_by_name_and_the_known_ones_are_listed() -> None:
    error = refusal({"uri": "x", "ur": "y"}, {"password": "z"})
    assert error.key == "ur"
    assert "uri, page_size, password" in str(error)


@pytest.mark.parametrize("given_value", [None, "", "  \n"])
def test_a_missing_or_blank_key_is_named_with_what_it_is_for(given_value: str | None) -> None:
    settings = {} if given_value is None else {"uri": given_value}
    error = refusal(settings, {"password": "z"})
    assert error.key == "uri"
    assert "Where it is." in str(error)


def test_a_secret_in_the_open_is_refused_without_repeating_it() -> None:
    error = refusal({"uri": "x", "password": "hunter2"}, {})
    assert error.key == "password"
    assert "hunter2" not in str(error)


def test_what_is_no_secret_is_not_taken_as_one() -> None:
    assert refusal({}, {"uri": "x", "password": "z"}).key == "uri"


@pytest.mark.parametrize("value", ["true", "YES", "on", "1"])
def test_yes_is_written_in_several_ways(value: str) -> None:
    assert as_bool({"start_tls": value}, "start_tls") is True


@pytest.mark.parametrize("value", ["false", "No", "off", "0"])
def test_no_is_written_in_several_ways(value: str) -> None:
    assert as_bool({"start_tls": value}, "start_tls", default=True) is False


@pytest.mark.parametrize("value", ["", "maybe", "2", "tru"])
def test_what_is_neither_yes_nor_no_is_named(value: str) -> None:
    with pytest.raises(MisconfiguredError) as found:
        as_bool({"start_tls": value}, "start_tls")
    assert found.value.key == "start_tls"


def test_what_is_not_given_has_its_default() -> None:
    assert as_bool({}, "start_tls", default=True) is True
    assert as_int({}, "page_size", default=7, least=1, most=9) == 7


@given(st.integers(min_value=1, max_value=10_000))
def test_a_whole_number_within_its_bounds_is_itself(value: int) -> None:
    assert as_int({"n": str(value)}, "n", default=0, least=1, most=10_000) == value


@pytest.mark.parametrize("value", ["", "0", "10001", "-1", "1.5", "1e3", "²", "١", " 5", "0x10"])
def test_what_is_no_number_within_the_bounds_is_named_with_them(value: str) -> None:
    with pytest.raises(MisconfiguredError) as found:
        as_int({"n": value}, "n", default=0, least=1, most=10_000)
    assert found.value.key == "n"
    assert "from 1 to 10000" in str(found.value)
