"""Where one stands in the Restore screen: which disk, as of which date, in which directory, what is marked.

Every answer comes from the door in the background; this keeps the last one and says what is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tui.door import Door, Tree
from tui.fetch import Fetch

if TYPE_CHECKING:
    from core.client.browse import Date, Name, Needs

Ask = Callable[[Fetch[Any], Callable[[], Any]], None]


class Browsing:
    """One way through the disks; ``step`` is ``disks``, ``dates`` or ``names``."""

    def __init__(self, door: Door, ask: Ask) -> None:
        self._door, self._ask = door, ask
        self.host = self.disk = self.date = self.path = self.searched = ""
        self.dates: Fetch[list[Date]] = Fetch()
        self.tree: Fetch[Tree] = Fetch()
        self.names: Fetch[list[Name]] = Fetch()
        self.needs: Fetch[Needs] = Fetch()
        self.versions: Fetch[list[Date]] = Fetch()
        self.versions_of = ""
        self.marked: dict[str, Name] = {}

    @property
    def step(self) -> str:
        """How far one has come."""
        return "disks" if not self.host else "dates" if not self.date else "names"

    def choose_disk(self, host: str, disk: str) -> None:
        """Its dates are next."""
        self.host, self.disk, self.date = host, disk, ""
        self._forget()
        door = self._door
        self.dates = Fetch()
        self._ask(self.dates, lambda: door.dates(host, disk))

    def choose_date(self, date: str) -> None:
        """The disk as it was then; one stays in the directory and keeps the marks, as far as they are there then."""
        before, marked = self.path, self.marked
        self.date = date
        self._forget()
        self.path, self.marked = before, marked
        door, host, disk = self._door, self.host, self.disk
        self._ask(self.tree, lambda: door.browse(host, disk, date))

    def settle(self) -> None:
        """The disk is loaded: list the directory, which may be another if there was none of that name then."""
        if self.tree.value is None or self.searched or self.names.busy:
            return
        if self.names.error and self.path:
            self.open("")
        elif self.names.value is None and not self.names.error:
            self.open(self.path)
            if self.marked:
                self._need()

    def open(self, path: str) -> None:
        """A directory."""
        tree = self.tree.value
        if tree is None:
            return
        self.path, self.searched = path, ""
        self.names = Fetch()
        self._ask(self.names, lambda: tree.names(path))

    def search(self, text: str) -> None:
        """Names anywhere on the disk."""
        tree = self.tree.value
        if tree is None or not text:
            return
        self.searched = text
        self.names = Fetch()
        self._ask(self.names, lambda: tree.find(text))

    def up(self) -> str:
        """One step back: out of a search, a directory, a date, a disk; the key that one came from.  Empty: nowhere."""
        match self.step:
            case "names" if self.searched:
                self.open(self.path)
                return self.path or "/"
            case "names" if self.path:
                came = self.path
                self.open(came.rpartition("/")[0])
                return came
            case "names":
                return self.other_date()
            case "dates":
                came, self.host = f"{self.host}\0{self.disk}", ""
                return came
            case _:
                return ""

    def other_date(self) -> str:
        """Back to the dates; the one that was chosen."""
        came, self.date = self.date, ""
        return came

    def mark(self, name: Name) -> None:
        """Mark a name with all below it, or not any more."""
        path = name.path
        if path in self.marked:
            del self.marked[path]
        elif any(path.startswith(f"{other}/") for other in self.marked):
            return  # it is marked with the directory that it is in
        else:
            for other in [other for other in self.marked if other.startswith(f"{path}/")]:
                del self.marked[other]
            self.marked[path] = name
        self._need()

    def state_of(self, name: Name) -> str:
        """``x`` marked, ``-`` something below is, a blank."""
        if name.path in self.marked or any(name.path.startswith(f"{other}/") for other in self.marked):
            return "x"
        return "-" if any(other.startswith(f"{name.path}/") for other in self.marked) else " "

    def unmark(self) -> None:
        """None is marked any more."""
        self.marked.clear()
        self._need()

    def _need(self) -> None:
        tree, paths = self.tree, sorted(self.marked)
        if not paths:
            self.needs = Fetch()
            return

        def needs() -> Needs | None:
            return tree.value.needs(paths) if tree.value is not None else None

        self._ask(self.needs, needs)

    def look_up(self, path: str) -> None:
        """Which dumps have this path."""
        self.versions_of, self.versions = path, Fetch()
        door, host, disk = self._door, self.host, self.disk
        self._ask(self.versions, lambda: door.versions(host, disk, path))

    def _forget(self) -> None:
        self.path = self.searched = self.versions_of = ""
        self.tree, self.names, self.needs, self.versions = Fetch(), Fetch(), Fetch(), Fetch()
        self.marked = {}
