"""Frozen settings, read once from the environment, prefix `ATTESTRY_`.

An unknown name is refused, so that a slip of the keyboard is not a silent default. `NAME_FILE`
reads a value from a file. In production, stand-ins made for development are refused by name.
"""

import base64
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from environs import EnvValidationError, FileAwareEnv
from marshmallow import ValidationError, validate

from app.kernel.actor import Role

PREFIX = "ATTESTRY_"
FILE, PKCS11, KMS = "file", "pkcs11", "kms"
DEFAULT_ADDRESS = "http://127.0.0.1:8000"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ADDRESSEE = re.compile(r"[^\s@,:/]{1,64}@[A-Za-z0-9.-]{1,255}")
_ADDRESS = validate.URL(require_tld=False, schemes={"http", "https"})


class Mode(StrEnum):
    """What this instance is for."""

    PRODUCTION = "production"
    DEMONSTRATION = "demonstration"


class SettingsError(Exception):
    """A setting is wrong; the message names it and the way out."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the environment decides.

    Attributes:
        home: Folder for the embedded database, keys and bundles.
        database_url: SQLAlchemy address.
        base_url: Where people reach this instance; links and problem types begin with it.
        mode: Production or demonstration.
        secret_key: Signs forms and passing cookies, 32 characters or more; made if absent.
        seal_key_file: File with the key that seals source secrets and signing keys.
        signer: Where the key of documents lives: `file`, sealed in the database; `pkcs11` or `kms`.
        pkcs11_library: Path of the security module's library.
        pkcs11_token: Label of the token.
        pkcs11_key: Label of its private key, P-256 or RSA.
        pkcs11_pin: Opens the token.
        pkcs11_chain: The key's certificate and those above it, PEM, the last one the anchor.
        kms_url: Address of a key service that signs a digest (Google's `asymmetricSign`); https.
        kms_access: Path of a file with the access token for it, read each time.
        kms_chain: The key's certificate and those above it, PEM, the last one the anchor.
        oidc_issuer: The identity provider, by the address it calls itself; https. None: links only.
        oidc_client_id: Our name there.
        oidc_client_secret: Our secret there; none for a public client.
        oidc_scope: Scopes we ask the provider for, `openid` among them.
        oidc_roles_claim: The claim that holds somebody's groups or roles there, or None.
        oidc_role_map: JSON: a value of that claim to a role here; `{"Access admins": "admin"}`.
        tsa_url: RFC 3161 time-stamping authority, or None: then the time is our own word.
        tsa_ca: Its certificates, PEM; bundles carry them.
        revocation_lists: Path of a PEM file of revocation lists, read for bundles made to last.
        tsa_when_down: `refuse` to make a bundle, or `go_on` without; the report says so.
        bundle_days: How many days files of bundles are kept; None: for ever.
        smtp_url: Mail relay, or None: then notices stay in the app.
        checkpoint_to: Who outside is sent the ledger's head daily: mail addresses and webhooks.
        checkpoint_secret: Signs it for webhooks (Standard Webhooks): `whsec_` and base64.
    """

    home: Path
    database_url: str
    base_url: str = "http://127.0.0.1:8000"
    mode: Mode = Mode.PRODUCTION
    secret_key: str = field(default="", repr=False)
    seal_key_file: Path = Path("seal.key")
    signer: str = "file"
    pkcs11_library: str | None = None
    pkcs11_token: str | None = None
    pkcs11_key: str | None = None
    pkcs11_pin: str | None = field(default=None, repr=False)
    pkcs11_chain: str | None = None
    kms_url: str | None = None
    kms_access: str | None = None
    kms_chain: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    oidc_scope: str = "openid email"
    oidc_roles_claim: str | None = None
    oidc_role_map: Mapping[str, Role] = field(default_factory=dict)
    tsa_url: str | None = None
    tsa_ca: str | None = None
    revocation_lists: str | None = None
    tsa_when_down: str = "refuse"
    bundle_days: int | None = None
    smtp_url: str | None = field(default=None, repr=False)
    checkpoint_to: Sequence[str] = ()
    checkpoint_secret: str | None = field(default=None, repr=False)

    @classmethod
    def from_env(cls) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: A name is unknown or a value cannot be used; all of them are told.
        """
        _refuse_unknown(os.environ)
        env = FileAwareEnv(prefix=PREFIX, eager=False)
        home = env.path("HOME", Path("var")).resolve()
        address = env.str("BASE_URL", DEFAULT_ADDRESS, validate=_ADDRESS)
        mode = env.enum("MODE", Mode.PRODUCTION, enum=Mode, by_value=True)
        signer = env.str("SIGNER", "file", validate=validate.OneOf([FILE, PKCS11, KMS]))
        database_url = env.str("DATABASE_URL", f"sqlite:///{home / 'attestry.sqlite3'}")
        secret_key = env.str("SECRET_KEY", "", validate=_long_enough)
        seal_key_file = env.path("SEAL_KEY_FILE", home / "seal.key")
        others = {name: env.str(name.upper(), None) for name in OPTIONAL}
        scope = env.str("OIDC_SCOPE", "openid email", validate=_asks_for_openid)
        when_down = env.str("TSA_WHEN_DOWN", "refuse", validate=validate.OneOf(["refuse", "go_on"]))
        targets = env.str("CHECKPOINT_TO", "", validate=_targets)
        role_map = env.str("OIDC_ROLE_MAP", "{}", validate=_role_map)
        bundle_days = env.int("BUNDLE_DAYS", None, validate=validate.Range(1, 36_500))
        _raise_what_is_wrong(env)
        _refuse_half_a_signer(signer, others)
        _refuse_half_an_authority(others)
        _refuse_unusable_secret(others["checkpoint_secret"])
        _refuse_half_a_provider(others, role_map=role_map)
        return cls(
            home=home,
            database_url=database_url,
            base_url=address.rstrip("/"),
            mode=mode,
            secret_key=secret_key or _kept_secret(home / "secret.key"),
            seal_key_file=seal_key_file,
            signer=signer,
            oidc_scope=scope,
            oidc_role_map=_role_map(role_map),
            bundle_days=bundle_days,
            checkpoint_to=_targets(targets),
            tsa_when_down=when_down,
            **others,
        )


TOKEN = ("pkcs11_library", "pkcs11_token", "pkcs11_key", "pkcs11_pin", "pkcs11_chain")
KMS_NAMES = ("kms_url", "kms_access", "kms_chain")
HOLDERS = {PKCS11: TOKEN, KMS: KMS_NAMES}
OPTIONAL = (
    "oidc_issuer",
    "oidc_client_id",
    "oidc_client_secret",
    "oidc_roles_claim",
    *TOKEN,
    *KMS_NAMES,
    "tsa_url",
    "tsa_ca",
    "revocation_lists",
    "smtp_url",
    "checkpoint_secret",
)
SECRETS = frozenset(
    {"secret_key", "oidc_client_secret", "smtp_url", "checkpoint_secret", "pkcs11_pin"}
)
LEAST_SECRET = 32
LEAST_WEBHOOK_KEY = 24
NAMES = frozenset(
    {"HOME", "DATABASE_URL", "BASE_URL", "MODE", "SECRET_KEY", "SEAL_KEY_FILE", "SIGNER"}
    | {"OIDC_SCOPE", "OIDC_ROLE_MAP", "CHECKPOINT_TO", "TSA_WHEN_DOWN", "BUNDLE_DAYS"}
    | {name.upper() for name in OPTIONAL}
)


def _long_enough(secret: str) -> None:
    """Refuse a secret that could be guessed; none at all is made."""
    if 0 < len(secret) < LEAST_SECRET:
        raise ValidationError(f"Give {LEAST_SECRET} characters or more.")


def is_safe_address(address: str) -> bool:
    """Say whether secrets may go to an address: https, or http on this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def _targets(text: str) -> tuple[str, ...]:
    """Read who is sent the head: one or several, with commas or blanks between them."""
    found = tuple(dict.fromkeys(text.replace(",", " ").split()))
    wrong = [each for each in found if not (is_safe_address(each) or _ADDRESSEE.fullmatch(each))]
    if wrong:
        raise ValidationError(
            f"{wrong[0]} is neither a mail address nor an https address of a webhook."
        )
    return found


