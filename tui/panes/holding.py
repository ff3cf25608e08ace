"""The holding disks and what lies on them: what is being dumped, what waits for a volume, what earlier runs left."""

from __future__ import annotations

from core.events.view import DiskState
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import percent, short_size
from tui.look import BUSY, DISK, WAITS
from tui.moment import Moment
from tui.panes.layout import Row
from tui.panes.tape import full_about, room

FILES = (
    Column("", 1), Column("run", 10, drop=3), Column("disk", share=2, least=14, name=True), Column("lv", 2),
    Column("size", 6, right=True), Column("state", 8), Column("age", 4, right=True, drop=2), Column("", 4, drop=1),
    Column("what", share=3, least=22),
)
"""Also of what is read from the holding disks themselves, so that no column jumps when that comes."""


def room_rows(now: Moment, width: int) -> list[Row]:
    """One row a holding disk."""
    told: list[tuple[str, float, str]] = []
    for path, found in now.view.holding.items():
        part, used, most = room(now, path)
        gauge = now.gauges.holding.get(path)
        promised = f"  {short_size(gauge[1])} promised" if gauge and gauge[1] else ""
        figures = f" {int(part * 100):3d}%  {short_size(used)}/{short_size(most)}  reserve {found.reserve}%{promised}" + (
            f"  {full}" if (full := full_about(now, path)) else "")
        told.append((f" {clean(path)} ", part, figures))
    names, longest = max((len(t[0]) for t in told), default=0), max((len(t[2]) for t in told), default=0)
    bar = max(6, min(40, width - names - longest - 2))
    rows: list[Row] = [((name.ljust(names), ""), (now.look.bar(part, bar), "attention" if part >= 0.95 else ""),
                        (figures, "muted")) for name, part, figures in told]
    return rows or [((" This configuration has no holding disk: dumps go straight to a volume.", "muted"),)]


def entries(now: Moment) -> list[Entry]:
    """Dumps that are being written, then whole ones in the order in which they came."""
    return [*_dumping(now), *_whole(now)]


def _dumping(now: Moment) -> list[Entry]:
    found: list[Entry] = []
    tonight = now.view.began.datestamp[:8] if now.view.began else ""
    for disk in now.view.disks.values():
        if disk.state not in (DiskState.DUMPING, DiskState.STALLED) or not disk.file:
            continue
        mark = DISK[disk.state]
        done, what = (percent(now.pace.part(disk)), f"of {short_size(disk.estimate)} by {clean(disk.child)}") \
            if disk.estimate else ("", "")
        if disk.state is DiskState.STALLED:
            what = f"{what}, needs {short_size(disk.missing)} more" if disk.missing else what
        found.append(Entry(disk.file, (
            (now.look.glyph(mark), mark.colour), (tonight, "muted"), (clean(disk.title), ""), (f"L{disk.level}", ""),
            (short_size(now.pace.written(disk.handle)), ""), (disk.state.value, mark.colour), ("", ""), (done, ""),
            (what, "muted"))))
    return found


def _whole(now: Moment) -> list[Entry]:
    found: list[Entry] = []
    writing = {w.file: w for w in now.view.writes.values() if not w.ended and w.file}
    tonight = now.view.began.datestamp if now.view.began else ""
    for file, (host, disk, datestamp, level, size) in now.view.files.items():
        done = ""
        if write := writing.get(file):
            mark, state = BUSY, "writing"
            written = max(write.written, now.pace.written(write.handle))
            done = percent(min(0.99, written / size)) if size else ""
            what = f"to {clean(_label(now, write.child))}"
        else:
            mark, state = WAITS, "whole"
            what = "waits for a volume" if now.view.live else "NOT ON A VOLUME: the next run flushes it"
        if datestamp != tonight:
            what = f"{what}, left by an earlier run"
        found.append(Entry(file, (
            (now.look.glyph(mark), mark.colour), (clean(datestamp[:8]), "muted"), (clean(f"{host}:{disk}"), ""),
            (f"L{level}", ""), (short_size(size), ""), (state, mark.colour), ("", ""), (done, ""), (what, "muted"))))
    return found


def _label(now: Moment, child: str) -> str:
    taper = now.view.tapers.get(child)
    return taper.label if taper else "a volume"


def title(now: Moment) -> str:
    """How much is not on a volume."""
    size = sum(size for *_, size in now.view.files.values())
    return f"Dumps  {len(now.view.files)} whole, {short_size(size)} not yet on a volume" if size else "Dumps"


def detail(now: Moment, file: str) -> list[Row]:
    """One file."""
    if not file:
        return []
    rows: list[Row] = [((" file   ", "muted"), (clean(file), ""))]
    found = now.view.files.get(file)
    key = (found[0], found[1]) if found else next((k for k, d in now.view.disks.items() if d.file == file), None)
    disk = now.view.disks.get(key) if key else None
    if disk is not None and disk.why:
        rows.append(((" why    ", "muted"), (clean(disk.why), "")))
    if disk is not None and disk.strange:
        rows.append(((" said   ", "muted"), (clean(disk.strange), "attention")))
    return rows
