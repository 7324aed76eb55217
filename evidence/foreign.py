"""A bundle that another program unpacked and packed anew: its files, put back into the one form.

Such a file is not evidence, whatever its files say. But people unpack, edit and pack; and of a file
that they altered so, the altered row can still be named. What it unfolds to is limited, by what it
says and by what comes out.
"""

import io
import zipfile
import zlib
from typing import Final

from evidence.container import MOST_MEMBERS, write_container
from evidence.errors import EvidenceError

LARGEST_UNPACKED: Final = 256 << 20
MOST_TIMES: Final = 50
LEAST_LIMIT: Final = 16 << 20


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
        out = io.BytesIO()
        write_container(out, files)
        return out.getvalue()
    except (
        *(zipfile.BadZipFile, zlib.error, EvidenceError, EOFError, OSError),
        *(RuntimeError, NotImplementedError, ValueError, OverflowError, LookupError),
    ):  # hostile, encrypted, or packed in a way unknown here
        return None


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        content = file.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise zipfile.BadZipFile
    return content
