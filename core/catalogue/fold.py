"""The one fold from facts of a run into rows: the driver's live catalogue and a rebuilt one both come from here.

Records of a run come in the order of their numbers, runs in the order of their datestamps.  Knows SQL, but neither
files nor transactions: `core.catalogue.store` has those.
"""

from __future__ import annotations

import sqlite3
from typing import assert_never

from core.catalogue.binding import bind
from core.events import event as e
from core.events.event import Record
from core.model.units import seconds_of_datestamp


def fold(db: sqlite3.Connection, run: str, record: Record) -> None:
    """Put one fact into the tables.  The caller has made sure that it is new and holds a transaction."""
    # The journal keeps microseconds: a live record has to give the row that its line gives later.
    event, at = record.event, round(record.at, 6)
    match event:
        case e.RunBegan() | e.RunClosing() | e.RunEnded():
            _run(db, run, event, at)
        case e.EstimateGot() | e.DumpPlanned() | e.FlushPlanned() | e.DiskSkipped() | e.DiskEnded():
            _disk(db, run, event, at)
        case e.DumpBegan() | e.DumpEnded() | e.FileRemoved():
            _dump(db, run, event, at)
        case e.VolumeBegan() | e.VolumeDescribed() | e.VolumeEnded():
            _volume(db, run, event, record.seq, at)
        case e.WriteBegan() | e.PartWritten() | e.WriteEnded():
            _write(db, run, event, record.seq, at)
        case e.QuestionAsked() | e.QuestionClosed():
            _request(db, run, event, at)
        case (e.HoldingFound() | e.ChildBegan() | e.ChildDied() | e.EstimateBegan() | e.EstimateMissing() | e.PlanComplete()
              | e.DumpStalled() | e.DumpResumed() | e.DumpStrange() | e.DumpRetried() | e.DiskWaited()
              | e.TaperReady() | e.TaperDown() | e.TaperWaited() | e.Degraded() | e.OperatorActed() | e.Notice()
              | e.Paused() | e.Resumed() | e.Stopping() | e.CopyVerified() | e.DiskDrilled()):
            pass
        case other:
            assert_never(other)


def _do(db: sqlite3.Connection, sql: str, *values: str | int | float) -> int:
    """Run one statement; how many rows it changed."""
    bound = [bind(value) if isinstance(value, str) else value for value in values]
    return db.execute(sql, bound).rowcount


def _run(db: sqlite3.Connection, run: str, event: e.RunBegan | e.RunClosing | e.RunEnded, at: float) -> None:
    match event:
        case e.RunBegan():
            _do(db, "UPDATE runs SET datestamp=?, org=?, config=?, by=?, hosts=?, disks=?, began=? WHERE run=?",
                event.datestamp, event.org, event.config, event.by, event.hosts, event.disks, at, run)
        case e.RunClosing():
            # Later words are not on the volumes, so this time is the one that a catalogue made from them has, too.
            _do(db, "UPDATE runs SET ended=? WHERE run=?", at, run)
        case e.RunEnded():
            _do(db, "UPDATE runs SET ended=CASE WHEN ended > 0 THEN ended ELSE ? END, code=?, done=?, failed=?,"
                    " left_on_holding=? WHERE run=?",
                at, event.code, event.done, event.failed, event.left_on_holding, run)
        case other:
            assert_never(other)


