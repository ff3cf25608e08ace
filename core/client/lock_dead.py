"""Runs whose driver died: which there are, and giving such a run its last words.

A run is dead when nobody holds its lock and its journal has no end.  `close_run` adds what the driver could not say any
more: the last word on each disk, on open requests and volumes, and the end.  It changes no fact and removes nothing.  The
caller holds the site's lock, so that no run begins meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.client.runs import SPARE, Run, list_runs
from core.errors import WorldError
from core.events import event as e
from core.events.codec import encode, read
from core.events.event import Event, Record
from core.events.view import FINAL, DiskState, DiskView, RunView
from core.holding.area import prove
from core.model.site import Site

CODE = "RUN040"


@dataclass(frozen=True, slots=True)
class Dead:
    """A run without an end: titles of disks that are dumped and of those that are not; ``empty``: it has no fact at all;
    ``why``: what its driver said at last, if it could."""

    run: Run
    done: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    empty: bool = False
    why: str = ""

    def __str__(self) -> str:
        """A sentence with its code."""
        if self.empty:
            return f"{CODE} run {self.run.datestamp} died before it wrote anything"
        why = self.why or "its driver was killed, could write nothing any more, or the machine went down"
        text = f"{CODE} run {self.run.datestamp} died without a last word: {why}"
        done = f"; dumped: {', '.join(self.done)}" if self.done else "; nothing was dumped"
        return text + done + (f"; not dumped: {', '.join(self.lost)}" if self.lost else "")


def last_words(directory: Path) -> list[str]:
    """What a driver that gave no end to its run said in ``driver.log``, messages with a code only."""
    try:
        log = (directory / "driver.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines = [line.removeprefix("driver: ") for line in log.splitlines() if line.startswith("driver: ")]
    return [line for line in lines if line[:3].isupper() and line[3:6].isdigit()]


def why_without_end(directory: Path) -> list[str]:
    """Why a driver gave no end to its run, as far as it can be told now: where it could not write, neither could it say so."""
    if words := last_words(directory):
        return words
    try:
        prove(directory, "RUN018", room=True)
    except WorldError as fault:
        return [str(fault)]
    return []


def dead_runs(site: Site) -> list[Dead]:
    """The runs that died and were not closed yet, oldest first."""
    return [_look_at(run) for run in list_runs(site.state_dir) if not _ended(run) and not run.live()]


def close_dead(site: Site, by: str) -> list[str]:
    """Close every dead run; a sentence for each, or why it could not be."""
    said = []
    for dead in dead_runs(site):
        try:
            close_run(site, dead, by)
        except WorldError as fault:
            said.append(str(fault))
        else:
            said.append(str(dead))
    return said


def _ended(run: Run) -> bool:
    """Whether its journal has an end; a long journal is not read for that."""
    try:
        with open(run.journal, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            return b'"event":"RunEnded"' in file.read()
    except OSError:
        return False


def _look_at(run: Run) -> Dead:
    records = _records(run)
    if not records:
        return Dead(run, empty=True)
    view = RunView()
    view.apply_all(records)
    ends = {word.host + ":" + word.disk: word.outcome for word in _last_words(view) if isinstance(word, e.DiskEnded)}
    ends |= {disk.title: disk.state.value for disk in view.disks.values() if disk.state in FINAL}
    good = (DiskState.DONE.value, DiskState.STRANGE.value)
    said = [line.partition("  Hint: ")[0] for line in last_words(run.path) if line.startswith("RUN018 ")]
    return Dead(run, tuple(sorted(t for t, end in ends.items() if end in good)),
                tuple(sorted(t for t, end in ends.items() if end == DiskState.FAILED.value)), why=said[-1] if said else "")


def _records(run: Run) -> list[Record]:
    try:
        return read(run.journal.read_bytes())
    except OSError:
        return []


def close_run(site: Site, dead: Dead, by: str) -> None:
    """Write the last words into the journal, durably.  WorldError RUN041."""
    run = dead.run
    try:
        (run.path / SPARE).unlink(missing_ok=True)
        data = run.journal.read_bytes() if run.journal.exists() else b""
        records, kept = read(data), data[:data.rfind(b"\n") + 1]
        if len(read(kept)) < len(records):
            kept = data + b"\n"  # its last line is whole but for the newline
        view = RunView()
        view.apply_all(records)
        words: list[Event] = [] if records else [e.RunBegan(
            run.datestamp, site.org, str(site.file), "unknown", 0, len(site.hosts), len(site.disks), site.run.inparallel)]
        words += [*_last_words(view), e.Notice(CODE, "E", "run", f"{str(dead)[7:]}; closed by {by}"), _end(view)]
        seq, at = records[-1].seq if records else 0, time.time()
        _replace_end(run, kept, b"".join(encode(Record(seq + n, at, word)) for n, word in enumerate(words, 1)))
        run.control.unlink(missing_ok=True)
    except OSError as fault:
        raise WorldError("RUN041", f"run {run.datestamp} died, and its journal cannot be closed: {fault.strerror}",
                         "make room, or correct owner and mode of its directory") from fault


def _replace_end(run: Run, kept: bytes, lines: bytes) -> None:
    """The journal is ``kept`` and ``lines``: half a line is no fact, and what follows must not become its end."""
    file = os.open(run.journal, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.ftruncate(file, min(len(kept), os.fstat(file).st_size))
        rest, at = memoryview(kept[os.fstat(file).st_size:] + lines), os.fstat(file).st_size
        while rest:
            size = os.pwrite(file, rest, at)
            rest, at = rest[size:], at + size
        os.fsync(file)
    finally:
        os.close(file)
    directory = os.open(run.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _last_words(view: RunView) -> Iterator[Event]:
    for question in view.open_questions:
        yield e.QuestionClosed(question.asked.id, "", "", "withdrawn")
    for volume in view.volumes:
        if not volume.closed:
            child = next((taper.child for taper in view.tapers.values() if taper.storage == volume.storage), "taper0")
            yield e.VolumeEnded(child, volume.storage, volume.label, volume.size, volume.parts)
    for disk in view.disks.values():
        if disk.state not in FINAL:
            yield e.DiskEnded(disk.host, disk.disk, disk.level, *_judge(view, disk))


def _judge(view: RunView, disk: DiskView) -> tuple[str, str]:
    good = "strange" if disk.strange else "done"
    match disk.state:
        case DiskState.DUMPED | DiskState.WRITING if disk.file in view.files:
            return good, "left on the holding disk: the run died"
        case DiskState.DUMPED | DiskState.WRITING if _on_volume(view, disk):
            return good, ""
        case DiskState.DUMPED | DiskState.WRITING | DiskState.DUMPING | DiskState.STALLED:
            return "failed", f"{CODE} its dump was cut off: the run died"
        case _:
            return "failed", f"{CODE} not dumped: the run died{f'; {disk.message}' if disk.message else ''}"


def _on_volume(view: RunView, disk: DiskView) -> bool:
    assert view.began is not None
    return any(write.outcome == "done" and (write.host, write.disk, write.datestamp) == (
        disk.host, disk.disk, view.began.datestamp) for write in view.writes.values())


def _end(view: RunView) -> e.RunEnded:
    if (known := view.closing) is not None:  # all its work was done; only a volume's description was not
        return e.RunEnded(known.code, known.done, known.failed, known.left_on_holding)
    ends = [_judge(view, disk)[0] if disk.state not in FINAL else disk.state.value for disk in view.disks.values()]
    good = sum(end in (DiskState.DONE.value, DiskState.STRANGE.value) for end in ends)
    return e.RunEnded(3, good, ends.count(DiskState.FAILED.value), len(view.files))
