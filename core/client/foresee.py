"""What ``taperoom restore …`` would do, as its own ``--dry-run`` tells it, and how such a command is started."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import StartError, TaperoomError, UsageError, WorldError
from core.model.site import Site

PROGRAM = (sys.executable, "-P", "-m", "core.cli")
_FAULT = re.compile(r"(?:taperoom: )?([A-Z]{3}\d{3}) (.*)")


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a restore would do (`core.restore.forecast.Forecast`, as ``--dry-run --json`` tells it).

    ``stops``: storage (empty for a holding file), label and file numbers, in order; ``taken``: names in the target that would
    be replaced, ``blocked`` those that cannot be; ``refused``: it would not begin.  Bytes, seconds, bytes a second.
    """

    to: str
    files: int
    directories: int
    size: int
    seconds: float
    rate: float
    measured: int
    stops: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    taken: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    refused: bool = False
    warnings: tuple[str, ...] = ()


def foresee(site: Site, words: Sequence[str]) -> Ahead:
    """What ``taperoom restore …`` would do.  The TaperoomError that it would end with; StartError RST059 when it tells
    nothing."""
    done = subprocess.run([*PROGRAM, *words[1:], "--dry-run", "--json"], stdin=subprocess.DEVNULL, capture_output=True,
                          env=environment(site), check=False)
    try:
        told: dict[str, Any] = json.loads(done.stdout)
        return Ahead(
            str(told["to"]), int(told["files"]), int(told["directories"]), int(told["bytes"]), float(told["seconds"]),
            float(told["rate"]), int(told["measured"]),
            tuple((str(stop["storage"]), str(stop["label"]), tuple(map(int, stop["files"]))) for stop in told["order"]),
            tuple(told["taken"]), tuple(told["blocked"]), bool(told["refused"]), tuple(told["warnings"]))
    except (ValueError, KeyError, TypeError):
        raise _fault(done.stderr.decode("utf-8", "replace"), done.returncode) from None


def _fault(said: str, status: int) -> TaperoomError:
    """What a command said before it ended, as the error that it was."""
    lines = said.splitlines()
    for number, line in enumerate(lines):
        if found := _FAULT.fullmatch(line):
            after = lines[number + 1].strip() if number + 1 < len(lines) else ""
            kind = {1: WorldError, 2: UsageError}.get(status, StartError)
            return kind(found[1], found[2], after.removeprefix("Hint: ") if after.startswith("Hint: ") else "")
    return StartError("RST059", lines[-1] if lines else f"the restore ended with status {status} and said nothing",
                      "the command in a shell says more")


def environment(site: Site) -> dict[str, str]:
    """Of a command that is to use this site."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEXTUAL")}
    return kept | {"TAPEROOM_CONFIG": str(site.file)}
