"""Coming back to a run: after a lost line, a sleep or a night's rest it is told, once, what happened meanwhile."""

from __future__ import annotations

from tui.feed import Feed
from tui.meanwhile import AWAY, Seen, meanwhile

NOTED = 15.0
"""Seconds between two notes that a run was seen."""


class Returning:
    """Knows when this user saw a run last."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._told, self._noted = 0.0, 0.0

    def begin(self, feed: Feed, now: float) -> None:
        """A run is shown from its beginning: mark where this user left it, if that was a while ago."""
        if feed.run is not None and (left := self._seen.when(feed.run.path)) and now - left > AWAY:
            feed.away_since(left)

    def look(self, feed: Feed, now: float) -> str:
        """What is to be told now; empty: nothing."""
        if not feed.caught_up or feed.run is None or feed.view.began is None:
            return ""
        text = ""
        if feed.left and feed.left != self._told:
            self._told = feed.left
            text = meanwhile(feed.view, feed.left, now)
        if now - self._noted >= NOTED:
            self.leave(feed, now)
        return text

    def leave(self, feed: Feed, now: float) -> None:
        """It was seen until now."""
        if feed.run is not None and feed.caught_up:
            self._noted = now
            self._seen.note(feed.run.path, now)
