"""DECIDE by which rules: policy sets in force and every recorded verdict."""
