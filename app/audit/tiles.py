"""The tree's tiles in `ledger_tile`."""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.kernel.ledger import LedgerTile
from evidence.tiles import TileKey

AT_ONCE = 5_000  # both stores limit how many values one statement may carry


class StoredTiles:
    """Reads and writes tiles in the session's transaction."""

    def __init__(self, session: Session) -> None:
        """Take the session."""
        self._session = session

    def get(self, keys: Sequence[TileKey]) -> Mapping[TileKey, bytes]:
        """Return those of these tiles that exist."""
        found: dict[TileKey, bytes] = {}
        for part in _parts(list(keys)):
            rows = self._session.execute(
                sa.select(LedgerTile.level, LedgerTile.idx, LedgerTile.hashes).where(_among(part))
            )
            found |= {(level, idx): hashes for level, idx, hashes in rows}
        return found

    def put(self, tiles: Mapping[TileKey, bytes]) -> None:
        """Write tiles, over what stood there."""
        for part in _parts(list(tiles)):
            self._session.execute(sa.delete(LedgerTile).where(_among(part)))
            self._session.execute(
                sa.insert(LedgerTile),
                [{"level": key[0], "idx": key[1], "hashes": tiles[key]} for key in part],
            )


def _parts(keys: Sequence[TileKey]) -> Iterator[Sequence[TileKey]]:
    for at in range(0, len(keys), AT_ONCE):
        yield keys[at : at + AT_ONCE]


def _among(keys: Sequence[TileKey]) -> sa.ColumnElement[bool]:
    by_level: dict[int, list[int]] = {}
    for level, idx in keys:
        by_level.setdefault(level, []).append(idx)
    return sa.or_(
        *(
            sa.and_(LedgerTile.level == level, LedgerTile.idx.in_(held))
            for level, held in by_level.items()
        )
    )
