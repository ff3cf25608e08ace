"""What lies on the holding disks, with what its headers say: what is being dumped, what waits for a storage, what is torn."""

from __future__ import annotations

from core.client.spool import AreaRow, DumpRow, Spool
from core.model.units import show_kib
from tui.clean import clean
from tui.columns import Entry
from tui.format import age, day, moment, percent, plural, short_size
from tui.look import BAD, BUSY, GOOD, IDLE, WAITS, WANTS, Mark
from tui.moment import Moment
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.panes.tape import full_about, room

_MARKS: dict[str, Mark] = {"dumping": BUSY, "NO-ROOM": WANTS, "writing": BUSY, "whole": WAITS, "partial": BAD, "crash": BAD}
_ORDER = {word: n for n, word in enumerate(("NO-ROOM", "dumping", "writing", "whole", "partial", "crash"))}


def _left(now: Moment, spool: Spool, area: AreaRow) -> int:
    """KiB that lie there and the run has nothing to do with: what earlier runs left and nobody flushes, what is torn."""
    return sum(dump.size for dump in spool.dumps if dump.area == area.path and dump.word in ("whole", "partial", "crash")
               and str(dump.path) not in now.view.files)


def area_rows(now: Moment, spool: Spool, width: int) -> list[Row]:
    """One row a holding disk: what of the room that dumps may use is taken or promised."""
    told: list[tuple[str, float, str, str]] = []
    for area in spool.areas:
        if area.path in now.gauges.holding and now.view.live:
            # The driver knows which promises are written already.
            part, used, most = room(now, area.path, _left(now, spool, area))
        else:
            used = area.dumps + area.allotted
            most = max(used, area.dumps + area.usable)
            part = min(1.0, used / most) if most else 1.0
        promised = f"  {short_size(area.allotted)} promised" if area.allotted else ""
        full = full_about(now, area.path)
        figures = f" {int(part * 100):3d}%  {short_size(used)}/{short_size(most)}  " + (
            f"{short_size(area.free)} free on disk  " if width >= 100 else "") + f"reserve {area.reserve}%{promised}" + (
            f"  {full}" if full else "")
        told.append((f" {clean(area.path)} ", part, figures, clean(area.fault)))
    names, longest = max((len(t[0]) for t in told), default=0), max((len(t[2]) for t in told if not t[3]), default=0)
    bar = max(6, min(40, width - names - longest - 2))
    return [((name.ljust(names), ""), (fault, "bad")) if fault else
            ((name.ljust(names), ""), (now.look.bar(part, bar), "attention" if part >= 0.95 else ""), (figures, "muted"))
            for name, part, figures, fault in told] or [
        ((" This configuration has no holding disk: dumps go straight to a volume.", "muted"),)]


def entries(now: Moment, spool: Spool) -> list[Entry]:
    """What wants attention first, then what is under way, then what waits, oldest first."""
    return [_entry(now, dump) for dump in sorted(spool.dumps, key=lambda d: (_ORDER.get(d.word, 9), d.at, d.title))]


def _entry(now: Moment, dump: DumpRow) -> Entry:
    mark = GOOD if dump.word == "whole" and not dump.waits else _MARKS.get(dump.word, IDLE)
    done, what = _progress(now, dump)
    tonight = now.view.began is not None and dump.datestamp == now.view.began.datestamp
    colour = "attention" if dump.word == "whole" and not dump.on and not tonight else "muted"
    note = f"NOT ON A VOLUME, {clean(dump.note)}" if colour == "attention" else clean(dump.note)
    return Entry(str(dump.path), (
        (now.look.glyph(mark), mark.colour), (clean(dump.datestamp[:8]), "muted"), (clean(dump.title), ""),
        (f"L{dump.level}", "title" if dump.level == 0 else ""), (short_size(dump.size), ""), (dump.word, mark.colour),
        (age(now.now - dump.at), "muted"), (done, ""), (what or note, colour)))


def _progress(now: Moment, dump: DumpRow) -> tuple[str, str]:
    """How much of it is done, as the run tells it, and of how much."""
    disk = now.view.disks.get((dump.host, dump.disk))
    if dump.word in ("dumping", "NO-ROOM") and disk is not None and disk.estimate:
        need = f", needs {short_size(disk.missing)} more" if dump.word == "NO-ROOM" and disk.missing else ""
        return percent(now.pace.part(disk)), f"of {short_size(disk.estimate)} by {clean(disk.child)}{need}"
    write = next((w for w in now.view.writes.values() if w.file == str(dump.path) and not w.ended), None)
    if dump.word == "writing" and write is not None and write.size:
        written = max(write.written, now.pace.written(write.handle))
        taper = now.view.tapers.get(write.child)
        return percent(min(0.99, written / write.size)), f"to {clean(taper.label) if taper else 'a volume'}"
    return "", ""


def title(spool: Spool) -> str:
    """How much is nowhere else."""
    torn = sum(1 for dump in spool.dumps if dump.word in ("partial", "crash"))
    text = f"Dumps  {len(spool.dumps)}"
    text += f", {short_size(spool.only_here)} nowhere else" if spool.only_here else ""
    return f"{text}, {torn} not whole" if torn else text


def detail(now: Moment, dump: DumpRow | None, spool: Spool, width: int) -> list[Row]:
    """One dump: its header, and what is to become of it."""
    if dump is None:
        return [((" not a dump of ours  ", "muted"), (clean(str(path)), "")) for path in spool.others[:3]]
    packed = f", {clean(dump.compression)}" if dump.compression else ", not packed"
    ratio = f" of {show_kib(dump.orig)}" if dump.orig else ""
    rows: list[Row] = [((" file    ", "muted"), (clean(str(dump.path)), "")),
                       ((" header  ", "muted"), (f"{clean(dump.program)}{packed}, {show_kib(dump.size)}{ratio} in "
                                                 f"{plural(dump.chunks, 'chunk')}", ""))]
    if dump.crc:
        rows.append(((" CRC-32C ", "muted"), (clean(dump.crc), ""), ("  as it was written", "muted")))
    rows.append(((" written ", "muted"), (f"{day(dump.at)} {moment(dump.at)}", ""),
                 (f"  {age(now.now - dump.at)} ago", "muted")))
    rows += [((" stands  " if n == 0 else "         ", "muted"), (piece, ""))
             for n, piece in enumerate(wrapped(clean(dump.note), width - 10, width - 10))]
    if spool.others:
        rows.append(((f" {plural(len(spool.others), 'path')} here no dump of ours: ", "muted"),
                     (clean(", ".join(str(path) for path in spool.others[:3])), "muted")))
    return rows
