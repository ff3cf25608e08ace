"""What is whole of a restore that was interrupted: a file of facts in the hidden room of its target, each one line of JSON.

Promises that a fact is written after it became true, and that one that was torn by a crash is not read.  The lines are not
synced one by one: whatever kills this process, the system keeps them.  After a power cut only that counts which a ``synced``
line covers: it tells that everything that was changed before a moment was on disk.
"""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAME = "state"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_UPTIME = Path("/proc/uptime")


@dataclass(frozen=True, slots=True)
class Look:
    """How a directory was dumped: mode, owner, times in nanoseconds, attributes."""

    mode: int
    uid: int
    gid: int
    atime: int
    mtime: int
    attributes: dict[str, bytes]

    def plain(self) -> list[Any]:
        """As JSON has it."""
        packed = {name: base64.b64encode(value).decode() for name, value in self.attributes.items()}
        return [self.mode, self.uid, self.gid, self.atime, self.mtime, packed]

    @classmethod
    def of(cls, plain: list[Any]) -> Look:
        """Back from JSON.  ValueError, TypeError, AttributeError when it is none."""
        mode, uid, gid, atime, mtime, packed = plain
        return cls(int(mode), int(uid), int(gid), int(atime), int(mtime),
                   {str(name): base64.b64decode(value) for name, value in packed.items()})


@dataclass(slots=True)
class State:
    """A restore's facts, folded.  ``identity``: what it restores, in words; ``began``: seconds since the epoch; ``boot``: the
    system's start that it was last at work in; ``synced``: everything changed before this moment is on disk.

    ``made``: the target was made for it; ``kept``: directories that were there before; ``taken``: files that were.  By number
    of the dump: ``proved`` bytes of its archive; ``out``: all of it was extracted, these names of it beside the rest;
    ``placed``: all of it is in its place; ``dressed``: how its directories look is known, of those that came before its files
    at least; ``double``: two tars were at it.  ``looks``: of all directories of which that is known.
    """

    identity: str
    began: float = 0.0
    boot: str = ""
    synced: float = 0.0
    made: bool = False
    kept: set[bytes] = field(default_factory=set)
    taken: set[bytes] = field(default_factory=set)
    proved: dict[int, int] = field(default_factory=dict)
    out: dict[int, set[bytes]] = field(default_factory=dict)
    placed: set[int] = field(default_factory=set)
    dressed: set[int] = field(default_factory=set)
    double: set[int] = field(default_factory=set)
    looks: dict[bytes, Look] = field(default_factory=dict)

    def fold(self, plain: dict[str, Any]) -> None:
        """Take one fact in.  ValueError, TypeError, KeyError, AttributeError when it is none."""
        match plain:
            case {"again": _, "boot": boot}:
                self.boot = str(boot)
            case {"synced": at}:
                self.synced = float(at)
            case {"dump": number, "proved": size}:
                self.proved[int(number)] = int(size)
            case {"dump": number, "out": linked}:
                self.out[int(number)] = {os.fsencode(name) for name in linked}
            case {"dump": number, "looks": looks}:
                self.dressed.add(int(number))
                self.looks |= {os.fsencode(path): Look.of(look) for path, look in looks.items()}
            case {"dump": number, "undressed": _}:
                self.dressed.discard(int(number))
            case {"dump": number, "tars": _}:
                self.double.add(int(number))
            case {"dump": number, "placed": _}:
                self.placed.add(int(number))
            case _:
                pass

    def trusts(self, found: os.stat_result, boot: str) -> bool:
        """Whether what was found is surely still what was written: nothing lost power since, or it was on disk before."""
        return (boot != "" and boot == self.boot) or found.st_ctime < self.synced


def head(state: State) -> dict[str, Any]:
    """The first line."""
    return {"restore": state.identity, "at": state.began, "boot": state.boot, "made": state.made,
            "kept": sorted(map(os.fsdecode, state.kept)), "taken": sorted(map(os.fsdecode, state.taken))}


def read_state(file: Path | str, directory: int | None = None) -> State | None:
    """The facts of a file, in a directory that is open; None when there is none, or none that can be read."""
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        with open(opened, "rb") as plain_file:
            first, *rest = plain_file.read().split(b"\n")[:-1]
        plain = json.loads(first)
        state = State(str(plain["restore"]), float(plain["at"]), str(plain["boot"]), 0.0, bool(plain["made"]),
                      {os.fsencode(name) for name in plain["kept"]}, {os.fsencode(name) for name in plain["taken"]})
        for line in rest:
            state.fold(json.loads(line))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return state


def line_of(plain: dict[str, Any]) -> bytes:
    """One fact as it is written; names that are no UTF-8 are lone surrogates, escaped."""
    return json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def boot_id() -> str:
    """What names the time since the system was started; empty where it does not tell."""
    try:
        return _BOOT.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def booted() -> float:
    """When the system was started, seconds since the epoch; 0 where it does not tell."""
    try:
        return time.time() - float(_UPTIME.read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0
