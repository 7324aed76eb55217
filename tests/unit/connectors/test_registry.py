from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import MisconfiguredError
from connectors.guarded import Guarded
from connectors.memory.state import State, write_state
from connectors.registry import BUILT_IN, connect, kind, kind_names


def now() -> datetime:
    return datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_every_kind_that_comes_with_it_tells_its_name_and_what_it_can_be_told(name: str) -> None:
    found = kind(name)
    assert found.name == name
    assert any(key.is_required for key in found.keys)
    assert all(key.help for key in found.keys)
    assert len({key.name for key in found.keys}) == len(found.keys)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MisconfiguredError) as found:
        kind("activedirectory")
    assert found.value.key == "kind"
    assert all(name in str(found.value) for name in kind_names())


def test_a_connector_comes_guarded_and_opens_nothing_yet(tmp_path: Path) -> None:
    connector = connect("memory", {"path": str(tmp_path / "later.json")}, {}, now=now)
    assert isinstance(connector, Guarded)
    write_state(tmp_path / "later.json", State())
    assert connector.check().is_usable


def test_settings_are_checked_before_anything_is_made() -> None:
    with pytest.raises(MisconfiguredError) as found:
        connect("memory", {"pth": "x"}, {}, now=now)
    assert found.value.key == "pth"


def test_a_secret_shows_in_no_representation() -> None:
    settings = {"uri": "ldaps://dc1.example.test", "base_dn": "DC=x", "bind_dn": "svc@x"}
    connector = connect("active_directory", settings, {"password": "hunter2"}, now=now)
    inner = connector._inner  # type: ignore[attr-defined] # what the guard stands round
    assert "hunter2" not in repr(inner._client)
    assert "hunter2" not in repr(inner._config)
