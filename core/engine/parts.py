"""The parts of a dump as its taper reports them: each counts once, and together they must be the dump.

What is not in the journal cannot be found again, so a DONE whose parts do not add up is no DONE.
"""

from __future__ import annotations

from core.engine.state import Phase, State, Tape
from core.model.dump import Crc, Stats
from core.protocol import taper


def begin(tape: Tape) -> None:
    """The next dump: nothing of it is reported yet."""
    tape.reported, tape.reported_kib, tape.reported_bytes, tape.moved = 0, 0, 0, 0


def moves(state: State, tape: Tape, size: int) -> bool:
    """Whether a PROGRESS shows that the write goes on: more is written, or its dumper has not sent all yet."""
    grew = size > tape.moved
    tape.moved = max(tape.moved, size)
    job = state.jobs.get(tape.direct) if tape.direct else None
    return grew or (job is not None and job.handle == tape.direct_handle and job.phase is Phase.DUMPING)


def report(tape: Tape, message: taper.PartDone) -> bool:
    """Count a part; False when it was reported before."""
    place = (message.label, message.fileno)
    if place in tape.places:
        return False
    tape.places.add(place)
    tape.reported += 1
    tape.reported_kib += message.size
    size = _bytes(message.message)
    tape.reported_bytes = None if size is None or tape.reported_bytes is None else tape.reported_bytes + size
    return True


def lost(tape: Tape, text: str) -> str:
    """Why the reported parts are not the dump that a DONE with these statistics means; empty when they are."""
    try:
        stats = Stats.parse(text)
    except (ValueError, OverflowError):
        return f"statistics make no sense: {text[:80]}"
    if "kb " not in text or "server-crc " not in text or stats.kib < 0:
        return f"statistics make no sense: {text[:80]}"
    if not tape.reported:
        return "not one of its parts was reported"
    if stats.server.known and tape.reported_bytes is not None:
        if stats.server.size == tape.reported_bytes:
            return ""
        return f"the reported parts have {tape.reported_bytes} bytes, the dump {stats.server.size}"
    if tape.reported_kib < stats.kib:
        return f"the reported parts have {tape.reported_kib} KiB, the dump {stats.kib}"
    return ""


def _bytes(text: str) -> int | None:
    words = text.split()
    try:
        crc = Crc.parse(words[words.index("crc") + 1])
    except (ValueError, IndexError):
        return None
    return crc.size if crc.known else None
