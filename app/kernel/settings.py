"""Frozen settings, read once from the environment, prefix `ATTESTRY_`.

An unknown name is refused, so that a slip of the keyboard is not a silent default. `NAME_FILE`
reads a value from a file. In production, stand-ins made for development are refused by name.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from environs import Env
from marshmallow import validate

PREFIX = "ATTESTRY_"


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
        secret_key: Signs sessions and cursors.
        seal_key_file: File with the key that seals source secrets and signing keys.
        signer: Where signing keys live.
        oidc_issuer: The identity provider, or None.
        oidc_client_id: Our name there.
        oidc_client_secret: Our secret there.
        tsa_url: RFC 3161 time-stamping authority, or None.
        smtp_url: Mail relay, or None: then notices stay in the app.
    """

    home: Path
    database_url: str
    base_url: str = "http://127.0.0.1:8000"
    mode: Mode = Mode.PRODUCTION
    secret_key: str = field(default="", repr=False)
    seal_key_file: Path = Path("seal.key")
    signer: str = "file"
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    tsa_url: str | None = None
    smtp_url: str | None = field(default=None, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the environment.

        Args:
            environ: Variables to read instead of the process's own.

        Raises:
            SettingsError: A name is unknown or a value cannot be used.
        """
        env = Env(prefix=PREFIX)
        values = _with_files(dict(environ) if environ is not None else _process_environment(env))
        _refuse_unknown(values)

        def text(name: str, default: str = "") -> str:
            return values.get(PREFIX + name, default)

        home = Path(text("HOME", "var")).resolve()
        try:
            mode = Mode(text("MODE", Mode.PRODUCTION))
        except ValueError:
            raise SettingsError("ATTESTRY_MODE is production or demonstration.") from None
        if text("SIGNER", "file") not in {"file"}:
            raise SettingsError("ATTESTRY_SIGNER: this version signs with `file`.")
        base_url = text("BASE_URL", "http://127.0.0.1:8000").rstrip("/")
        _check_url("BASE_URL", base_url)
        return cls(
            home=home,
            database_url=text("DATABASE_URL", f"sqlite:///{home / 'attestry.sqlite3'}"),
            base_url=base_url,
            mode=mode,
            secret_key=text("SECRET_KEY") or _kept_secret(home / "secret.key"),
            seal_key_file=Path(text("SEAL_KEY_FILE", str(home / "seal.key"))),
            oidc_issuer=text("OIDC_ISSUER") or None,
            oidc_client_id=text("OIDC_CLIENT_ID") or None,
            oidc_client_secret=text("OIDC_CLIENT_SECRET") or None,
            tsa_url=text("TSA_URL") or None,
            smtp_url=text("SMTP_URL") or None,
        )


NAMES = frozenset(
    {
        "HOME",
        "DATABASE_URL",
        "BASE_URL",
        "MODE",
        "SECRET_KEY",
        "SEAL_KEY_FILE",
        "SIGNER",
        "OIDC_ISSUER",
        "OIDC_CLIENT_ID",
        "OIDC_CLIENT_SECRET",
        "TSA_URL",
        "SMTP_URL",
    }
)


def _process_environment(env: Env) -> dict[str, str]:
    import os

    env.read_env(path=None, recurse=False) if Path(".env").exists() else None
    return dict(os.environ)


def _with_files(values: dict[str, str]) -> dict[str, str]:
    """Resolve `NAME_FILE`, except where the name itself says that it is a file."""
    for key in [k for k in values if k.startswith(PREFIX) and k.endswith("_FILE")]:
        name = key.removesuffix("_FILE")
        if key.removeprefix(PREFIX) in NAMES:
            continue
        try:
            values[name] = Path(values.pop(key)).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{key}: the file cannot be read ({error.strerror}).") from error
    return values


def _refuse_unknown(values: Mapping[str, str]) -> None:
    known = {PREFIX + name for name in NAMES}
    unknown = sorted(k for k in values if k.startswith(PREFIX) and k not in known)
    if unknown:
        raise SettingsError(
            f"Unknown setting {', '.join(unknown)}. Known are: "
            + ", ".join(PREFIX + name for name in sorted(NAMES))
            + "."
        )


def _check_url(name: str, value: str) -> None:
    try:
        validate.URL(require_tld=False, schemes={"http", "https"})(value)
    except Exception as error:
        raise SettingsError(f"{PREFIX}{name} must be an http or https address.") from error


def _kept_secret(path: Path) -> str:
    """Return the secret kept in the home, making it at first use."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