def _disk(
    db: sqlite3.Connection, run: str,
    event: e.EstimateGot | e.DumpPlanned | e.FlushPlanned | e.DiskSkipped | e.DiskEnded, at: float,
) -> None:
    match event:
        case e.EstimateGot():
            _do(db, "INSERT OR REPLACE INTO estimates VALUES (?,?,?,?,?)",
                run, event.host, event.disk, event.level, event.size)
        case e.DumpPlanned():
            _do(db, "INSERT INTO disks (run, host, disk, level, why) VALUES (?,?,?,?,?)"
                    " ON CONFLICT DO UPDATE SET level=excluded.level, why=excluded.why",
                run, event.host, event.disk, event.level, event.why)
        case e.FlushPlanned():
            _found(db, run, event, at)
        case e.DiskSkipped():
            _do(db, "INSERT INTO disks (run, host, disk, outcome, message) VALUES (?,?,?,?,?)"
                    " ON CONFLICT DO UPDATE SET outcome=excluded.outcome, message=excluded.message",
                run, event.host, event.disk, "failed" if event.failed else "skipped", event.message)
        case e.DiskEnded():
            _do(db, "INSERT INTO disks (run, host, disk, level, outcome, message) VALUES (?,?,?,?,?,?)"
                    " ON CONFLICT DO UPDATE SET level=CASE WHEN excluded.level < 0 THEN level ELSE excluded.level END,"
                    " outcome=excluded.outcome, message=excluded.message",
                run, event.host, event.disk, event.level, event.outcome, event.message)
        case other:
            assert_never(other)


def _found(db: sqlite3.Connection, run: str, event: e.FlushPlanned, at: float) -> None:
    """A dump on the holding disk.  One that no journal tells of (the disk came from elsewhere) is catalogued now."""
    known = _do(db, "UPDATE dumps SET file=? WHERE host=? AND disk=? AND datestamp=? AND level=?"
                    " AND outcome IN ('done','strange')",
                event.file, event.host, event.disk, event.datestamp, event.level)
    if not known:
        _do(db, "INSERT OR REPLACE INTO dumps (run, handle, host, disk, datestamp, level, began, ended, outcome, size, file)"
                " VALUES (?,?,?,?,?,?,?,?,'done',?,?)",
            run, "found " + event.file, event.host, event.disk, event.datestamp, event.level, _began(event.datestamp, at),
            at, event.size, event.file)


def _began(datestamp: str, at: float) -> float:
    """When a dump of an unknown run began, as far as its datestamp tells."""
    try:
        return seconds_of_datestamp(datestamp)
    except ValueError:
        return at


def _dump(db: sqlite3.Connection, run: str, event: e.DumpBegan | e.DumpEnded | e.FileRemoved, at: float) -> None:
    match event:
        case e.DumpBegan():
            _do(db, "INSERT OR REPLACE INTO dumps (run, handle, host, disk, datestamp, level, began, attempt)"
                    " VALUES (?,?,?,?,?,?,?,?)",
                run, event.handle, event.host, event.disk, _datestamp(db, run), event.level, at, event.attempt)
        case e.DumpEnded():
            _do(db, "INSERT INTO dumps (run, handle, host, disk, datestamp, level, began, ended, outcome, message, size, orig,"
                    " seconds, native_crc, client_crc, server_crc, file, dumpdate) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                    " ON CONFLICT DO UPDATE SET level=excluded.level, ended=excluded.ended, outcome=excluded.outcome,"
                    " message=excluded.message, size=excluded.size, orig=excluded.orig, seconds=excluded.seconds,"
                    " native_crc=excluded.native_crc, client_crc=excluded.client_crc, server_crc=excluded.server_crc,"
                    " file=excluded.file, dumpdate=excluded.dumpdate",
                run, event.handle, event.host, event.disk, _datestamp(db, run), event.level, at - event.seconds, at,
                event.outcome, event.message, event.size, event.orig, event.seconds,
                event.native_crc, event.client_crc, event.server_crc, event.file, event.dumpdate)
        case e.FileRemoved():
            _do(db, "UPDATE dumps SET file='' WHERE file=? AND file <> ''", event.file)
        case other:
            assert_never(other)


def _datestamp(db: sqlite3.Connection, run: str) -> str:
    """The datestamp of a run's dumps: what RunBegan said, its directory's name otherwise."""
    found = db.execute("SELECT datestamp FROM runs WHERE run=?", (bind(run),)).fetchone()
    return str(found[0]) if found and found[0] else run


