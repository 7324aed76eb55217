"""Imports every table, so that the migrations and the tests see the whole schema."""

from app.audit import models as audit
from app.catalog import models as catalog
from app.directory import models as directory
from app.grants import models as grants
from app.kernel import idempotency, jobs, kept, ledger
from app.kernel.db import Base
from app.lifecycle import models as lifecycle
from app.notices import models as notices
from app.provisioning import models as provisioning
from app.requests import models as requests
from app.reviews import models as reviews
from app.rulebook import models as rulebook
from app.signin import models as signin

MODULES = (
    ledger,
    jobs,
    idempotency,
    kept,
    directory,
    catalog,
    signin,
    grants,
    rulebook,
    requests,
    provisioning,
    lifecycle,
    reviews,
    notices,
    audit,
)
TABLES = tuple(Base.metadata.sorted_tables)
