"""A bundle that another program unpacked and packed anew: its files, put back into the one form.

Such a file is not evidence, whatever its files say. But people unpack, edit and pack; and of a file
that they altered so, the altered row can still be named. What it unfolds to is limited, by what it
says and by what comes out.
"""

import io
import lzma
import zipfile
import zlib
from typing import Final

from evidence.container import MOST_MEMBERS, write_container
from evidence.errors import EvidenceError

LARGEST_UNPACKED: Final = 256 << 20
MOST_TIMES: Final = 50
LEAST_LIMIT: Final = 16 << 20

# What the standard library raises at a ZIP that is damaged, hostile, encrypted (RuntimeError) or
# packed in a way it does not know. Only reading is under it: a defect of ours is not hidden.
UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
    LookupError,
)


def repacked(data: memoryview) -> bytes | None:
    """Put the files of any ZIP into a container of ours.

    Args:
        data: All of its bytes.

    Returns:
        The container; None if it cannot be read as a ZIP, or unfolds to too much.
    """
    most = min(LARGEST_UNPACKED, max(LEAST_LIMIT, MOST_TIMES * len(data)))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            if len(members) > MOST_MEMBERS or sum(each.file_size for each in members) > most:
                return None
            files = [(each.filename, _read(archive, each)) for each in members]
    except UNREADABLE:
        return None
    out = io.BytesIO()
    try:
        write_container(out, files)
    except EvidenceError:  # a name or a number of files that no bundle has
        return None
    return out.getvalue()


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        content = file.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise zipfile.BadZipFile
    return content
