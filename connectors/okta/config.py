"""What an Okta source can be told, read strictly."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connectors.errors import MisconfiguredError
from connectors.port import SettingKey
from connectors.settings import as_bool

NEEDED = ("okta.users.manage", "okta.groups.manage", "okta.logs.read", "okta.sessions.manage")
APPLICATIONS, ROLES = "okta.apps.read", "okta.roles.read"
DEFAULT_SHARE = "50"
KEYS = (
    SettingKey("org_url", "https://YOUR-ORG.okta.com", is_required=True),
    SettingKey("token", "API token (SSWS).", is_secret=True),
    SettingKey("client_id", "Client of a service app, instead of a token."),
    SettingKey("private_key", "Its private key, PEM or JWK.", is_secret=True),
    SettingKey("applications", "false to leave out applications and whom they are assigned to."),
    SettingKey("roles", "false to leave out administrator roles and who bears them."),
    SettingKey("rate_share", "Per cent of each rate limit of Okta that is used, 50 by default."),
)


@dataclass(frozen=True, slots=True)
class OktaConfig:
    """An Okta source's settings.

    Attributes:
        org_url: Without a slash at the end.
        token: API token, or None.
        client_id: Service app, or None.
        private_key: Its key, or None.
        has_applications: Whether applications are read.
        has_roles: Whether administrator roles are read.
        rate_share: Which part of each rate limit is ours, above 0 and at most 1.
    """

    org_url: str
    token: str | None = field(repr=False)
    client_id: str | None
    private_key: str | None = field(repr=False)
    has_applications: bool = True
    has_roles: bool = True
    rate_share: float = 0.5

    @property
    def scopes(self) -> list[str]:
        """What a service app asks for."""
        more = ((self.has_applications, APPLICATIONS), (self.has_roles, ROLES))
        return [*NEEDED, *(scope for is_wanted, scope in more if is_wanted)]

    @property
    def account(self) -> str:
        """As whom we come, without the secret."""
        return f"service app {self.client_id}" if self.client_id else "API token"

    def for_executor(self) -> dict[str, object]:
        """Return the SDK's configuration, complete, so that it looks nowhere else for it."""
        client: dict[str, object] = {
            "orgUrl": self.org_url,
            "requestTimeout": 60,
            "rateLimit": {"maxRetries": 0},
            "proxy": None,
            "raiseException": False,
        }
        if self.token is not None:
            client |= {"authorizationMode": "SSWS", "token": self.token}
        else:
            client |= {
                "authorizationMode": "PrivateKey",
                "clientId": self.client_id,
                "privateKey": self.private_key,
                "scopes": self.scopes,
                "oauthTokenRenewalOffset": 5,
            }
        return {"client": client, "testing": {"testingDisableHttpsCheck": False}}


def read_config(settings: Mapping[str, str], secrets: Mapping[str, str]) -> OktaConfig:
    """Read settings whose keys were checked.

    Raises:
        MisconfiguredError: A value cannot be used; `key` names it.
    """
    url = settings["org_url"].strip().rstrip("/")
    parts = urlsplit(url)
    is_plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or parts.path or (parts.scheme != "https" and not is_plain):
        raise MisconfiguredError(
            "org_url is https://YOUR-ORG.okta.com (http:// only to a loopback address).",
            key="org_url",
        )
    if "-admin." in parts.hostname:
        raise MisconfiguredError("org_url: leave out -admin.", key="org_url")
    token = secrets.get("token", "").strip() or None
    client_id = settings.get("client_id", "").strip() or None
    private_key = secrets.get("private_key", "").strip() or None
    if (token is None) == (client_id is None):
        raise MisconfiguredError(
            "Give either the secret token, or client_id with the secret private_key.", key="token"
        )
    if client_id is not None and private_key is None:
        raise MisconfiguredError("client_id needs the secret private_key.", key="private_key")
    return OktaConfig(
        url,
        token,
        client_id,
        private_key,
        has_applications=as_bool(settings, "applications", default=True),
        has_roles=as_bool(settings, "roles", default=True),
        rate_share=_share(settings),
    )


def _share(settings: Mapping[str, str]) -> float:
    text = settings.get("rate_share", "").strip() or DEFAULT_SHARE
    if not text.isdecimal() or not 1 <= int(text) <= 100:  # noqa: PLR2004 - per cent
        raise MisconfiguredError("rate_share is a number from 1 to 100.", key="rate_share")
    return int(text) / 100


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
