"""All that a pane may know when it makes its rows: the run folded, its gauges, the time, and how to draw.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from core.events.gauges import Gauges
from core.events.view import RunView
from tui.look import Look
from tui.pace import Pace

if TYPE_CHECKING:
    from core.client.restores import Restoring


class Link(StrEnum):
    """How the console stands to the run."""

    NONE = "NO RUN"
    LIVE = "LIVE"
    LOST = "LOST"
    ENDED = "ENDED"
    DEAD = "DRIVER GONE"
    REPLAY = "REPLAY"
    PAST = "AS OF"


@dataclass(frozen=True, slots=True)
class Lost:
    """Since when the driver does not answer, when it is tried again (seconds since the epoch), and how often it was."""

    since: float
    again: float
    tries: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What stands now.  ``now``: seconds since the epoch.  ``who`` sits at this console, and may ``operate`` or watch."""

    view: RunView = field(default_factory=RunView)
    gauges: Gauges = field(default_factory=Gauges)
    pace: Pace = field(default_factory=Pace)
    now: float = 0.0
    look: Look = field(default_factory=Look)
    link: Link = Link.NONE
    who: str = ""
    operate: bool = True
    earlier: int = 0
    """How many runs there are besides this one."""
    lost: Lost | None = None
    restores: tuple[Restoring, ...] = ()
    """Restores under way, newest first."""

    @property
    def others(self) -> list[str]:
        """Who else is attached, as ``name:mode``."""
        found = list(self.gauges.consoles) if self.link in (Link.LIVE, Link.LOST) else []
        mode = "operate" if self.operate else "watch"
        mine = next((n for n in found if n == f"{self.who}:{mode}" or (n.startswith(f"{self.who}(") and n.endswith(mode))), "")
        if mine:
            found.remove(mine)
        return found

    @property
    def at(self) -> float:
        """The time that durations end at: now for a live run, the last fact for one that is over."""
        if self.view.ended is not None:
            return self.view.at
        return self.now if self.link in (Link.LIVE, Link.LOST, Link.REPLAY, Link.PAST) else self.view.at

    @property
    def over(self) -> bool:
        """Whether the run that is shown has ended, well or without a word."""
        return self.link in (Link.ENDED, Link.DEAD) or (self.link is Link.REPLAY and self.view.ended is not None)
