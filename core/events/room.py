"""What of a holding disk is taken, from a run's view and gauges.  Pure; sizes KiB."""

from __future__ import annotations

from core.events.gauges import Gauges
from core.events.view import RunView


def taken(view: RunView, gauges: Gauges, path: str, left: int = 0) -> tuple[int, int]:
    """What dumps take there or were promised, and that with what is free; ``left``: dumps there that are not of this run.

    The driver's account is of the room that was free when the run began: dumps of earlier runs lie beside it until they are
    flushed, then their room joins it.  So they count on both sides, and the whole stays what it was.
    """
    found, here = view.holding.get(path), path.rstrip("/") + "/"
    lying = {file: size for file, (*_, size) in view.files.items() if file.startswith(here)}
    flushes = {file: flush.size for file, flush in view.flushes.items() if file.startswith(here)}
    most = left + sum(flushes.values()) + (found.use if found else 0)
    gauge = gauges.holding.get(path)
    if gauge is None:
        return left + sum(lying.values()), most
    free, allotted, _ = gauge
    most = max(most, left + free + allotted + sum(size for file, size in lying.items() if file in flushes))
    return most - free, most
