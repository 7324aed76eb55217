"""On PostgreSQL, the role of the guide writes the ledger and cannot rewrite it."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.kernel.ledger import LedgerEntry
from integration.audit.test_ledger import check, seal, tell
from support.house import TestHouse

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "operate.md"
ROLE = "attestry_app"


@pytest.fixture
def statements() -> list[str]:
    """What the guide tells the owner to run."""
    found = re.search(r"```sql\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    lines = [line for line in found[1].splitlines() if not line.startswith("--")]
    return [each.strip() for each in " ".join(lines).split(";") if each.strip()]


def test_the_role_of_the_guide_seals_and_cannot_alter_what_was_sealed(
    house: TestHouse, statements: list[str]
) -> None:
    engine = house.tx.database.engine
    if engine.dialect.name != "postgresql":
        pytest.skip("roles are PostgreSQL's")
    with engine.begin() as owner:
        owner.execute(sa.text(f"DROP ROLE IF EXISTS {ROLE}"))
        for statement in statements:
            owner.execute(sa.text(statement))
    tell(house, 1)
    sa.event.listen(
        engine, "begin", lambda connection: connection.exec_driver_sql(f"SET LOCAL ROLE {ROLE}")
    )
    tell(house, 3)
    seal(house)
    assert check(house).holds
    for forbidden in (
        "UPDATE ledger_entry SET kind = 'x'",
        "DELETE FROM ledger_position",
        "TRUNCATE ledger_checkpoint",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "DROP TABLE ledger_entry CASCADE",
    ):
        with pytest.raises(sa.exc.DBAPIError, match=r"permission denied|must be owner"):
            with engine.begin() as connection:
                connection.execute(sa.text(forbidden))
    with house.read() as reading:
        assert reading.session.scalar(sa.select(sa.func.count()).select_from(LedgerEntry))
