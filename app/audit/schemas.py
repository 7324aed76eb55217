"""Shapes of bundles and of the ledger, as the API takes and gives them."""

import base64
from typing import Any

from marshmallow import Schema, fields, validate
from typing_extensions import override

from app.audit.controls import CONTROLS
from app.audit.domain import BundleKind, BundleState, KeyPurpose
from app.web.days import FirstDay, LastDay
from app.web.shapes import Moment, PageArgs, PublicIdField, page_of

LARGEST_TREE = 2**53


class Base64(fields.Field[bytes]):
    """Bytes as base64."""

    def __init__(self, **options: Any) -> None:
        """Take a field's usual options."""
        metadata = {"type": "string", "format": "byte", **options.pop("metadata", {})}
        super().__init__(metadata=metadata, **options)

    @override
    def _serialize(
        self, value: bytes | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | None:
        return None if value is None else base64.b64encode(value).decode("ascii")


class NewBundleSchema(Schema):
    """What a bundle is to be about: a campaign, a sample, or a period; of one control, or all."""

    campaign = PublicIdField(load_default=None)
    sample = PublicIdField(load_default=None)
    start = Moment(data_key="from", load_default=None)
    end = Moment(data_key="to", load_default=None)
    leavers = fields.Boolean(load_default=False)
    redacted = fields.Boolean(load_default=False)
    why_anew = fields.String(load_default=None, validate=validate.Length(1, 500))
    controls = fields.List(
        fields.String(validate=validate.Length(max=40)),
        load_default=list,
        validate=validate.Length(max=len(CONTROLS)),
    )


class CampaignBundleForm(Schema):
    """The form of a campaign's bundle."""

    campaign = PublicIdField(load_default=None)
    controls = fields.List(fields.String(validate=validate.Length(max=40)), load_default=list)


class PeriodBundleForm(Schema):
    """The form of a period's bundle: its first and last day, in the reader's zone."""

    start = FirstDay(data_key="from", load_default=None)
    end = LastDay(data_key="to", load_default=None)
    leavers = fields.Boolean(load_default=False)
    controls = fields.List(fields.String(validate=validate.Length(max=40)), load_default=list)


class LedgerForm(Schema):
    """Which entries of the ledger somebody looks for."""

    kind = fields.String(load_default=None, validate=validate.Length(max=60))
    subject = fields.String(load_default=None, validate=validate.Length(max=60))
    start = FirstDay(data_key="from", load_default=None)
    end = LastDay(data_key="to", load_default=None)


class CheckSchema(Schema):
    """One check of a bundle and what became of it."""

    name = fields.String()
    status = fields.String()
    detail = fields.String()


class BundleSchema(Schema):
    """A bundle: what about, and where it stands."""

    id = fields.String()
    kind = fields.Enum(BundleKind, by_value=True)
    scope = fields.Dict()
    controls = fields.List(fields.String())
    state = fields.Enum(BundleState, by_value=True)
    requested_by = fields.String()
    requested_at = Moment()
    built_at = Moment(allow_none=True)
    sha256 = fields.String(allow_none=True)
    bytes = fields.Integer(allow_none=True)
    tree_size = fields.Integer(allow_none=True)
    checks = fields.List(fields.Nested(CheckSchema))
    supersedes = fields.String(allow_none=True)
    why_anew = fields.String(allow_none=True)
    removed_at = Moment(allow_none=True)
    why = fields.String(allow_none=True)


class HeadSchema(Schema):
    """The signed head of the log."""

    size = fields.Integer()
    root = Base64()
    note = fields.String()
    cosignatures = fields.String()


class WitnessSchema(Schema):
    """Somebody outside who cosigns each head."""

    id = fields.String()
    name = fields.String()
    vkey = fields.String()
    url = fields.String()
    added_at = Moment()
    size = fields.Integer(allow_none=True)


class PastKeySchema(Schema):
    """A key of the history."""

    id = fields.String()
    purpose = fields.Enum(KeyPurpose, by_value=True)
    name = fields.String()
    public = fields.String()
    created_at = Moment()
    retired_at = Moment(allow_none=True)


class KeySchema(Schema):
    """The key that signs, its fingerprint, the anchor of documents, and the history."""

    vkey = fields.String()
    fingerprint = fields.String()
    ca = fields.String()
    history = fields.List(fields.Nested(PastKeySchema))


class EntrySchema(Schema):
    """A ledger entry; `body` is the exact text that is hashed."""

    index = fields.Integer()
    id = fields.String()
    kind = fields.String()
    leaf = Base64()
    body = fields.String()


class EntryArgs(PageArgs):
    """Which entries."""

    kind = fields.String(load_default=None, validate=validate.Length(max=60))
    subject = fields.String(load_default=None, validate=validate.Length(max=36))


class InclusionArgs(Schema):
    """Which entry, and in the log of which size."""

    entry = PublicIdField(required=True)
    size = fields.Integer(load_default=None, validate=validate.Range(1, LARGEST_TREE))


class InclusionSchema(Schema):
    """A proof that an entry is in the log (RFC 6962, 2.1.1)."""

    index = fields.Integer()
    size = fields.Integer()
    leaf = Base64()
    root = Base64()
    hashes = fields.List(Base64())


class ConsistencyArgs(Schema):
    """Between which sizes."""

    old = fields.Integer(required=True, validate=validate.Range(1, LARGEST_TREE))
    new = fields.Integer(load_default=None, validate=validate.Range(1, LARGEST_TREE))


class ConsistencySchema(Schema):
    """A proof that the log only grew (RFC 6962, 2.1.2)."""

    old = fields.Integer()
    new = fields.Integer()
    old_root = Base64()
    new_root = Base64()
    hashes = fields.List(Base64())


BundlePage = page_of(BundleSchema)
EntryPage = page_of(EntrySchema)
