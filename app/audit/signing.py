"""The keys of an instance: one signs the log, one signs documents. Old ones stay in the history.

Private halves are sealed under `signing-key:ID` and opened only to sign. The log's name is fixed
when its first key is made and never changes, whatever key signs for it later.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding

from app import events
from app.audit.domain import KeyPurpose
from app.audit.models import SigningKey
from app.kernel.actor import Permission
from app.kernel.db import Database
from app.kernel.errors import ConflictError, NotFoundError, NothingToChangeError
from app.kernel.ledger import HEAD, LedgerHead
from app.kernel.phrases import phrase
from app.kernel.sealed import SealKey
from app.kernel.uow import Reading, UnitOfWork
from evidence.certificates import (
    KeyedCertificate,
    SigningCredential,
    certificate_fingerprint,
    create_authority,
    issue_signer,
    load_credential,
)
from evidence.checkpoint import sign_note as make_note
from evidence.held import KeyHolder, chain_of, load_held
from evidence.keys import MemorySigner, VerifierKey, parse_vkey, verifier_key
from evidence.revocation import issue_list

ORGANIZATION = "Attestry"
ELSEWHERE = (b"pkcs11", b"kms")  # stands where a sealed private half would: it never was here
AUTHORITY_LIFE = timedelta(days=3650)
SIGNER_LIFE = timedelta(days=1095)
LONGEST_NAME = 64
END_OF_PEM = "-----END CERTIFICATE-----\n"


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """The key that signs reports and containers, ready to sign.

    Attributes:
        credential: Signs.
        signer: The signer's certificate, PEM.
        anchor: The certificate everything is held against, PEM.
        revocations: The anchor's revocation list, PEM; empty for a key held elsewhere, or made
            before there was one.
    """

    credential: SigningCredential
    signer: bytes
    anchor: bytes
    revocations: bytes = b""


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A document key held elsewhere, found to work.

    Attributes:
        kind: Who holds it: `pkcs11` or `kms`.
        credential: Signs.
        public: Its certificates in one form, whatever stands around them in the file.
    """

    kind: str
    credential: SigningCredential
    public: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the history tells of it."""

    id: str
    purpose: KeyPurpose
    name: str
    public: str
    created_at: datetime
    retired_at: datetime | None


def are_made(database: Database) -> bool:
    """Say whether an instance has signing keys; one without a schema has none."""
    if not sa.inspect(database.engine).has_table(SigningKey.__tablename__):
        return False
    with database.engine.connect() as connection:
        return connection.scalar(sa.select(SigningKey.id).limit(1)) is not None


def make_keys(uow: UnitOfWork, seal: SealKey, base_url: str) -> None:
    """Make an instance's first keys, and begin its ledger under a name of its own.

    Args:
        uow: The unit of work of `init`.
        seal: Seals the private halves.
        base_url: Where this instance is reached; its host becomes part of the log's name.
    """
    origin = f"{urlsplit(base_url).netloc}/ledger/{uow.ids.new()[-12:]}"
    uow.session.add(LedgerHead(name=HEAD, size=0))
    _make_log_key(uow, seal, origin)
    _make_document_key(uow, seal, origin)


def hold(holder: KeyHolder | None) -> HeldKey | None:
    """Find out whether a key held elsewhere works; never inside a transaction.

    Args:
        holder: Who holds it; None: it is sealed in the database.

    Raises:
        EvidenceError: It does not.
    """
    if holder is None:
        return None
    credential = load_held(holder)
    chain = b"".join(each.public_bytes(Encoding.PEM) for each in chain_of(holder))
    return HeldKey(holder.kind, credential, chain.decode("ascii"))


def rotate(
    uow: UnitOfWork, seal: SealKey, purpose: KeyPurpose, held: HeldKey | None = None
) -> KeyRow:
    """Make a new key and let the present one sign no longer; it stays in the history.

    Args:
        uow: The unit of work.
        seal: Seals the private half.
        purpose: Which of the keys.
        held: The key of documents, if it is held elsewhere, found to work; None: it is made here.

    Returns:
        The new key.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no key yet.
        NothingToChangeError: The key held elsewhere is the present one.
    """
    uow.actor.require(Permission.KEY_ROTATE)
    present = _present(uow, purpose)
    elsewhere = held if purpose is KeyPurpose.DOCUMENT else None
    if elsewhere is not None and present.public == elsewhere.public:
        raise NothingToChangeError(
            phrase("The key that is held elsewhere signs documents already.")
        )
    present.retired_at = uow.now
    uow.record(
        events.KeyRetired(
            subject=present.public_id, purpose=purpose, key_id=_key_id(purpose, present.public)
        )
    )
    if elsewhere is not None:
        return _row(_keep_held_key(uow, elsewhere, present.name))
    make = {KeyPurpose.LOG: _make_log_key, KeyPurpose.DOCUMENT: _make_document_key}[purpose]
    return _row(make(uow, seal, present.name))


def history(reading: Reading) -> Sequence[KeyRow]:
    """Return every key there was, the newest first.

    Raises:
        NotPermittedError: The actor may not read the ledger.
    """
    reading.actor.require(Permission.LEDGER_READ)
    found = reading.session.scalars(sa.select(SigningKey).order_by(SigningKey.id.desc()))
    return [_row(each) for each in found]


def log_signer(reading: Reading, seal: SealKey) -> MemorySigner:
    """Open the key that signs checkpoints and manifests.

    Raises:
        NotFoundError: There is none: `attestry init` was not run.
        SealError: It was sealed under another seal key.
    """
    key = _present(reading, KeyPurpose.LOG)
    return MemorySigner(key.name, seal.open(sealed_for(key.public_id), key.sealed))


def document_key(reading: Reading, seal: SealKey, held: HeldKey | None = None) -> DocumentKey:
    """Open the key that signs reports and containers.

    Raises:
        NotFoundError: There is none: `attestry init` was not run.
        ConflictError: It is not where the settings say.
        SealError: It was sealed under another seal key.
    """
    key = _present(reading, KeyPurpose.DOCUMENT)
    is_elsewhere = key.sealed in ELSEWHERE
    if is_elsewhere != (held is not None) or (held and key.public != held.public):
        raise ConflictError(
            "The key that signs documents is not where ATTESTRY_SIGNER says: change that setting "
            "back, or run `attestry key rotate --purpose document` to change over."
        )
    if held is not None:
        signer, anchor = split_chain(key.public)
        return DocumentKey(held.credential, signer, anchor)
    opened = seal.open_mapping(sealed_for(key.public_id), key.sealed)
    signer, anchor = split_chain(key.public)
    pair = KeyedCertificate(signer, opened["signer"].encode("ascii"))
    revocations = (key.revocation_list or "").encode("ascii")
    return DocumentKey(load_credential(pair, [anchor]), signer, anchor, revocations)


def verifier_keys(reading: Reading) -> tuple[VerifierKey, ...]:
    """Return every key that ever signed for the log, the present one first."""
    texts = reading.session.scalars(
        sa.select(SigningKey.public)
        .where(SigningKey.purpose == KeyPurpose.LOG)
        .order_by(SigningKey.id.desc())
    )
    return tuple(parse_vkey(text) for text in texts)


def present_key(reading: Reading) -> VerifierKey:
    """Return the key that signs for the log now: what outsiders are told to keep.

    Raises:
        NotPermittedError: The actor may not read the ledger.
        NotFoundError: There is none: `attestry init` was not run.
    """
    reading.actor.require(Permission.LEDGER_READ)
    return parse_vkey(_present(reading, KeyPurpose.LOG).public)


def anchor(reading: Reading) -> bytes:
    """Return the certificate that reports are held against, PEM.

    Raises:
        NotPermittedError: The actor may not read the ledger.
        NotFoundError: There is none: `attestry init` was not run.
    """
    reading.actor.require(Permission.LEDGER_READ)
    return split_chain(_present(reading, KeyPurpose.DOCUMENT).public)[1]


def anchors(reading: Reading) -> tuple[bytes, ...]:
    """Return every certificate that reports were ever held against, PEM, the present one first."""
    texts = reading.session.scalars(
        sa.select(SigningKey.public)
        .where(SigningKey.purpose == KeyPurpose.DOCUMENT)
        .order_by(SigningKey.id.desc())
    )
    return tuple(split_chain(text)[1] for text in texts)


def sign_note(reading: Reading, seal: SealKey, text: str) -> str:
    """Return a text as a note signed with the log's key (receipts).

    Raises:
        EvidenceError: The text cannot be a note's.
    """
    return make_note(text, log_signer(reading, seal)).decode()


def split_chain(public: str) -> tuple[bytes, bytes]:
    """Cut the public half of a document key into the signer's certificate and its anchor."""
    signer, end, rest = public.partition(END_OF_PEM)
    return (signer + end).encode("ascii"), rest.encode("ascii")


