"""The errors of the evidence library: hostile or broken input raises these and nothing else."""


class EvidenceError(Exception):
    """Something about evidence cannot be done; the message says what to do next."""


class CanonicalError(EvidenceError):
    """A value has no canonical form here; the message names its path."""


class VerificationError(EvidenceError):
    """A piece of evidence does not hold, or is not what it claims to be."""
