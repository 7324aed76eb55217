"""The job that makes a bundle: it is written, checked, and only then put where it is seen."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from app import events
from app.audit import progress, sampling, sealing, signing
from app.audit.building import Order, build
from app.audit.bundles import FOLDER, REDACTED, bundle_path, find
from app.audit.circumstances import Custody
from app.audit.domain import BundleState
from app.audit.progress import Step
from app.audit.scope import PeriodScope, Scope, campaign_scope
from app.audit.stamping import Authority
from app.audit.stamping import begin as begin_stamping
from app.kernel.errors import AttestryError
from app.kernel.sealed import SealError, SealKey
from app.kernel.uow import Reading, Transactions
from evidence.errors import EvidenceError
from evidence.held import KeyHolder
from evidence.said import to_json
from evidence.verify import Report, verify_bundle


def run_build(
    tx: Transactions,
    seal: SealKey,
    home: Path,
    payload: Mapping[str, str],
    authority: Authority | None = None,
    key_holder: KeyHolder | None = None,
) -> None:
    """Build a bundle that was asked for, and check it; the runner of `build_bundle` jobs.

    Doing it again is harmless: what is ready stays as it is.

    Args:
        tx: The store.
        seal: Opens the signing keys.
        home: Bundles are kept in its folder `bundles`.
        payload: `bundle`, a public id.
        authority: Who stamps its signatures, or nobody.
        key_holder: Who holds the key of documents, if it is not in the database.
    """
    public_id = payload["bundle"]
    with progress.begun(home / FOLDER, public_id) as work:
        made = work.folder / f"{public_id}.zip"
        try:
            sealing.seal_pending(tx, seal, home)
            stamping, held = begin_stamping(authority), signing.hold(key_holder)
            work.is_at(Step.WRITING)
            with tx.read() as reading:
                order = _order(reading, public_id)
                if order is None:
                    return
                keys, anchor = [signing.present_key(reading)], signing.anchor(reading)
                built = build(reading, seal, order, made, stamping, held)
            work.is_at(Step.CHECKING)
            checked = verify_bundle(made, keys, [anchor])
        except (AttestryError, EvidenceError, SealError) as error:
            _fail(tx, public_id, "cannot_be_built", str(error), [])
            return
        except OSError as error:  # what was begun goes with the folder; nothing half-made is seen
            _fail(tx, public_id, "cannot_be_written", _not_written(error), [])
            return
        if not checked.holds:
            _fail(tx, public_id, "does_not_verify", "It does not verify.", _checks(checked))
            return
        made.replace(bundle_path(home, public_id))
    progress.clear(home / FOLDER, public_id)
    with tx.write() as uow:
        bundle = find(uow, public_id)
        if bundle.state is BundleState.READY:
            return
        bundle.state, bundle.built_at = BundleState.READY, uow.now
        bundle.sha256, bundle.bytes_count = built.summary.sha256, built.summary.bytes
        bundle.tree_size, bundle.checks = built.tree_size, _checks(checked)
        bundle.closing = built.closing
        uow.record(
            events.BundleBuilt(
                subject=public_id, sha256=built.summary.sha256, tree_size=built.tree_size
            )
        )


def _order(reading: Reading, public_id: str) -> Order | None:
    bundle = find(reading, public_id)
    if bundle.state is BundleState.READY:
        return None
    return Order(
        id=public_id,
        created_at=reading.now,
        kind=bundle.kind,
        scope=_scope(reading, bundle.scope),
        controls=bundle.controls,
        custody=Custody(
            bundle.requested_by,
            bundle.supersedes,
            bundle.why_anew,
            is_redacted=REDACTED in bundle.scope,
        ),
        is_redacted=REDACTED in bundle.scope,
        is_lasting=bundle.is_lasting,
    )


def _scope(reading: Reading, kept: Mapping[str, str]) -> Scope:
    if "campaign" in kept:
        return campaign_scope(reading, kept["campaign"])
    if "sample" in kept:
        return sampling.sample_scope(reading, kept["sample"])
    start, end = (datetime.fromisoformat(kept[name]) for name in ("from", "to"))
    is_of_leavers = kept["about"] == "leavers"
    return PeriodScope(start, end, leavers_only=is_of_leavers, control=kept.get("control"))


def _fail(
    tx: Transactions, public_id: str, code: str, why: str, checks: list[dict[str, Any]]
) -> None:
    with tx.write() as uow:
        bundle = find(uow, public_id)
        if bundle.state is BundleState.READY:  # another worker made it meanwhile
            return
        bundle.state, bundle.why, bundle.checks = BundleState.FAILED, why, checks
        uow.record(events.BundleFailed(subject=public_id, code=code))


def _not_written(error: OSError) -> str:
    return (
        f"The bundle could not be written: {error.strerror or error}. Make room in the home folder "
        "and in the folder for temporary files, then ask again."
    )


def _checks(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "status": each.status.value,
            "detail": each.detail,
            "said": to_json(each.detail),
        }
        for each in report.checks
    ]
