"""The end of a run: each volume in a drive gets its description, then the last word is said.

Promises that the journal on disk tells how the run ended before a description is ordered, so that the volume can carry
it; that one volume is described after the other, so that the last one tells of all; and that nothing here can keep a run
from ending or change how it ended: a volume without a description is told of, no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from core.engine import tape_waiting
from core.engine.effects import Effect, Finish, Journal, Kill, Reply, Tell
from core.engine.inputs import Answered, ChildGone, Heard, Input, Ordered, Tick
from core.engine.state import State, Tape
from core.events import event as e
from core.model.quoting import join
from core.model.units import show_duration
from core.protocol import operator as op
from core.protocol import taper


def begin(state: State, end: e.RunClosing) -> Iterator[Effect]:
    """All work is done."""
    state.closing = end
    for tape in state.tapes.values():
        if tape.label and (tape.state != "ready" or state.stop_now):
            yield from _told_without(tape, "the run was stopped at once" if state.stop_now else "its taper is not ready")
    yield Journal(end)
    yield from _next(state)


def take_in(state: State, happened: Input) -> Iterator[Effect]:
    """What happens while volumes are described; what has no meaning any more is passed over."""
    match happened:
        case Heard(child, taper.Described() as message) if child in state.tapes:
            yield from described(state, state.tapes[child], message)
        case Heard(child, taper.BadCommand(text)) if child in state.tapes:
            yield from _undescribed(state, state.tapes[child], f"did not understand the driver: {text}")
        case ChildGone(child, status, tail):
            yield Journal(e.ChildDied(child, status, tail))
            if child in state.tapes:
                yield from _undescribed(state, state.tapes[child], f"died: {status}")
        case Ordered(order, by):
            yield from _ordered(state, order, by)
        case Answered(id):
            yield Reply(op.Refused(f"request {id} is not open: the run is ending"))
        case Tick(now):
            state.now = max(state.now, now)
            patience = show_duration(state.site.run.child_timeout)
            for tape in [tape for tape in state.tapes.values() if state.now >= _silence_ends(state, tape)]:
                yield Kill(tape.child)
                yield from _undescribed(state, tape, f"said nothing for {patience}: its drive or changer is stuck")
        case _:
            pass


def wakes(state: State) -> list[float]:
    """When a `Tick` is wanted."""
    return [ends for tape in state.tapes.values() if (ends := _silence_ends(state, tape)) < math.inf]


def _silence_ends(state: State, tape: Tape) -> float:
    return tape.silent_since + state.site.run.child_timeout if tape.describing else math.inf


def described(state: State, tape: Tape, message: taper.Described) -> Iterator[Effect]:
    """A volume has its description, or has none; during the run and at its end."""
    place = (message.label, message.fileno)
    said, found, crc = message.message.rpartition("crc ") if message.fileno else (message.message, "", "")
    if not found:
        said, crc = message.message, ""
    if message.fileno > 0 and place not in tape.places and message.label in tape.labels:
        tape.places.add(place)
        if message.label == tape.label:
            tape.volume_size += message.size
            tape.volume_parts += 1
        yield Journal(e.VolumeDescribed(tape.child, tape.storage, message.label, message.fileno, message.size, crc))
    if said.strip():
        yield Journal(e.Notice("TAP026", "W", tape.storage, said.strip()))
    if tape.describing:
        yield from _closed(state, tape)


def _next(state: State) -> Iterator[Effect]:
    """Order the next description; the run's end when there is none to order."""
    for tape in state.tapes.values():
        if tape.label and not tape.volume_parts:
            yield Tell(tape.child, taper.CloseVolume())
            yield from tape_waiting.close_volume(tape)
        elif tape.label:
            tape.describing = True
            yield tape_waiting.told(state, tape, taper.Describe())
            return
    yield from _finish(state)


def _closed(state: State, tape: Tape) -> Iterator[Effect]:
    tape.describing = False
    yield Tell(tape.child, taper.CloseVolume())
    yield from tape_waiting.close_volume(tape)
    yield from _next(state)


def _undescribed(state: State, tape: Tape, why: str) -> Iterator[Effect]:
    """Its taper is lost: so is the description, and nothing else."""
    if not tape.label:
        return
    yield from _told_without(tape, f"{tape.child} {why}")
    if tape.describing:
        tape.describing = False
        yield from _next(state)


def _told_without(tape: Tape, why: str) -> Iterator[Effect]:
    yield Journal(e.Notice("TAP026", "W", tape.storage, f"volume {tape.label} does not describe itself: {why}"))
    yield from tape_waiting.close_volume(tape)


def _ordered(state: State, order: op.Order, by: str) -> Iterator[Effect]:
    """Only to stop at once still means something: no further description is waited for."""
    if not isinstance(order, op.Stop):
        said = "the run is ending"
        yield Journal(e.OperatorActed(by, join(op.VOCABULARY.words(order)), said))
        yield Reply(op.Refused(said))
        return
    yield Journal(e.OperatorActed(by, join(op.VOCABULARY.words(order)), "OK"))
    yield Reply(op.Ok())
    if order.when == "now":
        for tape in state.tapes.values():
            if tape.label:
                yield from _told_without(tape, f"the run was stopped by {by}")
        yield from _finish(state)


def _finish(state: State) -> Iterator[Effect]:
    assert state.closing is not None
    end = state.closing
    state.finished = True
    yield Journal(e.RunEnded(end.code, end.done, end.failed, end.left_on_holding))
    yield Finish(end.code)
