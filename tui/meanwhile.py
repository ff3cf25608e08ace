"""What happened in a run while nobody looked: one sentence for whoever comes back.  Pure, but for the file of `Seen`.

`Seen` keeps for each run when this user's console showed it last, so that it can be told after a lost line, too.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from core.events.view import DiskState, RunView
from tui.clean import clean
from tui.format import clock, plural, span

KEPT = 50
"""Runs that are kept."""

AWAY = 10.0
"""Seconds after which one was away."""


def meanwhile(view: RunView, since: float, now: float) -> str:
    """Requests opened and closed, disks that ended, volumes begun, and what others did since a moment; empty: nothing."""
    told: list[str] = []
    opened = [q for q in view.questions.values() if q.opened > since]
    closed = [q for q in view.questions.values() if q.closed > since]
    for question in closed[-2:]:
        how = f"{clean(question.choice)} by {clean(question.by)}" if question.choice else clean(question.by)
        told.append(f"#{question.asked.id} closed: {how}")
    if len(closed) > 2:
        told.append(f"{len(closed) - 2} more closed")
    if still := [q for q in opened if not q.closed]:
        told.append(f"{plural(len(still), 'request')} opened: {', '.join(f'#{q.asked.id}' for q in still[:4])}")
    ended = [d for d in view.disks.values() if d.ended > since]
    if good := sum(1 for d in ended if d.state in (DiskState.DONE, DiskState.STRANGE)):
        told.append(f"{plural(good, 'disk')} done")
    if bad := sum(1 for d in ended if d.state is DiskState.FAILED):
        told.append(f"{bad} FAILED")
    if acts := [act for at, act in view.acts if at > since and act.result == "OK" and not act.order.startswith("ANSWER")]:
        told.append(f"{plural(len(acts), 'order')} by {', '.join(sorted({clean(act.by) for act in acts}))}")
    if view.ended is not None and view.ended_at > since:
        told.append("the run ended")
    return f"since {clock(since)} ({span(now - since)}): {'; '.join(told)}" if told else ""


class Seen:
    """``console-seen.json``: run directory to the seconds since the epoch at which it was seen last."""

    def __init__(self, path: Path | None = None) -> None:
        base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        self._path = path or Path(base) / "taperoom" / "console-seen.json"

    def when(self, run: Path) -> float:
        """When it was seen last; 0 when nobody knows."""
        found = self._read().get(str(run.absolute()), 0.0)
        return float(found) if isinstance(found, int | float) else 0.0

    def note(self, run: Path, at: float) -> None:
        """It is seen now.  What cannot be written is forgotten."""
        seen = self._read()
        seen[str(run.absolute())] = round(at, 3)
        kept = dict(sorted(seen.items(), key=lambda pair: pair[1])[-KEPT:])
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(kept))
            os.replace(new, self._path)

    def _read(self) -> dict[str, float]:
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {key: float(at) for key, at in found.items() if isinstance(at, int | float)}
