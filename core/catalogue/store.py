"""The catalogue file: opening it, putting facts in, asking rows out.

An index, never the truth: it may be deleted at any time and `core.catalogue.rebuild` makes it again.  Several programs
may have it open (WAL); one writes at a time.  Knows no question in particular: those are in `queries`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from core.catalogue import sums
from core.catalogue.binding import bind
from core.errors import WorldError

if TYPE_CHECKING:
    from core.events.event import Record

VERSION = 1
"""``PRAGMA user_version``; a file of another version is rebuilt."""
BUSY = 10.0
"""Seconds to wait for another writer."""

Value = str | int | float
Row = tuple[Any, ...]

_seen: dict[Path, tuple[object, ...]] = {}
"""Files that this process has compared with their checksums, as they were then."""


class StaleCatalogue(WorldError):
    """The file is damaged, of another version or no catalogue (RST002); whoever can should rebuild it."""

    def __init__(self, message: str) -> None:
        super().__init__("RST002", message, "rebuild it: taperoom catalogue rebuild")


class Catalogue:
    """One open catalogue.  ``StaleCatalogue`` when the file is no good, WorldError RST001 when it cannot be used at all.

    ``wal`` False is for a file that nobody else sees yet.
    """

    def __init__(self, path: Path, *, wal: bool = True) -> None:
        self.path = path
        self.changed = False
        """Whether the file's checksums are to be made anew when it is closed."""
        self._wal = wal
        self._batch = False
        self._seqs: dict[str, int] = {}
        with self._guard("opened"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            # SQLite would let everybody read it; the files that it adds beside have the same mode.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
            self._db = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
        try:
            with self._guard("opened"):
                self._prepare(wal)
                self._inode = os.stat(path).st_ino
                self._compare()
        except StaleCatalogue as stale:
            self._db.close()
            raise self._where(stale) from stale
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, wal: bool) -> None:
        self._db.execute(f"PRAGMA journal_mode={'WAL' if wal else 'OFF'}")
        self._db.execute(f"PRAGMA synchronous={'NORMAL' if wal else 'OFF'}")
        if self._db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            # Two programs may open a new file at once: the second finds it made.
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                for statement in _schema():
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={VERSION}")
                self.changed = True
                if wal:
                    sums.sums_file(self.path).unlink(missing_ok=True)  # of one that somebody removed
            elif version != VERSION:
                raise StaleCatalogue(f"the catalogue {self.path} is of version {version}, not {VERSION}")
        finally:
            self._db.execute("COMMIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, with its checksums beside it if it was changed."""
        if self.changed and self._wal:
            with contextlib.suppress(sqlite3.Error, OSError):  # without checksums it is as good, only less sure
                self._save_sums()
        self._db.close()

    def _compare(self) -> None:
        text = sums.read_sums(self.path) if self._wal else None
        if text is None:
            return
        found = os.stat(self.path)
        state = (text, found.st_ino, found.st_size, found.st_mtime_ns)
        if _seen.get(self.path) == state or not sums.difference(self._db.serialize(), text):
            _seen[self.path] = state
            return
        # Somebody may have begun to write since the checksums were read: then they are gone now.
        self._db.execute("BEGIN IMMEDIATE")
        try:
            text = sums.read_sums(self.path)
            why = sums.difference(self._db.serialize(), text) if text is not None else ""
        finally:
            self._db.rollback()
        if why:
            raise StaleCatalogue(f"the catalogue {self.path} is damaged: {why}")

    def _where(self, stale: StaleCatalogue) -> StaleCatalogue:
        """The same with the place of the damage, when only the checksums know it."""
        with contextlib.suppress(OSError):
            text = sums.read_sums(self.path) if self._wal and "bytes" not in stale.message else None
            if text is not None and (why := sums.difference(self.path.read_bytes(), text)):
                return stale if why in stale.message else StaleCatalogue(f"{stale.message}: {why}")
        return stale

    def _save_sums(self) -> None:
        self._db.execute("PRAGMA busy_timeout=0")  # another writer will do it when it closes
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if os.stat(self.path).st_ino == self._inode:
                sums.write_sums(self.path, self._db.serialize())
        finally:
            self._db.rollback()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Make everything applied inside one transaction: all of it is in the file afterwards, or none."""
        with self._guard("written"):
            self._db.execute("BEGIN IMMEDIATE")
            self._batch = True
            if self._wal:
                sums.sums_file(self.path).unlink(missing_ok=True)
            self.changed = True
            self._seqs.clear()
            try:
                yield
                self._save_seqs()
                self._db.execute("COMMIT")
            except BaseException:
                self._db.rollback()
                raise
            finally:
                self._batch = False

    def apply(self, run: str, record: Record) -> bool:
        """Take one fact of ``run`` in; False when it was in already.  Facts of a run come in the order of their numbers.

        WorldError RST001 when the file cannot be written: stop applying then, the rest is caught up from the journal
        when the catalogue is opened next.
        """
        if not self._batch:
            with self.batch():
                return self.apply(run, record)
        with self._guard("written"):
            if record.seq <= self._seq(run):
                return False
            # The classes of all facts take a tenth of a second; a command that only asks has no use for them.
            from core.catalogue.fold import fold

            fold(self._db, run, record)
            self._seqs[run] = record.seq
            return True

    def _seq(self, run: str) -> int:
        if run not in self._seqs:
            self._db.execute("INSERT OR IGNORE INTO runs (run) VALUES (?)", (bind(run),))
            found = self._db.execute("SELECT seq FROM runs WHERE run=?", (bind(run),)).fetchone()
            self._seqs[run] = int(found[0])
        return self._seqs[run]

    def _save_seqs(self) -> None:
        self._db.executemany("UPDATE runs SET seq=? WHERE run=?", [(seq, bind(run)) for run, seq in self._seqs.items()])

    def change(self, sql: str, *values: Value) -> None:
        """Change rows for a reason that no journal has (see `core.catalogue.outside`); inside a `batch`."""
        with self._guard("written"):
            self._db.execute(sql, [bind(value) if isinstance(value, str) else value for value in values])

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """The rows of a question; names come back as they went in, surrogate escapes and all."""
        return list(self.each(sql, *values))

    def each(self, sql: str, *values: Value) -> Iterator[Row]:
        """The same row by row, for answers that need not be in memory at once."""
        bound = [bind(value) if isinstance(value, str) else value for value in values]
        with self._guard("read"):
            for row in self._db.execute(sql, bound):
                if bytes in map(type, row):
                    row = tuple([v.decode("utf-8", "surrogateescape") if isinstance(v, bytes) else v for v in row])
                yield row

    def dump(self) -> list[str]:
        """The whole content as lines of SQL: two catalogues with equal dumps are equal."""
        return list(self._db.iterdump())

    @contextlib.contextmanager
    def _guard(self, what: str) -> Iterator[None]:
        """A fault of the file becomes ours to tell; damage becomes `StaleCatalogue`."""
        try:
            yield
        except sqlite3.OperationalError as fault:
            if str(fault).startswith("no such"):
                raise StaleCatalogue(f"the catalogue {self.path} is incomplete: {fault}") from fault
            raise WorldError(
                "RST001", f"the catalogue {self.path} cannot be {what}: {fault}",
                "it is only an index: backups go on, and it catches up from the journals when it can be written") from fault
        except sqlite3.DatabaseError as fault:
            raise StaleCatalogue(f"the catalogue {self.path} is damaged: {fault}") from fault
        except OSError as fault:
            raise WorldError("RST001", f"the catalogue {self.path} cannot be {what}: {fault.strerror}",
                             "check that the directory exists, is writable and has room") from fault


def _schema() -> list[str]:
    text = Path(__file__).with_name("schema.sql").read_text("utf-8")
    bare = "\n".join(line.partition("--")[0].rstrip() for line in text.splitlines())
    return [statement.strip() for statement in bare.split(";") if statement.strip()]
