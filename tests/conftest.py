"""Fixtures of every test."""

pytest_plugins = [
    "support.stores",
    "support.servers.postgres",
    "support.servers.samba_ad",
    "support.servers.okta",
]
