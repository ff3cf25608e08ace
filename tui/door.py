"""All that the console knows beyond the run that it follows, through `core.client`: coverage, nights, volumes, clients.

Everything here blocks and belongs in a thread (`tui.fetch`).  `core.client` is imported when it is first asked, so the
first paint does not wait for it.  What fails is a TaperoomError.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.model.site import Site

if TYPE_CHECKING:
    from core.client.ahead import Ahead
    from core.client.browse import Date, Name, Needs, Peek
    from core.client.checks import Finding
    from core.client.clients import ClientRow
    from core.client.coverage import Covered, DiskNight
    from core.client.foresee import Ahead as RestoreAhead
    from core.client.nights import Night, NightRow
    from core.client.restores import Restoring
    from core.client.runs import Run
    from core.client.shelf import Content, Shelf
    from core.client.spool import Spool
    from core.events.event import OperatorActed


class Tree(Protocol):
    """A disk as it was on a date (`core.client.browse.Browser`); every call may take a while."""

    @property
    def datestamp(self) -> str:
        """Of the newest dump that it is made of."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be told of it, as far as it was looked at."""

    @property
    def chain(self) -> list[Date]:
        """The dumps that it is made of, the full first."""

    def names(self, path: str = "", *, counted: bool = True) -> list[Name]:
        """What is in a directory; with ``counted`` how many files are below each."""

    def find(self, text: str) -> list[Name]:
        """Names that have this text."""

    def needs(self, paths: Sequence[str]) -> Needs:
        """What a restore of these paths reads."""

    def peek(self, path: str) -> Peek:
        """The beginning of a file."""


class Door(Protocol):
    """What a screen may ask."""

    def coverage(self, now: float, before: str = "") -> list[Covered]:
        """Each disk of the configuration with its last good backup, of those ``before`` a run when it is named."""

    def nights(self, patience: float) -> list[NightRow]:
        """All runs, newest first."""

    def night(self, stamp: str) -> Night:
        """One run in detail."""

    def disk_nights(self, host: str, disk: str) -> list[DiskNight]:
        """The runs of one disk, newest first."""

    def ahead(self, now: float) -> list[Ahead]:
        """The coming nights as history tells them."""

    def shelves(self, live: Run | None, now: float) -> list[Shelf]:
        """Every storage with its slots and volumes; ``live`` is the run under way."""

    def contents(self, storage: str, label: str) -> list[Content]:
        """What a volume holds."""

    def spool(self, live: Run | None) -> Spool:
        """The holding disks and what lies there."""

    def clients(self, now: float) -> list[ClientRow]:
        """Every client, with its last check."""

    def check(self, hosts: Collection[str]) -> Iterator[Finding | int]:
        """Ask these clients (none: all) whether they would work: findings, and how many are still asked."""

    def acts(self) -> list[tuple[float, OperatorActed]]:
        """What was done outside of runs, oldest first."""

    def disks(self) -> list[tuple[str, str]]:
        """Host and disk of everything that was ever dumped or will be."""

    def dates(self, host: str, disk: str) -> list[Date]:
        """What a disk can be restored to, newest first."""

    def versions(self, host: str, disk: str, path: str) -> list[Date]:
        """The dumps that have a path itself, newest first."""

    def browse(self, host: str, disk: str, as_of: str) -> Tree:
        """A disk as it was on a date."""

    def foresee(self, words: Sequence[str]) -> RestoreAhead:
        """What ``taperoom restore …`` would do."""

    def restorings(self) -> list[Restoring]:
        """The restores that were begun from consoles, or have asked for something, newest first."""


class ClientDoor:
    """The door to a real site; ``config`` empty: the configuration that the state directory's runs name."""

    def __init__(self, state_dir: Path, config: str = "") -> None:
        self._state_dir, self._config = state_dir, config
        self._site: Site | None = None

    def site(self) -> Site:
        """The configuration, read once.  UsageError CFG001 when there is none."""
        if self._site is None:
            from core.client.site import open_site

            self._site = open_site(self._state_dir, self._config)
        return self._site

    def coverage(self, now: float, before: str = "") -> list[Covered]:
        """Each disk of the configuration with its last good backup, of those ``before`` a run when it is named."""
        from core.client.coverage import coverage

        return coverage(self.site(), now, before)

    def nights(self, patience: float) -> list[NightRow]:
        """All runs, newest first."""
        from core.client.nights import list_nights

        return list_nights(self._state_dir, patience=patience)

    def night(self, stamp: str) -> Night:
        """One run in detail."""
        from core.client.coverage import usual_rates
        from core.client.nights import night
        from core.client.runs import Run
        from core.errors import TaperoomError

        try:
            usual = usual_rates(self.site())
        except TaperoomError:
            usual = {}
        return night(Run(self._state_dir / "runs" / stamp), usual)

    def disk_nights(self, host: str, disk: str) -> list[DiskNight]:
        """The runs of one disk, newest first."""
        from core.client.coverage import disk_nights

        return disk_nights(self.site(), host, disk)

    def ahead(self, now: float) -> list[Ahead]:
        """The coming nights as history tells them."""
        from core.client.ahead import ahead

        return ahead(self.site(), now)

    def shelves(self, live: Run | None, now: float) -> list[Shelf]:
        """Every storage with its slots and volumes."""
        from core.client.runs import view_of
        from core.client.shelf import shelves

        # The console's own view changes under a thread, so the journal is folded once more.
        return shelves(self.site(), view_of(live) if live else None, now)

    def contents(self, storage: str, label: str) -> list[Content]:
        """What a volume holds."""
        from core.client.shelf import contents

        return contents(self.site(), storage, label)

    def spool(self, live: Run | None) -> Spool:
        """The holding disks and what lies there."""
        from core.client.follow import read_gauges
        from core.client.runs import view_of
        from core.client.spool import spool

        site = self.site()
        return spool(site, view_of(live), read_gauges(live)) if live else spool(site)

    def clients(self, now: float) -> list[ClientRow]:
        """Every client, with its last check."""
        from core.client.clients import clients

        return clients(self.site(), now)

    def check(self, hosts: Collection[str]) -> Iterator[Finding | int]:
        """Ask these clients (none: all) whether they would work."""
        from core.client.clients import check

        site = self.site()
        return check(site, [disk for disk in site.disks if not hosts or disk.host.name in hosts])

    def acts(self) -> list[tuple[float, OperatorActed]]:
        """What was done outside of runs, oldest first."""
        from core.client.acts import acts

        return acts(self._state_dir)

    def disks(self) -> list[tuple[str, str]]:
        """Host and disk of everything that was ever dumped or will be."""
        from core.client.browse import disks

        return disks(self.site())

    def dates(self, host: str, disk: str) -> list[Date]:
        """What a disk can be restored to, newest first."""
        from core.client.browse import dates

        return dates(self.site(), host, disk)

    def versions(self, host: str, disk: str, path: str) -> list[Date]:
        """The dumps that have a path itself, newest first."""
        from core.client.browse import versions

        return versions(self.site(), host, disk, path)

    def browse(self, host: str, disk: str, as_of: str) -> Tree:
        """A disk as it was on a date."""
        from core.client.browse import Browser

        return Browser(self.site(), host, disk, as_of)

    def foresee(self, words: Sequence[str]) -> RestoreAhead:
        """What ``taperoom restore …`` would do."""
        from core.client.foresee import foresee

        return foresee(self.site(), words)

    def restorings(self) -> list[Restoring]:
        """The restores that were begun from consoles, or have asked for something, newest first."""
        from core.client.restores import restorings

        return restorings(self._state_dir)
