"""How often the screen is brought up to date: as often as the link bears it.  Pure.

``auto`` is ``fast`` until the terminal's answers come late, then ``slow``.  Keys are never slowed down: what they change is
painted at once.
"""

from __future__ import annotations

TICK = 0.25
"""Seconds between two looks at what is new."""

SECONDS = {"fast": TICK, "slow": 2.0, "frugal": 5.0}
"""Profile to the seconds between two frames."""

LATE = 0.25
"""Seconds that a terminal may take for its answer before the link is called slow."""


class Rate:
    """Tells which ticks are frames."""

    def __init__(self, profile: str = "auto") -> None:
        self.profile = profile
        self._framed = float("-inf")
        self._slow = False

    def now(self, echo: float) -> str:
        """The profile that holds: ``fast``, ``slow`` or ``frugal``; ``echo``: seconds of the terminal's last answer."""
        if self.profile in SECONDS:
            return self.profile
        self._slow = echo > (LATE / 2 if self._slow else LATE)  # what was slow has to be well before it is fast again
        return "slow" if self._slow else "fast"

    def due(self, at: float, echo: float) -> bool:
        """Whether this tick is a frame."""
        if at - self._framed < SECONDS[self.now(echo)] - TICK / 2:
            return False
        self._framed = at
        return True