def _make_log_key(uow: UnitOfWork, seal: SealKey, origin: str) -> SigningKey:
    private = secrets.token_bytes(32)
    vkey = verifier_key(MemorySigner(origin, private)).vkey
    public_id = uow.ids.new()
    sealed = seal.seal(sealed_for(public_id), private)
    return _keep(uow, KeyPurpose.LOG, public_id, name=origin, public=vkey, sealed=sealed)


def _make_document_key(uow: UnitOfWork, seal: SealKey, name: str) -> SigningKey:
    host = name.partition("/")[0]
    public_id = uow.ids.new()
    authority = create_authority(
        f"Evidence of {host}"[:LONGEST_NAME],
        ORGANIZATION,
        now=uow.now,
        valid_for=AUTHORITY_LIFE,
        random=secrets.token_bytes,
    )
    signer = issue_signer(
        authority,
        f"Attestry at {host}"[:LONGEST_NAME],
        ORGANIZATION,
        now=uow.now,
        valid_for=SIGNER_LIFE,
        random=secrets.token_bytes,
    )
    # The authority's key is forgotten at once: it certifies one signer, and nobody can add another,
    # nor revoke one. Its only list says so for as long as it lives: what is to last needs it.
    nothing = issue_list(authority, now=uow.now, until=uow.now + AUTHORITY_LIFE)
    sealed = seal.seal_mapping(sealed_for(public_id), {"signer": signer.key.decode("ascii")})
    public = (signer.certificate + authority.certificate).decode("ascii")
    made = _keep(uow, KeyPurpose.DOCUMENT, public_id, name=name, public=public, sealed=sealed)
    made.revocation_list = nothing.decode("ascii")
    return made


