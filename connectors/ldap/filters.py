"""Search filters (RFC 4515) with every value escaped."""

from ldap3.utils.conv import escape_filter_chars


def equals(attribute: str, value: str) -> str:
    """Return the filter that an attribute equals a value, which may hold anything."""
    return f"({attribute}={escape_filter_chars(value)})"


def both(*filters: str) -> str:
    """Return the filter that all of these hold."""
    return f"(&{''.join(filters)})" if len(filters) > 1 else filters[0]
