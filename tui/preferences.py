"""What an operator has chosen for the console, kept in ``$XDG_CONFIG_HOME/taperoom/console.toml``.

Promises: a file that is missing, damaged or newer than this program never stops the console; what is wrong with it is one
sentence, the rest is taken, and keys that are not known here are kept when it is written.  It is replaced by rename.
"""

from __future__ import annotations

import contextlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import UsageError, WorldError

LINKS = ("auto", "fast", "slow", "frugal")
"""How often the screen is brought up to date, see `tui.rate`."""

SWITCHES = ("auto", "on", "off")
CONFIRMS = ("all", "destructive")
_KEPT_SEEN = 20
"""So many runs are remembered with what was seen of them."""

_CHOICES: dict[str, tuple[str, ...]] = {"link": LINKS, "ascii": SWITCHES, "confirm": CONFIRMS}


@dataclass(frozen=True, slots=True)
class Preferences:
    """``theme`` empty: what the terminal can show.  ``keys``: id of an action to its keys.  ``tips``: first-time hints that
    were put away.  ``seen``: datestamp of a run to the last of its messages that was looked at."""

    theme: str = ""
    link: str = "auto"
    ascii: str = "auto"
    mouse: bool = False
    bell: bool = True
    confirm: str = "all"
    keys: Mapping[str, str] = field(default_factory=dict)
    tips: frozenset[str] = frozenset()
    seen: Mapping[str, int] = field(default_factory=dict)


def folder() -> Path:
    """Where an operator's own files of the console are."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "taperoom"


def settings_file() -> Path:
    """The file of these preferences."""
    return folder() / "console.toml"


def taken(plain: Mapping[str, Any]) -> tuple[Preferences, list[str]]:
    """Preferences from what a file says, and one sentence for each value that is none."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in plain.items():
        try:
            found |= _one(name, value)
        except ValueError as fault:
            problems.append(str(fault))
    return Preferences(**found), problems


def _one(name: str, value: Any) -> dict[str, Any]:
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"{name} has to be one of {', '.join(_CHOICES[name])}")
    match name, value:
        case ("theme" | "link" | "ascii" | "confirm"), str():
            return {name: value}
        case ("mouse" | "bell"), bool():
            return {name: value}
        case "keys", dict() if all(isinstance(keys, str) and keys for keys in value.values()):
            return {"keys": dict(value)}
        case "tips", list() if all(isinstance(tip, str) for tip in value):
            return {"tips": frozenset(value)}
        case "seen", dict() if all(isinstance(seq, int) for seq in value.values()):
            return {"seen": dict(value)}
        case ("theme" | "mouse" | "bell" | "keys" | "tips" | "seen"), _:
            raise ValueError(f"{name} has a value that it cannot have")
        case _:
            return {}


def _plain(chosen: Preferences) -> dict[str, Any]:
    """For a file: only what is not as it always is."""
    usual, found = asdict(Preferences()), asdict(chosen)
    changed = {name: value for name, value in found.items() if value != usual[name]}
    if "tips" in changed:
        changed["tips"] = sorted(chosen.tips)
    return changed


class Store:
    """The preferences as they stand; ``path`` None: they live as long as the console, and no tip is shown."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.chosen = Preferences() if path else Preferences(tips=frozenset({"all"}))
        self.problems: list[str] = []
        self._unknown: dict[str, Any] = {}

    def load(self) -> None:
        """Read the file; what is wrong with it is in ``problems``, each with its code."""
        if self.path is None:
            return
        self.problems = []
        try:
            plain = tomllib.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as fault:
            what = fault.strerror if isinstance(fault, OSError) else str(fault)
            self.problems = [str(UsageError("CON006", f"{self.path}: {what}"))]
            return
        self.chosen, problems = taken(plain)
        self.problems = [str(UsageError("CON006", f"{self.path}: {problem}")) for problem in problems]
        known = {"theme", "link", "ascii", "mouse", "bell", "confirm", "keys", "tips", "seen"}
        self._unknown = {name: value for name, value in plain.items() if name not in known}

    def change(self, **changes: Any) -> None:
        """Take the change and write the file.  WorldError CON007 when it cannot be written; the change holds all the same."""
        self.chosen = replace(self.chosen, **changes)
        if self.path is None:
            return
        import tomli_w

        new = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(tomli_w.dumps(self._unknown | _plain(self.chosen)), "utf-8")
            os.replace(new, self.path)
        except OSError as fault:
            with contextlib.suppress(OSError):
                new.unlink()
            raise WorldError("CON007", f"{self.path} cannot be written: {fault.strerror}",
                             "The change holds until the console ends.") from fault

    def put_away(self, tip: str) -> None:
        """Never show this first-time hint again."""
        self.change(tips=self.chosen.tips | {tip})

    def shows(self, tip: str) -> bool:
        """Whether a first-time hint was not put away yet."""
        return not self.chosen.tips & {tip, "all"}

    def saw(self, run: str, number: int) -> None:
        """The messages of a run were looked at up to this one."""
        if number > self.chosen.seen.get(run, 0):
            newest = sorted({**self.chosen.seen, run: number}.items())[-_KEPT_SEEN:]
            self.change(seen=dict(newest))
