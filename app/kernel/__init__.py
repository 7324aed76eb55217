"""What every stage stands on: time, identity, settings, storage, the ledger, jobs."""
