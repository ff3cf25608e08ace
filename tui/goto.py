"""What ``:`` understands: ``:tapes``, ``:dump web1:/home``, ``:run 20261201``, ``:client web1``, ``:tape LABEL``.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.events.view import RunView
from tui.clean import clean
from tui.keys import PLACES, place

WORDS: dict[str, str] = {
    "disk": "run", "dle": "run", "dump": "dump", "client": "clients", "host": "clients", "run": "open", "live": "open",
    "handle": "protocol", "channel": "protocol", "word": "protocol", "traffic": "protocol", "only": "only",
    "tape": "tapes", "volume": "tapes",
    "file": "restore", "theme": "theme", "messages": "messages", "explain": "explain", "quit": "quit", "detach": "quit",
    "help": "help", "keys": "keys", "restores": "restores",
}


@dataclass(frozen=True, slots=True)
class Goto:
    """Where to go: a screen's name, ``open``, ``dump``, ``only``, ``messages``, ``restores``, ``explain``, ``theme``, ``help``
    or ``quit``; ``what`` was named and its ``value``."""

    target: str
    what: str = ""
    value: str = ""


def parse(text: str) -> Goto | None:
    """Where ``text`` leads; None when it leads nowhere."""
    word, _, rest = text.strip().lstrip(":").partition(" ")
    rest = rest.strip()
    if not word:
        return None
    if word.lower() in WORDS:
        if word.lower() == "run" and not rest:
            return Goto("run")
        return Goto(WORDS[word.lower()], word.lower(), rest)
    if (found := place(word)) is not None:
        return Goto(found.name, "filter" if rest else "", rest)
    if re.fullmatch(r"\d{2}-\d{5,}", word):
        return Goto("protocol", "handle", word)
    if re.fullmatch(r"20\d{6,12}", word):
        return Goto("open", "run", word)
    if re.fullmatch(r"[A-Za-z]{3}\d{3}[A-Za-z]?", word):
        return Goto("explain", "explain", word)
    return Goto("run", "disk", word) if ":" in word else None


def suggestions(view: RunView, stamps: Iterable[str], themes: Iterable[str], labels: Iterable[str] = (),
                titles: Iterable[str] = ()) -> list[str]:
    """What may be typed, for completion; ``labels`` of volumes and ``titles`` of disks that the run does not know."""
    found: list[str] = [p.name for p in PLACES]
    found += ["live", "help", "quit", "messages", "restores", *(f"theme {name}" for name in themes),
              *(f"run {stamp}" for stamp in stamps)]
    found += [clean(f"{word} {disk.title}") for word in ("disk", "dump", "only", "traffic", "restore")
              for disk in view.disks.values()]
    more = set(titles) - {disk.title for disk in view.disks.values()}
    found += [clean(f"{word} {title}") for word in ("dump", "only", "restore") for title in sorted(more)]
    known = [*(volume.label for volume in view.volumes), *(taper.next_label for taper in view.tapers.values()), *labels]
    found += [clean(f"tape {label}") for label in dict.fromkeys(known) if label]
    codes = [q.asked.code for q in view.questions.values()] + [notice.code for _, notice in view.notices]
    found += [f"explain {code}" for code in dict.fromkeys(codes) if code.isalnum()]
    found += [clean(f"client {host}") for host in sorted({disk.host for disk in view.disks.values()})]
    return found
