"""Forms that were sent after their session had ended, kept for an hour, sealed, for their sender.

So that nothing typed is lost: whoever signs in again as the same person gets the filled form back.
"""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Keyed, Model


class KeptForm(Keyed, Model):
    """What somebody had typed.

    Attributes:
        digest: Of the word in the address that it is asked back by.
        owner: Whose it is; nobody else gets it.
        sealed: The fields, sealed.
        expires_at: When it is forgotten.
    """

    __tablename__ = "kernel_kept_form"
    digest: Mapped[bytes] = mapped_column(unique=True)
    owner: Mapped[str] = mapped_column(index=True)
    sealed: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    @property
    def sealed_for(self) -> str:
        """What it is sealed for."""
        return sealed_for(self.digest)


def sealed_for(digest: bytes) -> str:
    """Return what the form with this digest is sealed for."""
    return f"form:{digest.hex()}"
