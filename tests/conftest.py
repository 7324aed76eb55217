"""Fixtures of every test."""

pytest_plugins = ["support.servers.postgres"]
