"""DECIDE by what HR says: joiner, mover, leaver."""
