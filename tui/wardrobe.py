"""The themes of this console: registered, chosen, and read again when an operator's own files change.

A theme that fails is told once and the one before stays.  The folder is looked at by time and size of its files, so a
file that is saved is worn within seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import TaperoomError
from tui import theming

if TYPE_CHECKING:
    from tui.app import ConsoleApp

LOOK_AGAIN = 2.0
"""Seconds between two looks at the folder."""


class Wardrobe:
    """Themes of one console."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._marks = theming.marks()
        self._looked = float("-inf")
        self.problems: list[str] = []
        self.names: list[str] = []
        self._take()

    def _take(self) -> None:
        themes, self.problems = theming.available()
        for one in themes.values():
            self._app.register_theme(one)
        self.names = sorted(themes)

    @property
    def current(self) -> str:
        """The theme that is worn."""
        return self._app.theme.removeprefix(theming.PREFIX)

    def wear(self, name: str) -> None:
        """Change into it, whatever was chosen before."""
        self._app.theme = theming.PREFIX + (name if name in self.names else theming.DEFAULT)

    def choose(self, name: str) -> None:
        """Wear it from now on, in later consoles, too."""
        if name not in self.names:
            self._app.say(f"there is no theme {name!r}: {', '.join(self.names)}", bad=True)
            return
        self.wear(name)
        try:
            self._app.store.change(theme=name)
        except TaperoomError as fault:
            self._app.complain(fault)

    def next(self) -> None:
        """The one after this."""
        at = self.names.index(self.current) if self.current in self.names else -1
        self.choose(self.names[(at + 1) % len(self.names)])
        self._app.say(f"theme {self.current}")

    def look(self, at: float) -> None:
        """Read the operator's own themes again if they changed; at most every `LOOK_AGAIN` seconds."""
        if at - self._looked < LOOK_AGAIN:
            return
        self._looked = at
        marks = theming.marks()
        if marks == self._marks:
            return
        self._marks, before, worn = marks, self.problems, self.current
        self._take()
        self.wear(next(name for name in self.names if name != worn))  # the same name again would change nothing
        self.wear(worn)
        for problem in self.problems:
            if problem not in before:
                self._app.say(f"CON005 theme not loaded: {problem}", bad=True)
