"""What decides which part of a source is seen: all its settings but those of the way to it."""

import hashlib
from collections.abc import Mapping

import orjson

from app.directory.models import Source

# Settings that say how a source is reached, not what of it is seen.
TRANSPORT = frozenset(
    {
        "uri",
        "ca_file",
        "start_tls",
        "page_size",
        "rate_share",
        "breaks",
        "unreadable",
        "vanished",
    }
)


def scope_digest(source: Source) -> str:
    """Return a digest of the settings that decide what is seen of a source."""
    return digest_of(source.settings)


def digest_of(settings: Mapping[str, str]) -> str:
    """Return a digest of those of some settings that decide what is seen."""
    seen = {key: value for key, value in settings.items() if key not in TRANSPORT}
    return hashlib.sha256(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS)).hexdigest()
