"""Collecting the faults of a configuration, so that an operator reads all of them in one go.

Each is printed as ``file:line: key: what is wrong, nearest known name, example``; lines are looked up only when there
is something to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.config.positions import Path as Key
from core.config.positions import Positions
from core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong at ``key``."""

    key: Key
    text: str
    example: str = ""


class Faults:
    """All faults found so far."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, key: Key, text: str, example: str = "") -> None:
        """One more."""
        self.found.append(Fault(key, text, example))

    def raise_if_any(self, file: Path, text: str) -> None:
        """UsageError CFG003 with every fault, in the order of the file."""
        if not self.found:
            return
        positions = Positions(text)
        lines = sorted((positions.line_of(fault.key), number, fault) for number, fault in enumerate(self.found))
        shown = [f"{file}:{line}: {describe(fault)}" for line, _, fault in lines]
        count = "1 fault" if len(shown) == 1 else f"{len(shown)} faults"
        raise UsageError("CFG003", f"{file} has {count}:\n" + "\n".join(shown))


def describe(fault: Fault) -> str:
    """``key: what is wrong; for example: …``."""
    example = f"; for example: {fault.example}" if fault.example else ""
    return f"{show_key(fault.key)}: {fault.text}{example}"


def show_key(key: Key) -> str:
    """``run.runtapes``, ``disk[3].host``: the number of an array's entry counts from 1."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += ("." if text else "") + (part if part.replace("-", "").replace("_", "").isalnum() else repr(part))
    return text or "file"


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?``, or the list of what is known when nothing is near."""
    import difflib  # only needed once something is wrong

    names = sorted(known)
    lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(word.lower(), lower, 1, 0.6)
    if found:
        return f"; did you mean {lower[found[0]]!r}?"
    if not names:
        return "; there is none"
    return f"; known here: {', '.join(names[:20])}{', …' if len(names) > 20 else ''}"
