"""Settings of a people file, read strictly, before anything is opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from connectors.errors import MisconfiguredError
from connectors.port import SettingKey

Choice = TypeVar("Choice")

AUTO = "auto"
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
ENCODINGS = ("utf-8", "utf-16", "windows-1252", "iso-8859-1")
DATES = {"iso": ("%Y-%m-%d",), "dmy": ("%d.%m.%Y", "%d/%m/%Y"), "mdy": ("%m/%d/%Y",)}
# A key or password file must never be taken for a people file, and its lines shown in an error.
SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
COLUMNS = (
    "employee_number",
    "display_name",
    "first_name",
    "last_name",
    "mail",
    "status",
    "manager",
    "department",
    "title",
    "start_date",
    "end_date",
)
KEYS = (
    SettingKey("path", "The file: absolute, ending in .csv, .tsv or .txt.", is_required=True),
    SettingKey("encoding", f"{', '.join(ENCODINGS)}; by default UTF-8, or UTF-16 by its mark."),
    SettingKey("delimiter", f"{', '.join(DELIMITERS)}; by default the one the header is cut by."),
    SettingKey("columns", "Columns with other names: employee_number=Pers. No.; mail=E-Mail."),
    SettingKey("dates", "iso (2026-12-31, the default), dmy (31.12.2026), mdy (12/31/2026)."),
    SettingKey("keep", "Further columns worth keeping, by their names, parted by semicolons."),
    SettingKey("trailer", "Word that begins a last line which tells the number of rows."),
)


@dataclass(frozen=True, slots=True)
class Config:
    """What a people file is like.

    Attributes:
        path: Where it is.
        encoding: As set, or None to take UTF-8, or UTF-16 by its mark.
        delimiter: One character, or None for the one the header is cut by.
        columns: Our name of a column to the file's.
        dates: Ways a date is written.
        keep: Further columns to keep, by the file's names.
        trailer: The word that begins the last line, or empty.
    """

    path: Path
    encoding: str | None = None
    delimiter: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    dates: tuple[str, ...] = DATES["iso"]
    keep: tuple[str, ...] = ()
    trailer: str = ""


def parse(settings: Mapping[str, str]) -> Config:
    """Read the settings.

    Raises:
        MisconfiguredError: One is malformed; `key` names it.
    """
    path = Path(settings["path"].strip())
    if not path.is_absolute():
        raise MisconfiguredError("path is absolute, like /srv/hr/people.csv.", key="path")
    _check_suffix(path)
    return Config(
        path=path,
        encoding=_one_of(settings, "encoding", {each: each for each in ENCODINGS}),
        delimiter=_one_of(settings, "delimiter", DELIMITERS),
        columns=_columns(settings.get("columns", "")),
        dates=_one_of(settings, "dates", DATES) or DATES["iso"],
        keep=tuple(_parts(settings.get("keep", ""))),
        trailer=settings.get("trailer", "").strip(),
    )


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise MisconfiguredError(
            f"A people file ends in {', '.join(sorted(SUFFIXES))}.", key="path"
        )


def real_path(path: Path) -> Path:
    """Return where a path really leads.

    Raises:
        MisconfiguredError: A link leads to what is no people file.
    """
    found = path.resolve()
    _check_suffix(found)
    return found


def _one_of(settings: Mapping[str, str], name: str, choices: Mapping[str, Choice]) -> Choice | None:
    value = settings.get(name, "").strip().lower()
    if value in ("", AUTO):
        return None
    if value not in choices:
        raise MisconfiguredError(f"{name} is one of {', '.join(choices)}.", key=name)
    return choices[value]


def _columns(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in _parts(text):
        ours, sign, theirs = (each.strip() for each in part.partition("="))
        if not sign or not theirs or ours not in COLUMNS:
            raise MisconfiguredError(
                f"columns says OURS=THEIRS, parted by semicolons; ours are {', '.join(COLUMNS)}.",
                key="columns",
            )
        if ours in found:
            raise MisconfiguredError(f"columns names {ours} twice.", key="columns")
        found[ours] = theirs
    return found


def _parts(text: str) -> list[str]:
    return [each.strip() for each in text.split(";") if each.strip()]
