"""A time-stamping authority of the tests' own: certificates made here, replies by `openssl ts`."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from evidence.certificates import KeyedCertificate
from evidence.errors import EvidenceError
from evidence.revocation import issue_list

CONFIGURATION = """\
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
LIFE = timedelta(days=3650)
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


class TimeAuthority:
    """Stamps at the machine's time; its certificates live since 2020, and none was revoked.

    Args:
        folder: Where its files are.
        purpose: What its certificate is for; another one than time-stamps makes it unfit.
        is_rsa: Its key is RSA, as `answer_at` needs it, not P-256.
    """

    def __init__(
        self,
        folder: Path,
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING,
        *,
        is_rsa: bool = False,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        root_key = ec.generate_private_key(ec.SECP256R1())
        key: Key = ec.generate_private_key(ec.SECP256R1())
        if is_rsa:
            key = rsa.generate_private_key(65537, 2048)
        root = _certificate("Time Root", "Time Root", root_key, root_key, None)
        signer = _certificate("Time Root", "Time Authority", root_key, key, purpose)
        self.anchor = root.public_bytes(Encoding.PEM)
        self.lists = issue_list(
            KeyedCertificate(self.anchor, _unlocked(root_key)), now=BEGIN, until=BEGIN + 2 * LIFE
        )
        self.asked = 0
        self.is_down = False
        (folder / "tsa.pem").write_bytes(signer.public_bytes(Encoding.PEM))
        (folder / "tsa.key").write_bytes(_unlocked(key))
        (folder / "root.pem").write_bytes(self.anchor)
        (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
        (folder / "serial").write_text("01\n")

    def answer(self, query: bytes) -> bytes:
        """Reply to a query, as HTTP would carry it."""
        self.asked += 1
        if self.is_down:
            raise OSError("nobody is there")
        (self._folder / "query").write_bytes(query)
        names = {name: str(self._folder / name) for name in ("tsa.pem", "tsa.key", "tsa.cnf")}
        command = ["openssl", "ts", "-reply", "-config", names["tsa.cnf"], "-queryfile"]
        command += [str(self._folder / "query"), "-signer", names["tsa.pem"], "-inkey"]
        command += [names["tsa.key"], "-out", str(self._folder / "reply")]
        subprocess.run(command, check=True, capture_output=True, timeout=10)
        return (self._folder / "reply").read_bytes()

    def answer_at(self, query: bytes, moment: datetime) -> bytes:
        """Reply with a time of the test's own, by pyHanko's authority for tests."""
        from asn1crypto import keys, pem, tsp  # type: ignore[import-untyped]
        from asn1crypto import x509 as asn1_x509
        from pyhanko.sign.timestamps import DummyTimeStamper

        if self.is_down:
            raise EvidenceError("the time-stamping authority did not answer (Timeout)")
        held = {
            name: pem.unarmor((self._folder / name).read_bytes())[2]
            for name in ("tsa.pem", "tsa.key")
        }
        stamper = DummyTimeStamper(
            tsa_cert=asn1_x509.Certificate.load(held["tsa.pem"]),
            tsa_key=keys.PrivateKeyInfo.load(held["tsa.key"]),
            fixed_dt=moment,
        )
        reply: bytes = stamper.request_tsa_response(tsp.TimeStampReq.load(query)).dump()
        return reply


def _unlocked(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificate(
    issuer: str,
    subject: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    key: Key,
    purpose: x509.ObjectIdentifier | None,
) -> x509.Certificate:
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (subject, issuer)
    ]
    is_root = purpose is None
    usage = x509.KeyUsage(
        digital_signature=not is_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_root,
        crl_sign=is_root,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(int.from_bytes(b"\1" + os.urandom(8), "big"))
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + LIFE * 2)
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())
