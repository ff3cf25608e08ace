"""The storages of a run and the volumes that it wrote, with what is on each."""

from __future__ import annotations

from core.events.view import RunView, VolumeView
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import moment, plural, short_size
from tui.look import BAD, BUSY, GOOD, IDLE, WAITS, Mark
from tui.moment import Moment
from tui.panes.layout import Row
from tui.requests import text_of

STORAGES = (
    Column("", 1), Column("storage", 12), Column("drive", 14, drop=2), Column("volume", least=14),
    Column("state", 9), Column("files", 5, right=True), Column("size", 6, right=True), Column("B/s", 6, right=True),
    Column("what", share=2, least=14, drop=1),
)

VOLUMES = (
    Column("", 1), Column("volume", least=16), Column("storage", 12, drop=1), Column("files", 5, right=True),
    Column("size", 6, right=True), Column("state", 12),
)

CONTENTS = (
    Column("file", 4, right=True), Column("disk", least=14, name=True), Column("lv", 2), Column("dumped", 8, drop=1),
    Column("state", 9), Column("size", 6, right=True),
)


def storage_entries(now: Moment) -> list[Entry]:
    """One a taper."""
    found: list[Entry] = []
    for taper in now.view.tapers.values():
        mark: Mark = {"writing": BUSY, "down": BAD, "starting": WAITS}.get(taper.state, IDLE)
        write = now.view.writes.get(taper.handle)
        rate = now.pace.rate(write.handle, write.began) if write else 0.0
        idle = now.gauges.tapers.get(taper.child, ("", 0.0))[0] if now.view.live and taper.state != "down" else ""
        what = clean(f"{write.host}:{write.disk} L{write.level}") if write else clean(idle or taper.message)
        if taper.storage in now.view.degraded:
            what = f"degraded: {clean(now.view.degraded[taper.storage])}"
        label = clean(taper.label) or (f"{clean(taper.next_label)} is next" if taper.next_label else "-")
        found.append(Entry(taper.child, (
            (now.look.glyph(mark), mark.colour), (clean(taper.storage), ""), (clean(taper.drive) or "-", ""), (label, ""),
            (taper.state, mark.colour), (str(taper.volume_parts), ""), (short_size(taper.volume_size), ""),
            (short_size(rate) if rate else "-", ""), (what, "muted"))))
    return found


def key_of(volume: VolumeView) -> str:
    """What names a volume's row."""
    return f"{volume.storage}\0{volume.label}"


def volume_entries(now: Moment) -> list[Entry]:
    """The volumes of this run, the newest first."""
    found: list[Entry] = []
    current = {(t.storage, t.label) for t in now.view.tapers.values() if t.state == "writing"}
    for volume in reversed(now.view.volumes):
        if (volume.storage, volume.label) in current:
            mark, state = BUSY, "WRITING"
        else:
            mark, state = (GOOD, "closed") if volume.closed else (IDLE, "in the drive")
        found.append(Entry(key_of(volume), (
            (now.look.glyph(mark), mark.colour), (clean(volume.label), ""), (clean(volume.storage), ""),
            (str(volume.parts), ""), (short_size(volume.size), ""), (state, mark.colour))))
    return found


def content_entries(now: Moment, key: str) -> list[Entry]:
    """What this run wrote to one volume, in the order of its files."""
    storage, _, label = key.partition("\0")
    on: list[tuple[int, Entry]] = []
    for disk in now.view.disks.values():
        files = [fileno for s, lab, fileno in disk.parts if (s, lab) == (storage, label)]
        if files:
            on.append((files[0], Entry(str(files[0]), (
                (str(files[0]), ""), (clean(disk.title), ""), (f"L{disk.level}", ""), ("tonight", "muted"),
                (plural(len(files), "part"), "muted"), (short_size(disk.size), "")))))
    found = [entry for _, entry in sorted(on, key=lambda pair: pair[0])]
    for taper in now.view.tapers.values():
        write = now.view.writes.get(taper.handle)
        if write and (taper.storage, taper.label) == (storage, label):
            found.append(Entry("now", (
                (str(taper.volume_parts + 1), ""), (clean(f"{write.host}:{write.disk}"), ""), (f"L{write.level}", ""),
                (_when(now, write.datestamp), "muted"), ("writing", ""), (short_size(write.size), ""))))
    return found


def _when(now: Moment, datestamp: str) -> str:
    return "tonight" if now.view.began and now.view.began.datestamp == datestamp else clean(datestamp[:8])


def flushed_rows(now: Moment) -> list[Row]:
    """What of earlier runs was written tonight."""
    tonight = now.view.began.datestamp if now.view.began else ""
    old = [w for w in now.view.writes.values() if w.datestamp != tonight and w.outcome == "done"]
    if not old:
        return []
    total = short_size(sum(w.written for w in old))
    names = ", ".join(clean(f"{w.host}:{w.disk} L{w.level} of {w.datestamp[:8]}") for w in old[:3])
    more = f" and {len(old) - 3} more" if len(old) > 3 else ""
    return [((f" From earlier runs: {total}  ", "muted"), (names + more, ""))]


def wanted(view: RunView) -> list[Row]:
    """Open requests about volumes."""
    return [((" ! ", "attention"), (f"#{q.asked.id} {clean(q.asked.code)} ", "attention"), (clean(text_of(q.asked)), ""),
             (f"  until {moment(q.asked.deadline)}", "muted")) for q in view.open_questions if q.asked.code.startswith("TAP")]
