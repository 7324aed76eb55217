"""Fixtures of every test."""

pytest_plugins = [
    "support.servers.postgres",
    "support.servers.samba_ad",
    "support.servers.okta",
]
