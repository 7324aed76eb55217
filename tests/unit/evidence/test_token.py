"""A document key in a security module: SoftHSM stands for one."""

import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.cades import sign_detached
from evidence.certificates import create_authority
from evidence.cms import verify_detached, verify_pdf
from evidence.errors import EvidenceError
from evidence.held import chain_of, load_held
from evidence.pdf.render import render
from evidence.pdf.seal import seal
from evidence.token import Token
from support.security_module import LIBRARY, LIFE, MISSING, PIN, security_module, signer_of
from unit.evidence.pdf.sample import CREATED_AT, report

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=MISSING)
CONTENT = b"what is signed"
ALONE = create_authority(
    "Alone", "Else", now=CREATED_AT, valid_for=LIFE, random=os.urandom
).certificate


@pytest.fixture(scope="module")
def token() -> Token:
    return security_module()


def test_a_key_in_a_token_signs_containers_and_reports(token: Token) -> None:
    credential = load_held(token)
    anchors = [chain_of(token)[-1].public_bytes(Encoding.PEM)]
    signed = sign_detached(CONTENT, credential, CREATED_AT)
    status = verify_detached(CONTENT, signed, anchors, CREATED_AT)
    assert status.ok, status.detail
    assert verify_pdf(seal(render(report()), credential), anchors, CREATED_AT).ok


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"label": "another"}, "none labelled 'another'"),
        ({"key": "another"}, "no private key 'another'"),
        ({"pin": "13579"}, "the token refused it"),
        ({"library": "/nowhere/lib.so"}, "cannot sign"),
        ({"chain": b"no certificate"}, "not a PEM certificate"),
        ({"chain": ALONE}, "the anchor last"),
    ],
)
def test_what_is_wrong_with_a_token_is_named(
    token: Token, changed: dict[str, object], says: str
) -> None:
    with pytest.raises(EvidenceError, match=says):
        load_held(replace(token, **changed))  # type: ignore[arg-type]


def test_a_certificate_of_another_key_is_refused(token: Token) -> None:
    root = create_authority("Root", "Else", now=CREATED_AT, valid_for=LIFE, random=os.urandom)
    other = signer_of(root, CREATED_AT).certificate + root.certificate
    with pytest.raises(EvidenceError, match="does not belong"):
        load_held(replace(token, chain=other))


def test_the_pin_shows_in_no_representation_and_no_error(token: Token) -> None:
    assert PIN not in repr(token)
    with pytest.raises(EvidenceError) as refused:
        load_held(replace(token, pin="99999"))
    assert "99999" not in str(refused.value)
