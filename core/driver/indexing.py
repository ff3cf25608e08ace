"""The catalogue as the driver feeds it: an index over the journal, never the truth.

A catalogue that cannot be written costs the run nothing: it is rebuilt from the journals.  At the end the operator's
orders that this night fulfilled, such as a forced full, are forgotten.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys

from core.catalogue.orders import settle
from core.catalogue.rebuild import open_catalogue
from core.catalogue.store import Catalogue
from core.errors import TaperoomError
from core.events.event import DumpEnded, Record, RunClosing, RunEnded
from core.model.site import Site


class Indexing:
    """Records are kept and applied in batches, about once a second and at the end."""

    def __init__(self, site: Site, run: str) -> None:
        self._site, self._run = site, run
        self._pending: list[Record] = []
        self._dumped: dict[str, int] = {}
        self.fault = ""
        """Why nothing is written any more; empty while all is well."""
        self.closing = self.ended = False
        """Whether the run closes, and whether its last fact was added."""
        self._catalogue: Catalogue | None = None
        with self._guard():
            opened = open_catalogue(site)
            self._catalogue = opened.catalogue
            for warning in opened.warnings:
                print(f"driver: {warning}", file=sys.stderr)

    def add(self, record: Record) -> None:
        """Keep a record for the next batch."""
        self._pending.append(record)
        match record.event:
            case DumpEnded(host=host, disk=disk, level=level, outcome="done" | "strange"):
                self._dumped[f"{host}:{disk}"] = level
            case RunClosing():
                self.closing = True
            case RunEnded():
                self.ended = True

    def flush(self, durable: int) -> None:
        """Apply what was kept up to record ``durable``: what is not on disk is no fact yet."""
        if self._catalogue is None or not self._pending:
            return
        pending = [record for record in self._pending if record.seq <= durable]
        self._pending = [record for record in self._pending if record.seq > durable]
        with self._guard(), self._catalogue.batch():
            for record in pending:
                self._catalogue.apply(self._run, record)

    def close(self, durable: int) -> None:
        """Apply the rest and close."""
        self.flush(durable)
        if self._catalogue is not None:
            with self._guard():
                self._catalogue.close()
        try:
            settle(self._site, self._dumped.items())
        except TaperoomError as fault:
            print(f"driver: {fault}", file=sys.stderr)

    @contextlib.contextmanager
    def _guard(self):  # type: ignore[no-untyped-def]
        try:
            yield
        except (sqlite3.Error, OSError, OverflowError, TaperoomError) as fault:
            self.fault = f"the catalogue cannot be written ({fault}); it will be rebuilt from the journals"
            print(f"driver: {self.fault}", file=sys.stderr)
            self._catalogue = None
