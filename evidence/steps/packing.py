"""Steps about the files as such: the container, who signed, the manifest, and every digest."""

import hashlib
from typing import Final

from evidence.asic import SIGNATURE_PATH
from evidence.checkpoint import (
    open_note,
)
from evidence.container import damaged, read_container
from evidence.errors import VerificationError
from evidence.keys import parse_vkey
from evidence.layout import (
    ASIC_PATH,
    MIMETYPE,
    VKEY,
    manifest_text,
)
from evidence.look import Look
from evidence.manifest import parse_manifest
from evidence.said import Said, in_a_row, said
from evidence.steps.refusing import MOST_NAMED, named, refuse

BEYOND_MANIFEST: Final = ("manifest.json", ASIC_PATH, SIGNATURE_PATH, "manifest.note")


def container(look: Look) -> Said:
    """The container is in its one form, and begins as a bundle."""
    look.members = read_container(look.data)
    names = list(look.members)
    if not names or names[0] != "mimetype" or look.read("mimetype") != MIMETYPE:
        raise VerificationError("the first member must be mimetype, and say that this is a bundle")
    return said("%(count)s members, every byte accounted for", count=len(names))


def checksums(look: Look) -> Said:
    """Each member is as it was put in."""
    refuse(
        [
            said("%(name)s was damaged", name=name)
            for name in damaged(look.data, look.members.values())
        ]
    )
    return said("every member is as it was put in")


def signer(look: Look) -> Said:
    """The key in the bundle is one, and the one given."""
    text = look.read(VKEY)
    if not text.isascii() or not text.endswith(b"\n"):
        raise VerificationError(said("%(path)s is not one line of ASCII", path=VKEY))
    with named(VKEY):
        look.own_key = parse_vkey(text.decode("ascii")[:-1])
    if look.given_keys and look.own_key not in look.given_keys:
        raise VerificationError(
            said(
                "signed by another key than the one given: %(path)s is %(vkey)s; "
                "if the signer has a new key, get it from the signer and pass it "
                "with --key",
                path=VKEY,
                vkey=look.own_key.vkey,
            )
        )
    if look.given_keys:
        return said("%(name)s: the key given", name=look.own_key.name)
    return said(
        "%(name)s: not known from elsewhere; compare the fingerprint, pass --key",
        name=look.own_key.name,
    )


def manifest_signature(look: Look) -> Said:
    """The note signs manifest and META-INF/."""
    files = {path: look.read(path) for path in BEYOND_MANIFEST[:3]}
    wanted = manifest_text(files).split("\n")
    with named("manifest.note"):
        found = open_note(look.read("manifest.note"), look.keys).split("\n")
    if found != wanted:
        wrong = [line.partition("  ")[2] for line in wanted if line not in found]
        raise VerificationError(
            said("manifest.note signs another %(names)s", names=", ".join(filter(None, wrong)))
        )
    return said("signature holds over manifest.json and META-INF/")


def manifest(look: Look) -> Said:
    """The manifest is of this format."""
    look.manifest = parse_manifest(look.read("manifest.json"))
    return said(
        "bundle %(id)s, %(count)s files", id=look.manifest.id, count=len(look.manifest.files)
    )


def members(look: Look) -> Said:
    """The members are exactly those listed, in their order."""
    expected = ["mimetype", *look.listed.files, *BEYOND_MANIFEST]
    if list(look.members) == expected:
        return said("exactly those listed, in their order")
    extra = [name for name in look.members if name not in expected]
    missing = [name for name in expected if name not in look.members]
    if extra or missing:
        told = [said("%(name)s is not in the manifest", name=name) for name in extra]
        told += [said("%(name)s is missing", name=name) for name in missing]
        raise VerificationError(in_a_row(told[:MOST_NAMED]))
    raise VerificationError("the members are not in the order of the manifest")


def file_digests(look: Look) -> Said:
    """Each file has the digest the manifest says."""
    wrong = []
    for path, listed in look.listed.files.items():
        member = look.members[path]
        view = look.data[member.start : member.start + member.size]
        if member.size != listed.bytes or hashlib.sha256(view).hexdigest() != listed.sha256:
            wrong.append(said("%(path)s was altered", path=path))
    refuse(wrong)
    return said("every file has the digest the manifest says")


def policies(look: Look) -> Said:
    """Each policy file is named by its digest."""
    paths = [path for path in look.listed.files if path.startswith("policy/")]
    wrong = [
        said("%(path)s is not named by its digest", path=path)
        for path in paths
        if look.listed.files[path].sha256 != path[len("policy/") :].partition(".")[0]
    ]
    refuse(wrong)
    return said("%(count)s files named by their digests", count=len(paths))
