"""A security module of the tests' own: SoftHSM with one P-256 key and its certificate."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evidence.certificates import KeyedCertificate, create_authority, issue_signer
from evidence.token import Token

LIBRARY = Path("/usr/lib/softhsm/libsofthsm2.so")
MISSING = "softhsm2 is not installed (make packages installs it, as root)"
PIN = "24680"
LIFE = timedelta(days=3650)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def signer_of(root: KeyedCertificate, now: datetime) -> KeyedCertificate:
    """Return a signer of an authority."""
    return issue_signer(
        root, "Seal", "Example", now=now, valid_for=timedelta(days=3000), random=os.urandom
    )


@functools.cache
def security_module() -> Token:
    """The one token of this process: the library reads what tokens there are once, when loaded."""
    folder = Path(tempfile.mkdtemp(prefix="attestry-hsm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root = create_authority("Root", "Example", now=BEGIN, valid_for=LIFE, random=os.urandom)
    signer = signer_of(root, BEGIN)
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    (folder / "key.pem").write_bytes(signer.key)
    os.environ["SOFTHSM2_CONF"] = str(folder / "conf")
    for words in (
        f"--init-token --free --label attestry --so-pin {PIN} --pin {PIN}",
        f"--import {folder / 'key.pem'} --token attestry --label seal --id a1 --pin {PIN}",
    ):
        subprocess.run(["softhsm2-util", *words.split()], check=True, capture_output=True)
    return Token(str(LIBRARY), "attestry", "seal", PIN, signer.certificate + root.certificate)
