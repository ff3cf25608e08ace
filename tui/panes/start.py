"""What a restore would do, before it is begun: what is read in which order, for how long, and what is in the way.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model.units import show_duration, show_size
from tui.clean import clean
from tui.format import plural
from tui.panes.layout import Row
from tui.panes.protocol import wrapped

if TYPE_CHECKING:
    from core.client.browse import Needs
    from core.client.foresee import Ahead

_NAMES = 5
"""Names in the way that are shown."""
_STOPS = 12


def ahead_rows(ahead: Ahead, needs: Needs | None, overwrite: bool, width: int) -> list[Row]:
    """All of it; where a volume is comes from ``needs``."""
    by = f"as {plural(ahead.measured, 'check')} did" if ahead.measured else "which is assumed"
    volumes = len({(storage, label) for storage, label, _ in ahead.stops if storage})
    on = f" on {plural(volumes, 'volume')}" if volumes else ""
    what = f"{plural(ahead.files, 'file')} and {plural(ahead.directories, 'directory', 'directories')}"
    rows: list[Row] = [
        *(((piece, "title"),) for piece in wrapped(f"{what} are written to {clean(ahead.to)}", width, width)),
        *_how_long(f"about {show_size(ahead.size)}", f" to read{on}, in about ", took(ahead.seconds),
                   f"({show_size(ahead.rate)}/s, {by})", width)]
    places = {need.label: need for need in needs.needs} if needs is not None else {}
    for n, (storage, label, files) in enumerate(ahead.stops[:_STOPS], 1):
        need = places.get(label)
        if not storage:
            rows.append(((f"  {n}. ", "muted"), ("holding file ", ""), (clean(label), "")))
            continue
        place = "" if need is None else f"  slot {clean(need.slot)}" if need.slot else "  NOT HERE: bring it"
        rows.append(((f"  {n}. ", "muted"), (clean(label), "title"), (f" of {clean(storage)}  {_files(files)}", ""),
                     (place, "attention" if need is not None and not need.here else "muted")))
    if len(ahead.stops) > _STOPS:
        rows.append(((f"  and {len(ahead.stops) - _STOPS} more", "muted"),))
    fate = "will be OVERWRITTEN" if overwrite else "there already"
    rows += _in_the_way(ahead.taken, fate, "bad" if overwrite else "attention", width)
    rows += _in_the_way(ahead.blocked, "in the way: one is a directory, the other is not", "bad", width)
    for warning in ahead.warnings:
        rows += [((piece, "attention"),) for piece in wrapped(clean(warning), width, width)]
    return rows


def _how_long(size: str, reading: str, time: str, how_fast: str, width: int) -> list[Row]:
    """In one row where there is room; how fast that is has a row of its own elsewhere."""
    said: Row = ((size, "title"), (reading, ""), (time, "title"))
    if len(size + reading + time) + 2 + len(how_fast) <= width:
        return [(*said, (f"  {how_fast}", "muted"))]
    return [said, *(((piece, "muted"),) for piece in wrapped(how_fast, width, width))]


def took(seconds: float) -> str:
    """``1s`` at least."""
    return show_duration(max(1.0, seconds))


def _files(numbers: tuple[int, ...]) -> str:
    if not numbers:
        return ""
    return f"file {numbers[0]}" if len(numbers) == 1 else f"files {numbers[0]}-{numbers[-1]}"


def _in_the_way(names: tuple[str, ...], what: str, colour: str, width: int) -> list[Row]:
    if not names:
        return []
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    text = f"{plural(len(names), 'name')} {what}: " + ", ".join(clean(name) for name in names[:_NAMES]) + more
    return [((piece, colour),) for piece in wrapped(text, width, width)]