def _refuse_half_a_signer(signer: str, given: Mapping[str, str | None]) -> None:
    for kind, names in HOLDERS.items():
        missing = [f"ATTESTRY_{name.upper()}" for name in names if given[name] is None]
        if signer == kind and missing:
            raise SettingsError(f"ATTESTRY_SIGNER={kind} needs {', '.join(missing)}.")
        if signer != kind and len(missing) < len(names):
            raise SettingsError(
                f"A key of documents elsewhere is named, but ATTESTRY_SIGNER is {signer}: set it "
                f"to {kind}."
            )
    if signer == KMS and not is_safe_address(given["kms_url"] or ""):
        raise SettingsError("ATTESTRY_KMS_URL: Give an https address.")


def _refuse_half_an_authority(given: Mapping[str, str | None]) -> None:
    if (given["tsa_url"] is None) != (given["tsa_ca"] is None):
        raise SettingsError("Give ATTESTRY_TSA_URL and ATTESTRY_TSA_CA (or _FILE) together.")
    if given["tsa_ca"] is not None and "BEGIN CERTIFICATE" not in given["tsa_ca"]:
        raise SettingsError("ATTESTRY_TSA_CA: Give certificates as PEM.")


def _refuse_unusable_secret(secret: str | None) -> None:
    if secret is None:
        return
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if len(key) < LEAST_WEBHOOK_KEY:
        raise SettingsError(
            f"ATTESTRY_CHECKPOINT_SECRET: Give whsec_ and base64 of {LEAST_WEBHOOK_KEY} bytes or "
            "more."
        )


