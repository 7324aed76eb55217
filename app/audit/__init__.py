"""PROVE: seal the ledger, gather bundles, keep the signing keys."""