def _volume(
    db: sqlite3.Connection, run: str, event: e.VolumeBegan | e.VolumeDescribed | e.VolumeEnded, seq: int, at: float
) -> None:
    match event:
        case e.VolumeBegan():
            # Its label is new, so whatever earlier runs wrote to it is gone.
            _do(db, "DELETE FROM parts WHERE storage=? AND label=? AND run<>?", event.storage, event.label, run)
            _do(db, "INSERT INTO volumes (storage, label, run, written, number, began) VALUES (?,?,?,?,?,?)"
                    " ON CONFLICT DO UPDATE SET size=CASE WHEN run=excluded.run THEN size ELSE 0 END,"
                    " parts=CASE WHEN run=excluded.run THEN parts ELSE 0 END, run=excluded.run, written=excluded.written,"
                    " number=excluded.number, began=excluded.began, closed=0",
                event.storage, event.label, run, _datestamp(db, run), event.number, at)
        case e.VolumeDescribed():
            # A file like any other, of no dump: its row is the volume's and goes with it.
            _do(db, "INSERT OR REPLACE INTO parts VALUES (?,?,?,?,'',?,0,?,?)",
                event.storage, event.label, event.fileno, run, seq, event.size, event.crc)
            _do(db, "UPDATE volumes SET size=size+?, parts=parts+1 WHERE storage=? AND label=?",
                event.size, event.storage, event.label)
        case e.VolumeEnded():
            _do(db, "UPDATE volumes SET size=?, parts=?, closed=1 WHERE storage=? AND label=?",
                event.size, event.parts, event.storage, event.label)
        case other:
            assert_never(other)


def _write(
    db: sqlite3.Connection, run: str, event: e.WriteBegan | e.PartWritten | e.WriteEnded, seq: int, at: float
) -> None:
    match event:
        case e.WriteBegan():
            _do(db, "INSERT OR REPLACE INTO writes (run, handle, storage, host, disk, datestamp, level, seq, began)"
                    " VALUES (?,?,?,?,?,?,?,?,?)",
                run, event.handle, event.storage, event.host, event.disk, event.datestamp, event.level, seq, at)
        case e.PartWritten():
            _do(db, "INSERT OR REPLACE INTO parts VALUES (?,?,?,?,?,?,?,?,?)",
                event.storage, event.label, event.fileno, run, event.handle, seq, event.part, event.size, event.crc)
            _do(db, "UPDATE volumes SET size=size+?, parts=parts+1 WHERE storage=? AND label=?",
                event.size, event.storage, event.label)
        case e.WriteEnded():
            _do(db, "INSERT INTO writes (run, handle, storage, host, disk, datestamp, level, seq, began, ended, outcome,"
                    " message, size, parts, seconds, crc) VALUES (?,?,?,?,?,?,?,0,?,?,?,?,?,?,?,?)"
                    " ON CONFLICT DO UPDATE SET ended=excluded.ended, outcome=excluded.outcome, message=excluded.message,"
                    " size=excluded.size, parts=excluded.parts, seconds=excluded.seconds, crc=excluded.crc",
                run, event.handle, event.storage, event.host, event.disk, event.datestamp, event.level,
                at - event.seconds, at, event.outcome, event.message, event.size, event.parts, event.seconds,
                event.crc)
        case other:
            assert_never(other)


def _request(db: sqlite3.Connection, run: str, event: e.QuestionAsked | e.QuestionClosed, at: float) -> None:
    match event:
        case e.QuestionAsked():
            _do(db, "INSERT OR REPLACE INTO requests (run, id, code, severity, subject, text, fallback, asked, deadline)"
                    " VALUES (?,?,?,?,?,?,?,?,?)",
                run, event.id, event.code, event.severity, event.subject, event.text, event.default, at, event.deadline)
        case e.QuestionClosed():
            _do(db, "UPDATE requests SET closed=?, choice=?, argument=?, by=? WHERE run=? AND id=?",
                at, event.choice, event.argument, event.by, run, event.id)
        case other:
            assert_never(other)
