"""Tapes: which volume is written now, which comes next, what to bring, and what is on each.

Without a configuration, and in the past, it shows what the run itself says of its storages and volumes.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from core.client.shelf import Content, Shelf, VolumeRow
from tui.clean import clean
from tui.columns import Entry
from tui.fetch import Fetch
from tui.goto import Goto
from tui.moment import Link, Moment
from tui.panes import shelf, tapes
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Subject, VolumeAt
from tui.travel import open_dump
from tui.widgets.lines import Lines
from tui.widgets.table import Table


class TapesScreen(ConsoleScreen):
    """Storages and volumes."""

    where = "tapes"
    BINDINGS = bindings("tapes")
    AUTO_FOCUS = "#volumes"

    def __init__(self) -> None:
        super().__init__()
        self._contents: Fetch[list[Content]] = Fetch()
        self._of = ("", "", 0, 0)
        self._wanted = ""
        self._begun = False

    def body(self) -> ComposeResult:
        """Storages above, volumes, the contents of one, what comes next."""
        look = self.console_app.look
        storages = Table(tapes.STORAGES, id="storages", title="Storages", look=look, empty="no storage was started yet")
        storages.can_focus = False
        yield storages
        yield Table(shelf.SLOTS, id="volumes", title="Slots", look=look, empty="looking through the slots …")
        with Container(classes="row", id="of-volume"):
            yield Table(shelf.CONTENTS, id="contents", title="Contents", look=look, empty="nothing is on it")
            yield Lines(id="soon", classes="pane", look=look)
        yield Lines(id="flushed", grows=True, look=self.console_app.look)

    def refill(self) -> None:
        """Another run: what is on a volume may be told otherwise."""
        self._of = ("", "", 0, 0)

    # ---- what is shown -----------------------------------------------------------------

    @property
    def shelves(self) -> list[Shelf]:
        """The storages as they are now; none in the past, where only the run's own words count."""
        now = self.console_app.feed.link
        return [] if now in (Link.REPLAY, Link.PAST) else self.console_app.known.shelves.value or []

    def show(self, now: Moment) -> None:
        """All panes."""
        if self.is_current and now.link not in (Link.REPLAY, Link.PAST):
            self.console_app.known.want("shelves")
        self._storages(now)
        if self.shelves:
            self._slots(now, self.shelves)
        else:
            self._volumes(now)
        self.query_one("#flushed", Lines).put([*tapes.flushed_rows(now), *tapes.wanted(now.view)] if self.tall else [])
        self.set_class(self.focused is self.query_one("#contents", Table), "-inside")

    def _storages(self, now: Moment) -> None:
        table, storages = self.query_one("#storages", Table), tapes.storage_entries(now)
        table.put(storages)
        self.set_class(now.view.began is None or now.over, "-rest")
        wanted = min(len(storages) or 1, max(2, self.size.height // 4)) + 1 + (2 if self.wide else 1)
        if table.styles.height is None or table.styles.height.value != wanted:
            table.styles.height = wanted

    def _slots(self, now: Moment, shelves: list[Shelf]) -> None:
        volumes = self.query_one("#volumes", Table)
        volumes.set_columns(shelf.MANY if len(shelves) > 1 else shelf.SLOTS)
        volumes.put([row for row in shelf.entries(now, shelves) if self._has_it(row.key.rpartition("\0")[2])],
                    shelf.title(shelves), self._none_of_it or "no slot and no volume is known of yet")
        if not self._begun and volumes.rows:
            self._begun = True
            first = next((r for word in ("WRITING", "NEXT") for s in shelves for r in s.rows if r.word == word), None)
            volumes.go_to(shelf.key_of(first) if first else volumes.key)
        if self._wanted:
            self._go_to(self._wanted)
        row = self.chosen()
        storage, label = (row.storage, row.label) if row else ("", "")
        if row is not None:
            self._look_into(storage, label, now.view.seq, row.files)
        contents = self.query_one("#contents", Table)
        contents.set_columns(shelf.CONTENTS)
        tonight = now.view.began.datestamp if now.view.began and not now.over else ""
        known = self._contents.value if (storage, label) == self._of[:2] else None
        waiting = "nothing is on it" if known is not None or not label else self._contents.error or "reading …"
        only = self.console_app.only
        contents.put(shelf.content_entries([one for one in known or [] if only in (None, (one.host, one.disk))], tonight)
                     if label else [],
                     shelf.contents_title(row), waiting)
        soon = self.query_one("#soon", Lines)
        soon.border_title = "Next"
        soon.put(shelf.next_rows(shelves, storage, soon.content_size.width or 40))
        self.remove_class("-unsaid")

    def _volumes(self, now: Moment) -> None:
        known, volumes = self.console_app.known.shelves, self.query_one("#volumes", Table)
        none = now.view.began is None
        volumes.set_columns(shelf.SLOTS if none else tapes.VOLUMES)
        waiting = known.state("looking through the slots …") if none else "no volume was begun yet"
        volumes.put([row for row in tapes.volume_entries(now) if self._has_it(row.key.partition("\0")[2])],
                    "Slots" if none else "Volumes of this run",
                    f"{waiting}  {known.hint}" if none else self._none_of_it or waiting)
        label = volumes.key.partition("\0")[2]
        contents = self.query_one("#contents", Table)
        contents.set_columns(tapes.CONTENTS)
        rows: list[Entry] = tapes.content_entries(now, volumes.key)
        contents.put(rows, f"On {clean(label)} from this run" if label else "Contents", "nothing of this run is on it yet")
        soon = self.query_one("#soon", Lines)
        soon.border_title = "Next"
        soon.put([((f" {known.error}", "bad"),), ((f" {known.hint}", "muted"),)] if known.error else [])
        self.set_class(none or not known.error, "-unsaid")

    def _has_it(self, label: str) -> bool:
        """Whether a volume has a dump of the one disk that is shown, as far as the run and the last nights tell."""
        app = self.console_app
        if app.only is None:
            return True
        known = app.feed.view.disks.get(app.only)
        labels = {one for _, one, _ in known.parts} if known else set[str]()
        return label in labels.union(*(night.labels for night in app.known.nights_of(*app.only) or []))

    @property
    def _none_of_it(self) -> str:
        return "no volume has a dump of it" if self.console_app.only is not None else ""

    def _look_into(self, storage: str, label: str, seq: int, files: int) -> None:
        """Ask what is on the volume; again when more files are on it or the run has got on, but not with each fact."""
        before = self._of
        if label and before[:2] == (storage, label) and before[3] == files and seq - before[2] < 50:
            return
        self._of = (storage, label, seq, files)
        if not label:
            self._contents = Fetch()  # what was read of another volume is not in this slot
            return
        if before[:2] != (storage, label):
            self._contents = Fetch()
        door = self.console_app.door
        self.console_app.known.ask(self._contents, lambda: door.contents(storage, label))

    def chosen(self) -> VolumeRow | None:
        """The slot under the cursor."""
        key = self.query_one("#volumes", Table).key
        return next((row for one in self.shelves for row in one.rows if shelf.key_of(row) == key), None)

    # ---- keys --------------------------------------------------------------------------

    def subject(self) -> Subject:
        """The volume under the cursor."""
        row, contents = self.chosen(), self.query_one("#contents", Table)
        host, _, rest = contents.key.partition("\0")
        disk = (host, rest.partition("\0")[0]) if rest and self.focused is contents else self.console_app.only
        if row is None:
            return Subject(disk)
        looked = row.label and (row.storage, row.label) == self._of[:2] and self._contents.value is not None
        dumps = len(self._contents.value or []) if looked else row.files
        needed = row.reason if row.word in ("active", "WRITING") or row.flag == "no-reuse" else ""
        return Subject(disk, volume=VolumeAt(row.storage, row.slot, row.label, row.used, dumps, needed, row.loaded,
                                       row.flag != "no-reuse", row.reason if row.word == "faulty" else ""))

    def on_table_moved(self) -> None:
        """Another volume."""
        self.again()

    def goto(self, where: Goto) -> None:
        """``:tape LABEL``."""
        self.query_one("#volumes", Table).focus()
        self._wanted = where.value
        self.again()

    def _go_to(self, label: str) -> None:
        table, self._wanted = self.query_one("#volumes", Table), ""
        found = next((row.key for row in table.rows if label in row.key.split("\0")[1:]), None)
        if found is None:
            table.set_filter(label)
        else:
            table.go_to(found)

    def action_scan(self) -> None:
        """Look through all slots again."""
        self._of = ("", "", 0, 0)
        self.console_app.known.want("shelves", 0.0)
        self.console_app.say("looking through all slots again")

    def action_open(self) -> None:
        """From the volumes to its contents; from there to the story of that dump."""
        contents = self.query_one("#contents", Table)
        if self.focused is not contents:
            self.add_class("-inside")
            contents.focus()
        elif contents.key:
            host, _, rest = contents.key.partition("\0")
            if rest:
                open_dump(self.console_app, host, rest.partition("\0")[0])

    def action_back(self) -> None:
        """Esc: from the contents back to the volumes."""
        volumes = self.query_one("#volumes", Table)
        if self.focused is self.query_one("#contents", Table):
            self.remove_class("-inside")
            volumes.focus()
        else:
            super().action_back()