def _asks_for_openid(scope: str) -> None:
    if "openid" not in scope.split():
        raise ValidationError("Keep openid among them.")


def _role_map(text: str) -> Mapping[str, Role]:
    """Read which value of a claim gives which role; an unknown role is refused."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise ValidationError('Write JSON like {"Access admins": "admin"}.')
    unknown = sorted(set(found.values()) - set(Role))
    if unknown:
        known = ", ".join(Role)
        raise ValidationError(f"There is no role {', '.join(unknown)}. There are {known}.")
    return MappingProxyType({value: Role(role) for value, role in found.items()})


def _refuse_half_a_provider(given: Mapping[str, str | None], *, role_map: str) -> None:
    issuer, is_mapped = given["oidc_issuer"], bool(_role_map(role_map))
    if issuer is not None and not is_safe_address(issuer):
        raise SettingsError("ATTESTRY_OIDC_ISSUER: Give an https address.")
    if issuer is not None and "?" in issuer:
        raise SettingsError("ATTESTRY_OIDC_ISSUER: An issuer has no query.")
    if (issuer is None) != (given["oidc_client_id"] is None):
        raise SettingsError("Give ATTESTRY_OIDC_ISSUER and ATTESTRY_OIDC_CLIENT_ID together.")
    if is_mapped != (given["oidc_roles_claim"] is not None):
        raise SettingsError("Give ATTESTRY_OIDC_ROLES_CLAIM and ATTESTRY_OIDC_ROLE_MAP together.")


def meanings() -> dict[str, str]:
    """Return what each setting means, by its field: the one source of pages and documents."""
    found = {}
    for line in (Settings.__doc__ or "").splitlines():
        name, colon, meaning = line.strip().partition(": ")
        if colon and name.isidentifier():
            found[name] = meaning
    return found


def _raise_what_is_wrong(env: FileAwareEnv) -> None:
    try:
        env.seal()
    except EnvValidationError as error:
        raise SettingsError(f"Wrong settings. {error}") from error


def _refuse_unknown(values: Mapping[str, str]) -> None:
    known = {PREFIX + name for name in NAMES} | {f"{PREFIX}{name}_FILE" for name in NAMES}
    unknown = sorted(k for k in values if k.startswith(PREFIX) and k not in known)
    if unknown:
        raise SettingsError(
            f"Unknown setting {', '.join(unknown)}. Known are: "
            + ", ".join(PREFIX + name for name in sorted(NAMES))
            + "."
        )


def _kept_secret(path: Path) -> str:
    """Return the secret kept in the home, making it at first use."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
