"""Every read of a source that belongs to a bundle, with its exact queries and counts."""

import sqlalchemy as sa

from app.audit.gathering.shared import Statement, what_
from app.audit.scope import Scope
from app.directory.models import (
    Source,
    SyncRun,
)


def source_rows(scope: Scope) -> Statement:
    return (
        sa.select(
            what_("run"),
            SyncRun.public_id.label("run"),
            Source.public_id.label("source_id"),
            Source.name.label("source"),
            Source.kind.label("kind"),
            SyncRun.endpoint.label("endpoint"),
            SyncRun.account.label("account"),
            SyncRun.queries.label("queries"),
            SyncRun.state.label("state"),
            sa.case((SyncRun.is_delta, "delta"), else_="full").label("mode"),
            SyncRun.is_stored.label("is_stored"),
            SyncRun.stored_at.label("stored_at"),
            SyncRun.started_from.label("started_from"),
            SyncRun.cursor.label("cursor"),
            SyncRun.is_baseline.label("is_baseline"),
            SyncRun.begun_at.label("begun_at"),
            SyncRun.ended_at.label("ended_at"),
            SyncRun.counts.label("counts"),
            SyncRun.problems.label("problems"),
            SyncRun.digest.label("digest"),
            SyncRun.why.label("why"),
        )
        .select_from(SyncRun)
        .join(Source, Source.id == SyncRun.source_id)
        .where(scope.sync_runs())
        .order_by(SyncRun.id)
    )
