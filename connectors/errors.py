"""All that can go wrong with a source, told apart by what to do about it.

The message of each is one sentence an operator can act on. It never holds a secret.
"""


class ConnectorError(Exception):
    """A source could not do what was asked. `code` is a short stable name for logs and tests."""

    code = "connector_error"


class UnavailableError(ConnectorError):
    """The source is away, slow or asks us to wait: the same call may work later.

    Attributes:
        retry_after: Seconds to wait at least, or None if the source did not say.
    """

    code = "unavailable"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Keep the sentence and how long to wait."""
        super().__init__(message)
        self.retry_after = retry_after


class DeniedError(ConnectorError):
    """The source knows us and says no: a right is missing."""

    code = "denied"


class TargetMissingError(ConnectorError):
    """The account or group to be changed is not there (any more)."""

    code = "target_missing"


class TargetConflictError(ConnectorError):
    """The target is in a state in which the change cannot be made."""

    code = "target_conflict"


class MisconfiguredError(ConnectorError):
    """The source's settings are wrong: address, certificate, base, credentials, an unknown key.

    Attributes:
        key: The settings key to look at, or empty.
    """

    code = "misconfigured"

    def __init__(self, message: str, *, key: str = "") -> None:
        """Keep the sentence and the key it is about."""
        super().__init__(message)
        self.key = key


class UnsupportedError(ConnectorError):
    """This source cannot do that at all, whoever asks (a group mastered elsewhere)."""

    code = "unsupported"


class IncompleteReadError(ConnectorError):
    """A list broke off before its end; what was read so far proves nothing about what is absent."""

    code = "incomplete_read"


class CursorRefusedError(ConnectorError):
    """The source cannot tell what changed since that cursor: it has to be read whole."""

    code = "cursor_refused"
