"""`/evidence/bundles` and `/ledger`."""

from typing import Any

from flask import Response, send_file

from app.audit import (
    auditors,
    bundles,
    ledger,
    life,
    nonces,
    populations,
    sampling,
    schemas,
    signing,
)
from app.audit.models import Nonce
from app.kernel.uow import Reading, UnitOfWork
from app.signin import queries as signin
from app.signin.schemas import RoleAnswer
from app.web import scope
from app.web.paging import Page
from app.web.shapes import PageArgs, window

blp = scope.api("audit", "Evidence bundles, and the log they are held against.")


@blp.route("/evidence/bundles", methods=["POST"])
@scope.command(blp, schemas.BundleSchema, body=schemas.NewBundleSchema, status=202)
def ask(uow: UnitOfWork, body: dict[str, Any]) -> bundles.BundleRow:
    """Ask for a bundle of a campaign or a period."""
    return bundles.request(uow, bundles.Wish(**body))


@blp.route("/evidence/bundles", methods=["GET"])
@scope.query(blp, schemas.BundlePage, args=PageArgs)
def list_bundles(reading: Reading, args: dict[str, Any]) -> Page[bundles.BundleRow]:
    """The bundles, newest first."""
    return bundles.list_bundles(reading, window(args))


@blp.route("/evidence/bundles/<bundle_id>", methods=["GET"])
@scope.query(blp, schemas.BundleSchema)
def show_bundle(reading: Reading, bundle_id: str) -> bundles.BundleRow:
    """One bundle: its state, and its checks."""
    return bundles.find_bundle(reading, bundle_id)


@blp.route("/evidence/bundles/<bundle_id>/download", methods=["GET"])
@blp.response(200, {"format": "binary", "type": "string"}, content_type="application/zip")  # type: ignore[untyped-decorator]
def download(bundle_id: str) -> Response:
    """The file; that somebody took it away is recorded."""
    with scope.writing() as uow:
        path = bundles.take_away(uow, bundle_id, scope.doors().settings.home)
    name = f"attestry-{bundle_id}.zip"
    return send_file(path, "application/zip", as_attachment=True, download_name=name)


@blp.route("/evidence/samples", methods=["POST"])
@scope.command(blp, schemas.SampleSchema, body=schemas.NewSampleSchema, status=201)
def draw_sample(uow: UnitOfWork, body: dict[str, Any]) -> sampling.SampleRow:
    """Draw a sample by a seed of your own; anyone can draw it again."""
    return sampling.draw_sample(uow, populations.SampleWish(**body))


@blp.route("/evidence/samples", methods=["GET"])
@scope.query(blp, schemas.SamplePage, args=PageArgs)
def list_samples(reading: Reading, args: dict[str, Any]) -> Page[sampling.SampleRow]:
    """The samples, newest first."""
    return sampling.list_samples(reading, window(args))


@blp.route("/evidence/samples/<sample_id>", methods=["GET"])
@scope.query(blp, schemas.SampleSchema)
def show_sample(reading: Reading, sample_id: str) -> sampling.SampleRow:
    """One sample with what was drawn."""
    return sampling.find_sample(reading, sample_id)


@blp.route("/evidence/access", methods=["GET"])
@scope.query(blp, schemas.LifeSchema, args=schemas.LifeArgs)
def show_life(reading: Reading, args: dict[str, Any]) -> life.Life:
    """The life of one access: asked, approved, done, read back, reviewed."""
    return life.life_of(reading, args["account"], args["group"], args["as_of"])


@blp.route("/evidence/nonces", methods=["POST"])
@scope.command(blp, schemas.GivenNonceSchema, body=schemas.NonceSchema, status=201)
def give_nonce(uow: UnitOfWork, body: dict[str, Any]) -> Nonce:
    """Give a word of your own before a campaign closes; it comes under the signed root."""
    return nonces.give_nonce(uow, campaign_id=body["campaign"], nonce=body["nonce"])


@blp.route("/auditors", methods=["POST"])
@scope.command(blp, RoleAnswer, body=schemas.AdmissionSchema, status=201)
def admit_auditor(uow: UnitOfWork, body: dict[str, Any]) -> signin.RoleRow | None:
    """Give a person the role auditor, limited to campaigns, or to a period and controls in it."""
    granted = auditors.admit(uow, auditors.Admission(**body))
    return signin.role_row(uow, granted.public_id)


@blp.route("/ledger/checkpoint", methods=["GET"])
@scope.query(blp, schemas.HeadSchema)
def show_checkpoint(reading: Reading) -> ledger.HeadRow:
    """The signed head of the log: a C2SP checkpoint."""
    return ledger.checkpoint(reading)


@blp.route("/ledger/key", methods=["GET"])
@scope.query(blp, schemas.KeySchema)
def show_key(reading: Reading) -> dict[str, Any]:
    """The key to keep, and every key before it."""
    key = signing.present_key(reading)
    return {
        "vkey": key.vkey,
        "fingerprint": key.fingerprint,
        "ca": signing.anchor(reading).decode(),
        "history": signing.history(reading),
    }


@blp.route("/ledger/entries", methods=["GET"])
@scope.query(blp, schemas.EntryPage, args=schemas.EntryArgs)
def list_entries(reading: Reading, args: dict[str, Any]) -> Page[ledger.EntryRow]:
    """Numbered entries, in order, with their exact bytes."""
    found = window(args)
    return ledger.entries(reading, found, kind=args["kind"], subject=args["subject"])


@blp.route("/ledger/proofs/inclusion", methods=["GET"])
@scope.query(blp, schemas.InclusionSchema, args=schemas.InclusionArgs)
def prove_inclusion(reading: Reading, args: dict[str, Any]) -> ledger.InclusionRow:
    """The proof that an entry is in the log."""
    return ledger.prove_inclusion(reading, args["entry"], args["size"])


@blp.route("/ledger/proofs/consistency", methods=["GET"])
@scope.query(blp, schemas.ConsistencySchema, args=schemas.ConsistencyArgs)
def prove_consistency(reading: Reading, args: dict[str, Any]) -> ledger.ConsistencyRow:
    """The proof that the log only grew."""
    return ledger.prove_consistency(reading, args["old"], args["new"])
