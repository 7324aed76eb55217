"""What is said of an identity provider is refused at the start if it cannot work."""

import pytest

from app.kernel.actor import Role
from app.kernel.settings import Settings, SettingsError, is_safe_address

GIVEN = {"OIDC_ISSUER": "https://login.example.test", "OIDC_CLIENT_ID": "attestry"}
MAPPED = {**GIVEN, "OIDC_ROLES_CLAIM": "groups", "OIDC_ROLE_MAP": '{"Access admins": "admin"}'}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("ATTESTRY_HOME", str(tmp_path_factory.mktemp("home")))


def settings(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(f"ATTESTRY_{name}", value)
    return Settings.from_env()


def test_a_provider_and_its_roles_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, MAPPED)
    assert found.oidc_issuer == "https://login.example.test"
    assert found.oidc_scope == "openid email"
    assert dict(found.oidc_role_map) == {"Access admins": Role.ADMIN}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"OIDC_ROLE_MAP": '{"x": "king"}'}, "There is no role king"),
        ({"OIDC_ROLE_MAP": "admin"}, "Write JSON"),
        ({"OIDC_ROLE_MAP": '["admin"]'}, "Write JSON"),
        ({"OIDC_ROLE_MAP": '{"x": ["admin"]}'}, "Write JSON"),
        ({"OIDC_ROLE_MAP": "{}"}, "together"),
        ({"OIDC_SCOPE": "email"}, "openid"),
        ({"OIDC_ISSUER": "http://login.example.test"}, "https"),
        ({"OIDC_ISSUER": "login.example.test"}, "https"),
        ({"OIDC_ISSUER": "https://user:word@login.example.test"}, "https"),
        ({"OIDC_ISSUER": "https://login.example.test?x=1"}, "query"),
    ],
)
def test_what_cannot_work_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        settings(monkeypatch, {**MAPPED, **changes})


@pytest.mark.parametrize("missing", ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_ROLES_CLAIM"])
def test_half_a_provider_is_refused(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    given = {name: value for name, value in MAPPED.items() if name != missing}
    with pytest.raises(SettingsError, match="together"):
        settings(monkeypatch, given)


@pytest.mark.parametrize(
    ("address", "is_safe"),
    [
        ("https://login.example.test/x", True),
        ("http://127.0.0.1:80/x", True),
        ("http://[::1]/x", True),
        ("http://login.example.test/x", False),
        ("http://127.0.0.1.evil.example/", False),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://[::1", False),
        ("https://a@b/", False),
        ("https://b/#x", False),
        ("//b/", False),
    ],
)
def test_secrets_go_over_https_or_on_this_machine(address: str, is_safe: bool) -> None:
    assert is_safe_address(address) is is_safe
