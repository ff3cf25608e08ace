"""All runs as rows, and one run in more detail: what the History screen shows.

A row is folded from its journal once and kept in ``nights.json`` of the state directory under the journal's time and size;
a cache that is lost or damaged is made again.  Sizes KiB, times seconds since the
epoch, durations seconds.  What earlier runs mean for a disk is in `core.client.coverage`.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from core.client.runs import Run, list_runs, view_of
from core.events.view import DiskState, DiskView, RunView

CACHE = "nights.json"
_VERSION = 1
_GOOD = (DiskState.DONE, DiskState.STRANGE)


@dataclass(frozen=True, slots=True)
class NightRow:
    """One run.  ``verdict``: ``ok``, ``FAIL`` a disk has no backup, ``PART`` stopped or something is left to do, ``LIVE``,
    ``DEAD`` its driver went without a last word, ``""`` it was not read yet.  ``done`` of ``total`` disks were dumped."""

    datestamp: str
    verdict: str = ""
    began: float = 0.0
    ended: float = 0.0
    code: int = -1
    by: str = ""
    done: int = 0
    total: int = 0
    failed: int = 0
    strange: int = 0
    fulls: int = 0
    kib: int = 0
    orig_kib: int = 0
    volumes: tuple[str, ...] = ()
    left_on_holding: int = 0
    requests: int = 0
    answered: int = 0

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it is not over."""
        return max(0.0, self.ended - self.began) if self.ended else 0.0


def row_of(run: Run, view: RunView, *, live: bool = False) -> NightRow:
    """The row of a run that is folded already."""
    good = [disk for disk in view.disks.values() if disk.state in _GOOD]
    return NightRow(
        run.datestamp, _verdict(view, live), view.began_at, view.ended_at, view.ended.code if view.ended else -1,
        view.began.by if view.began else "", len(good), len(view.disks), view.count(DiskState.FAILED),
        view.count(DiskState.STRANGE), sum(1 for disk in good if disk.level == 0), sum(disk.size for disk in good),
        sum(disk.orig or disk.size for disk in good), tuple(dict.fromkeys(volume.label for volume in view.volumes)),
        view.ended.left_on_holding if view.ended else len(view.files), len(view.questions),
        sum(1 for question in view.questions.values() if question.closed and question.choice))


def _verdict(view: RunView, live: bool) -> str:
    if view.ended is None:
        return "LIVE" if live else "DEAD"
    if view.ended.code == 0:
        return "ok"
    if view.ended.code == 3 or not view.count(DiskState.FAILED):
        return "PART"
    return "FAIL"


def list_nights(state_dir: Path, *, patience: float = float("inf")) -> list[NightRow]:
    """Every run, newest first.  Journals that are new are read for at most ``patience`` seconds; the rows of those that are
    left have no verdict yet, so call again."""
    until = time.monotonic() + patience
    known, used, fresh = _load(state_dir / CACHE), {}, False
    rows: list[NightRow] = []
    for run in reversed(list_runs(state_dir)):
        mark = _mark(run)
        entry = known.get(run.datestamp)
        if entry is not None and entry[0] == mark:
            row = entry[1]
            if not row.ended:
                row = replace(row, verdict="LIVE" if run.live() else "DEAD")
        elif time.monotonic() >= until and rows:
            rows.append(NightRow(run.datestamp))
            continue
        else:
            live = run.live()  # asked first: a run that ends just now is not called dead
            row, fresh = row_of(run, view_of(run), live=live), True
        rows.append(row)
        if mark:
            used[run.datestamp] = (mark, row)
    if fresh or used.keys() != known.keys():
        _save(state_dir / CACHE, used)
    return rows


def sizes(rows: Iterable[NightRow]) -> list[tuple[str, int]]:
    """(datestamp, KiB) of the runs that are over, oldest first: a line of sparks."""
    return sorted((row.datestamp, row.kib) for row in rows if row.ended)


def _mark(run: Run) -> str:
    """What tells that a journal is the one that was read; empty when there is none."""
    try:
        found = os.stat(run.journal)
    except OSError:
        return ""
    return f"{found.st_mtime_ns}:{found.st_size}"


def _load(path: Path) -> dict[str, tuple[str, NightRow]]:
    try:
        plain = json.loads(path.read_bytes())
        if plain["version"] != _VERSION:
            return {}
        return {stamp: (str(mark), _row(stamp, values)) for stamp, (mark, values) in plain["nights"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


_NAMES = tuple(field.name for field in fields(NightRow))[1:]


def _row(stamp: str, values: Sequence[Any]) -> NightRow:
    plain = dict(zip(_NAMES, values, strict=True))
    return NightRow(stamp, **plain | {"volumes": tuple(map(str, plain["volumes"]))})


def _save(path: Path, rows: dict[str, tuple[str, NightRow]]) -> None:
    """By rename; a cache that cannot be written is done without."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    nights = {stamp: (mark, [asdict(row)[name] for name in _NAMES]) for stamp, (mark, row) in rows.items()}
    with contextlib.suppress(OSError):
        try:
            new.write_text(json.dumps({"version": _VERSION, "nights": nights}))
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Answered:
    """A request of the run: what was answered, by whom, after so many seconds; ``choice`` empty: withdrawn or open."""

    id: int
    code: str
    subject: str
    choice: str
    argument: str
    by: str
    after: float


@dataclass(frozen=True, slots=True)
class Night:
    """One run.  ``longest`` is (title, level, seconds), ``slowest`` (title, KiB/s, what it usually makes or 0)."""

    row: NightRow
    longest: tuple[str, int, float] | None
    slowest: tuple[str, float, float] | None
    failed: tuple[tuple[str, str], ...]
    strange: tuple[tuple[str, str], ...]
    requests: tuple[Answered, ...]
    report: str = ""


def night(run: Run, usual: dict[tuple[str, str], float] | None = None) -> Night:
    """A run in detail; ``usual`` are the disks' KiB/s of other nights (see `core.client.coverage.usual_rates`)."""
    view = view_of(run)
    timed = [disk for disk in view.disks.values() if disk.state in _GOOD and disk.seconds > 0]
    longest = max(timed, key=lambda disk: disk.seconds, default=None)
    slowest = min((disk for disk in timed if disk.size >= 1024), key=_rate, default=None)
    return Night(
        row_of(run, view, live=run.live()),
        (longest.title, longest.level, longest.seconds) if longest else None,
        (slowest.title, _rate(slowest), (usual or {}).get((slowest.host, slowest.disk), 0.0)) if slowest else None,
        tuple((disk.title, disk.message) for disk in view.disks.values() if disk.state is DiskState.FAILED),
        tuple((disk.title, disk.strange or disk.message) for disk in view.disks.values() if disk.state is DiskState.STRANGE),
        tuple(Answered(q.asked.id, q.asked.code, q.asked.subject, q.choice, q.argument, q.by,
                       max(0.0, q.closed - q.opened) if q.closed else 0.0) for q in view.questions.values()),
        report_of(run, view))


def _rate(disk: DiskView) -> float:
    return disk.size / disk.seconds


def report_of(run: Run, view: RunView | None = None) -> str:
    """The morning report as it was written then; made anew, without the site's background, when it was not."""
    try:
        return (run.path / "report.txt").read_text("utf-8", "surrogateescape")
    except OSError:
        from core.report.morning import report_text

        return report_text(view_of(run) if view is None else view)
