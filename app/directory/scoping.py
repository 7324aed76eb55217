"""What decides which part of a source is seen: all its settings but those of the way to it."""

import hashlib

import orjson

from app.directory.models import Source

# Settings that say how a source is reached, not what of it is seen.
TRANSPORT = frozenset(
    {"uri", "ca_file", "start_tls", "page_size", "breaks", "unreadable", "vanished"}
)


def scope_digest(source: Source) -> str:
    """Return a digest of the settings that decide what is seen of a source."""
    seen = {key: value for key, value in source.settings.items() if key not in TRANSPORT}
    return hashlib.sha256(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS)).hexdigest()