def _keep_held_key(uow: UnitOfWork, held: HeldKey, name: str) -> SigningKey:
    public_id, sealed = uow.ids.new(), held.kind.encode("ascii")
    return _keep(uow, KeyPurpose.DOCUMENT, public_id, name=name, public=held.public, sealed=sealed)


def _keep(
    uow: UnitOfWork, purpose: KeyPurpose, public_id: str, *, name: str, public: str, sealed: bytes
) -> SigningKey:
    key = SigningKey(
        public_id=public_id,
        purpose=purpose,
        name=name,
        public=public,
        sealed=sealed,
        created_at=uow.now,
        retired_at=None,
    )
    uow.session.add(key)
    key_id = _key_id(purpose, public)
    uow.record(events.KeyMade(subject=public_id, purpose=purpose, key_id=key_id))
    return key


def _present(reading: Reading, purpose: KeyPurpose) -> SigningKey:
    key = reading.session.scalar(
        sa.select(SigningKey)
        .where(SigningKey.purpose == purpose, SigningKey.retired_at.is_(None))
        .order_by(SigningKey.id.desc())
        .limit(1)
    )
    if key is None:
        raise NotFoundError(phrase("There is no signing key: run `attestry init`."))
    return key


def _key_id(purpose: KeyPurpose, public: str) -> str:
    match purpose:
        case KeyPurpose.LOG:
            return parse_vkey(public).key_id.hex()
        case KeyPurpose.DOCUMENT:
            return certificate_fingerprint(split_chain(public)[0])


def sealed_for(public_id: str) -> str:
    """Return what the private half of a key is sealed for."""
    return f"signing-key:{public_id}"


def _row(key: SigningKey) -> KeyRow:
    return KeyRow(
        id=key.public_id,
        purpose=key.purpose,
        name=key.name,
        public=key.public,
        created_at=key.created_at,
        retired_at=key.retired_at,
    )
