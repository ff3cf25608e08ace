"""What of a disk is dumped: exclude and include, as Amanda's requests say and GNU tar understands them.

Promises the arguments for tar and a `Matcher` that decides the same for an estimate (GNU tar manual, "Controlling
Pattern-Matching": an exclude pattern may match from any slash on, its wildcards match slashes, and what lies below a
match is excluded, too).  It does not walk anything but what an include's wildcards ask for.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import WorldError
from core.wire.dle_xml import Choice, Dle

_MAX_LIST = 4 * 1024 * 1024
_WILD = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class Selection:
    """``excludes``: tar's patterns.  ``includes``: names below the disk's top, as ``./name``; None is everything."""

    excludes: tuple[str, ...] = ()
    includes: tuple[str, ...] | None = None

    def exclude_arguments(self) -> list[str]:
        """For tar's command line; not by a file, where a blank at the end or a newline of a pattern would be lost."""
        return [f"--exclude={pattern}" for pattern in self.excludes]


def select(dle: Dle) -> Selection:
    """Read the lists and find what the includes name.  WorldError CLT028."""
    excludes = tuple(_patterns(dle.exclude, dle.device, "exclude"))
    if not dle.include.files and not dle.include.lists:
        return Selection(excludes)
    names: dict[str, None] = {}
    for pattern in _patterns(dle.include, dle.device, "include"):
        for name in _expand(pattern, dle):
            names[name] = None
    if not names:
        raise WorldError("CLT028", f"{dle.disk}: nothing is there that include names")
    return Selection(excludes, tuple(names))


def _patterns(choice: Choice, device: str, kind: str) -> Iterator[str]:
    yield from (pattern for pattern in choice.files if pattern)
    for name in choice.lists:
        file = Path(device, name)
        try:
            # A pipe or a device of that name would have us wait, or read what is no list.
            with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY), "rb") as opened:
                if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                    raise WorldError("CLT028", f"the {kind} list {file} is no file")
                data = opened.read(_MAX_LIST + 1)
        except FileNotFoundError:
            if choice.optional:
                continue
            raise WorldError("CLT028", f"the {kind} list {file} does not exist") from None
        except OSError as fault:
            raise WorldError("CLT028", f"the {kind} list {file} cannot be read: {fault.strerror}") from None
        if len(data) > _MAX_LIST:
            raise WorldError("CLT028", f"the {kind} list {file} is too long")
        # As tar reads such a file: blanks at the end of a line do not belong to the pattern.
        yield from (os.fsdecode(line.rstrip()) for line in data.split(b"\n") if line.strip())


def _expand(pattern: str, dle: Dle) -> Iterator[str]:
    if not pattern.startswith("./") or len(pattern) < 3:
        raise WorldError("CLT028", f"{dle.disk}: include {pattern!r} does not start with './'")
    parts = pattern.split("/")[1:]
    if any(part in ("", ".", "..") for part in parts):
        raise WorldError("CLT028", f"{dle.disk}: include {pattern!r} may not hold '..', '.' or '//'")
    if _WILD.search(pattern):
        found = glob.glob("/".join(parts), root_dir=dle.device, include_hidden=parts[-1].startswith("."))
        yield from (f"./{name}" for name in sorted(found))
    elif os.path.lexists(os.path.join(dle.device, *parts)):
        yield pattern


class Matcher:
    """Decides as tar does whether a member is excluded."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        """ValueError for a pattern that is not understood here; tar itself must then be asked."""
        forms = [_translate(os.fsencode(pattern)) for pattern in patterns]
        self._form = re.compile(b"(?:^|.*/)(?:" + b"|".join(forms) + b")(?:/.*)?", re.DOTALL) if forms else None

    def __bool__(self) -> bool:
        return self._form is not None

    def excludes(self, name: str) -> bool:
        """Whether the member ``name`` (``./a/b``) is excluded."""
        return self._form is not None and self._form.fullmatch(os.fsencode(name)) is not None


def _translate(pattern: bytes) -> bytes:
    out: list[bytes] = []
    at = 0
    while at < len(pattern):
        char = pattern[at:at + 1]
        at += 1
        if char == b"*":
            out.append(b".*")
        elif char == b"?":
            out.append(b".")
        elif char == b"\\":
            if at == len(pattern):
                raise ValueError("a backslash at the end")
            out.append(re.escape(pattern[at:at + 1]))
            at += 1
        elif char == b"[":
            form, at = _bracket(pattern, at)
            out.append(form)
        else:
            out.append(re.escape(char))
    return b"".join(out)


def _bracket(pattern: bytes, at: int) -> tuple[bytes, int]:
    negated = pattern[at:at + 1] in (b"!", b"^")
    start = at + negated
    end = pattern.find(b"]", start + 1)
    inside = pattern[start:end]
    if end < 0 or b"[" in inside or b"\\" in inside:
        raise ValueError("a bracket expression with classes or escapes")
    form = b"".join(b"-" if part == b"-" else re.escape(part) for part in (inside[i:i + 1] for i in range(len(inside))))
    if re.search(rb"^-|-$|--", inside):
        raise ValueError("a bracket expression with a bare hyphen")
    return b"[" + (b"^" if negated else b"") + form + b"]", end + 1
