"""The bundle under check: its bytes by member, and what earlier steps found in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from evidence.container import Member
from evidence.errors import VerificationError
from evidence.keys import COSIGNATURE, VerifierKey, parse_vkey
from evidence.layout import ANCHOR, STAMP_ANCHOR, WITNESSES
from evidence.manifest import Manifest
from evidence.record import Record
from evidence.said import said


@dataclass(slots=True)
class Look:
    """The bundle under check, and what earlier steps found in it."""

    data: memoryview
    given_keys: Sequence[VerifierKey]
    given_anchors: Sequence[bytes]
    given_witnesses: Sequence[VerifierKey] = ()
    members: dict[str, Member] = field(default_factory=dict)
    own_key: VerifierKey | None = None
    manifest: Manifest | None = None
    records: list[Record] = field(default_factory=list)
    root: bytes = b""

    def read(self, path: str) -> bytes:
        member = self.members.get(path)
        if member is None:
            raise VerificationError(said("%(path)s is missing", path=path))
        return bytes(self.data[member.start : member.start + member.size])

    def lines(self, path: str) -> list[bytes]:
        content = self.read(path)
        if content and not content.endswith(b"\n"):
            raise VerificationError(said("%(path)s: its last line is cut off", path=path))
        return content.split(b"\n")[:-1]

    @property
    def keys(self) -> Sequence[VerifierKey]:
        if self.given_keys:
            return self.given_keys
        return [self.own_key] if self.own_key else []

    @property
    def witnesses(self) -> Sequence[VerifierKey]:
        """Those given, and those the bundle names, which by themselves prove nothing."""
        lines = self.lines(WITNESSES) if WITNESSES in self.members else []
        own = [parse_vkey(line.decode("ascii", "replace"), COSIGNATURE) for line in lines]
        return [*self.given_witnesses, *(each for each in own if each not in self.given_witnesses)]

    @property
    def listed(self) -> Manifest:
        if self.manifest is None:
            raise VerificationError("there is no manifest to go by")
        return self.manifest

    @property
    def data_files(self) -> list[str]:
        return [path for path in self.listed.files if path.endswith(".jsonl")]

    @property
    def stamp_anchors(self) -> Sequence[bytes]:
        """Of the time-stamping authority, as the bundle names it: trusted for stamps alone."""
        return [self.read(STAMP_ANCHOR)] if STAMP_ANCHOR in self.members else []

    @property
    def anchors(self) -> Sequence[bytes]:
        return self.given_anchors or [self.read(ANCHOR)]
