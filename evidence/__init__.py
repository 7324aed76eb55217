"""Prove: entries, a Merkle log, signed heads, documents and bundles anyone can check offline.

This library runs on an auditor's laptop. Nothing here knows the house, a database or a network;
verifying needs the standard library and `cryptography` alone.
"""
