"""Where one stands in the Restore screen: which disk, as of which date, in which directory, what is marked.

Every answer comes from the door in the background; this keeps the last one and says what is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.client.standing import Standing, above, beside, covered
from tui.door import Door, Tree
from tui.fetch import Fetch

if TYPE_CHECKING:
    from core.client.browse import Date, Name, Needs

Ask = Callable[[Fetch[Any], Callable[[], Any]], None]


class Browsing:
    """One way through the disks; ``step`` is ``disks``, ``dates`` or ``names``."""

    def __init__(self, door: Door, ask: Ask) -> None:
        self._door, self._ask = door, ask
        self.at = Standing()
        self.searched = self.versions_of = ""
        self.choosing = False
        """The disk is chosen, and another date is looked for."""
        self.dates: Fetch[list[Date]] = Fetch()
        self._tree: Fetch[Tree] = Fetch()
        self.names: Fetch[list[Name]] = Fetch()
        self.needs: Fetch[Needs] = Fetch()
        self.versions: Fetch[list[Date]] = Fetch()
        self._sets: tuple[tuple[str, ...], frozenset[str], frozenset[str]] = ((), frozenset(), frozenset())

    @property
    def host(self) -> str:
        """Empty: none is chosen."""
        return self.at.host

    @property
    def disk(self) -> str:
        """Empty: none is chosen."""
        return self.at.disk

    @property
    def date(self) -> str:
        """The datestamp of the dump that is looked through."""
        return self.at.date

    @property
    def path(self) -> str:
        """The directory."""
        return self.at.path

    @property
    def marked(self) -> tuple[str, ...]:
        """Paths."""
        return self.at.marks

    @property
    def step(self) -> str:
        """How far one has come."""
        return "disks" if not self.at.disk else "dates" if self.choosing or not self.at.date else "names"

    @property
    def tree(self) -> Tree | None:
        """The disk as it was then, once it is read; not the one of a date before."""
        found = self._tree.value
        return found if found is not None and found.datestamp == self.at.date else None

    def waits(self, text: str) -> str:
        """Why there are no names yet; empty when there could be."""
        if self.tree is None:
            return self._tree.error if not self._tree.busy and self._tree.error else text
        return self.names.state("reading …")

    # ---- disk and date -------------------------------------------------------------------

    def choose_disk(self, host: str, disk: str) -> None:
        """Its dates are next."""
        self.at = Standing(host, disk, target=self.at.target)
        self.choosing, self._tree = False, Fetch()
        self._forget()
        self._fetch_dates()

    def _fetch_dates(self) -> None:
        door, host, disk = self._door, self.host, self.disk
        self.dates = Fetch()
        self._ask(self.dates, lambda: door.dates(host, disk))

    def choose_date(self, date: str) -> None:
        """The disk as it was then; one stays in the directory and keeps the marks, as far as they are there then."""
        if self.choosing and date == self.at.date and self.tree is not None:
            self.choosing = False
            return
        self.at, self.choosing = replace(self.at, date=date), False
        self._forget()
        self._fetch_tree()

    def _fetch_tree(self) -> None:
        door, host, disk, date = self._door, self.host, self.disk, self.date
        self._tree.error = ""
        # One at a time, the newest question next: who steps through the dates does not read all their indexes at once.
        self._ask(self._tree, lambda: door.browse(host, disk, date))

    def step_date(self, by: int) -> Date | None:
        """To the dump before (−1) or after (1) this one; None when there is none."""
        found = beside(self.dates.value or [], self.date, by)
        if found is not None:
            self.choose_date(found.datestamp)
        return found

    def other_date(self) -> str:
        """To the dates; the one that was chosen."""
        self.choosing = True
        return self.at.date

    def adopt(self, at: Standing) -> None:
        """Stand there from now on; what is known already is not asked for again."""
        before, self.at, self.choosing = self.at, at, False
        if (before.host, before.disk) != (at.host, at.disk):
            self._forget()
            self._tree, self.dates = Fetch(), Fetch()
            if at.disk:
                self._fetch_dates()
        if at.date and (before.host, before.disk, before.date) != (at.host, at.disk, at.date):
            self._forget()
            self._fetch_tree()
        elif before.path != at.path:
            self.names, self.searched = Fetch(), ""
        if before.marks != at.marks:
            self._need()

    # ---- directories ---------------------------------------------------------------------

    def settle(self) -> None:
        """The disk is loaded: list the directory, which may be another if there was none of that name then."""
        if self.tree is None or self.searched or self.names.busy:
            return
        if self.names.error and self.path:
            self.open("")
        elif self.names.value is None and not self.names.error:
            self.open(self.path)
            if self.marked:
                self._need()

    def open(self, path: str) -> None:
        """A directory."""
        tree = self.tree
        if tree is None:
            return
        self.at, self.searched = replace(self.at, path=path), ""
        self.names = Fetch()
        self._ask(self.names, lambda: tree.names(path))

    def search(self, text: str) -> None:
        """Names anywhere on the disk."""
        tree = self.tree
        if tree is None or not text:
            return
        self.searched = text
        self.names = Fetch()
        self._ask(self.names, lambda: tree.find(text))

    def jump(self, name: Name) -> None:
        """To what a search found: into a directory, or where a file is."""
        self.open(name.path if name.directory else name.path.rpartition("/")[0])

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
                came = f"{self.host}\0{self.disk}"
                self.at, self.choosing = Standing(target=self.at.target), False
                self._tree = Fetch()
                self._forget()
                return came
            case _:
                return ""

    # ---- marks ---------------------------------------------------------------------------

    def _marks(self) -> tuple[frozenset[str], frozenset[str]]:
        """The marks and all that is above them, for quick answers."""
        if self._sets[0] != self.at.marks:
            self._sets = (self.at.marks, frozenset(self.at.marks), above(self.at.marks))
        return self._sets[1:]

    def is_marked(self, path: str) -> bool:
        """Itself, or with a directory that it is in."""
        return covered(self._marks()[0], path)

    def state_of(self, path: str) -> str:
        """``x`` marked, ``-`` something below is, a blank."""
        return "x" if self.is_marked(path) else "-" if path in self._marks()[1] else " "

    def mark(self, marks: tuple[str, ...]) -> None:
        """These are marked from now on."""
        self.at = replace(self.at, marks=marks)
        self._need()

    def _need(self) -> None:
        paths = sorted(self.marked)
        if not paths:
            self.needs = Fetch()
            return

        def needs() -> Needs | None:
            tree = self.tree
            return tree.needs(paths) if tree is not None else None

        self.needs.error = ""
        self._ask(self.needs, needs)

    def look_up(self, path: str) -> None:
        """Which dumps have this path."""
        self.versions_of, self.versions = path, Fetch()
        door, host, disk = self._door, self.host, self.disk
        self._ask(self.versions, lambda: door.versions(host, disk, path))

    def _forget(self) -> None:
        """What was known of another date."""
        self.searched = self.versions_of = ""
        self.names, self.needs, self.versions = Fetch(), Fetch(), Fetch()


class Asking:
    """What the words ask (`core.client.standing.World`): through the door, but for what is known already.  In a thread."""

    def __init__(self, door: Door, way: Browsing, now: float) -> None:
        self._door, self._now = door, now
        self._dates = {(way.host, way.disk): way.dates.value}
        self._trees = {(way.host, way.disk, way.date): way.tree}

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def disks(self) -> list[tuple[str, str]]:
        """Host and disk of everything that was ever dumped or will be."""
        return self._door.disks()

    def dates(self, host: str, disk: str) -> list[Date]:
        """What a disk can be restored to, newest first."""
        found = self._dates.get((host, disk))
        return self._door.dates(host, disk) if found is None else found

    def tree(self, host: str, disk: str, date: str) -> Tree:
        """A disk as it was then."""
        found = self._trees.get((host, disk, date))
        return self._door.browse(host, disk, date) if found is None else found
