"""One FILE-WRITE or PORT-WRITE as the driver sees it: progress, permission for volumes, the dumper's last word.

Promises at most two PROGRESS a second, that the driver is listened to while data moves, and that a volume is begun
only after NEW-TAPE.  Knows nothing of data.
"""

from __future__ import annotations

import time

from core.devices.contract import Volume
from core.devices.labelling import NoVolume
from core.errors import TaperoomError, WorldError
from core.model.units import Handle, kib_of
from core.protocol import taper
from core.taper.describing import describe
from core.taper.pipe import Pipe
from core.taper.scribe import Scribe

PROGRESS_SECONDS = 0.5
LISTEN_SECONDS = 0.1
HEARTBEAT_SECONDS = 5.0
"""How long a taper that waits for data is silent: one that says nothing for long is taken to be stuck."""
LOOK_SECONDS = 3.0
"""How often a taper that waits for an operator looks for a volume by itself."""


class BadInput(TaperoomError):
    """What was to be written is bad; the volume is fine (TRY-AGAIN)."""


class NoTape(TaperoomError):
    """Nothing more can be written (TAPE-ERROR)."""


class Job:
    """The conversation about one handle.  ``look`` seconds: see `LOOK_SECONDS`."""

    def __init__(self, pipe: Pipe, scribe: Scribe, handle: Handle, look: float = LOOK_SECONDS) -> None:
        self.pipe, self.scribe, self.handle = pipe, scribe, handle
        self.ending: taper.WriteDone | None = None
        self._look = look
        self._progress_at = self._listen_at = time.monotonic()
        self._written = 0

    def tick(self, written: int) -> None:
        """Between two pieces: say PROGRESS and hear the driver, both only now and then.  Stopped, BadInput."""
        now = time.monotonic()
        self._written = written
        if now - self._listen_at < LISTEN_SECONDS:
            return
        self._listen_at = now
        while (order := self.pipe.listen(0.0)) is not None:
            self.note(order)
        if now - self._progress_at >= PROGRESS_SECONDS:
            self._progress_at = now
            self.pipe.say(taper.Progress(self.handle, kib_of(written)))

    def note(self, order: taper.Order) -> None:
        """An order that came while writing: only the dumper's last word matters.  BadInput when it failed."""
        match order:
            case taper.WriteDone(handle=self.handle):
                self.ending = order
            case taper.WriteFailed(handle=self.handle):
                raise BadInput("TAP014", f"the dumper failed: {order.message}" if order.message else "the dumper failed")
            case _:
                pass  # a late answer to a question that is settled

    def hear(self, also: int) -> None:
        """Wait until ``also`` is readable, or for a while, noting what the driver says.  Stopped, BadInput."""
        while (order := self.pipe.listen(HEARTBEAT_SECONDS, also)) is not None:
            self.note(order)
        self._beat()

    def last_word(self) -> taper.WriteDone:
        """Wait until the driver tells how the dumper ended.  BadInput when it failed, Stopped."""
        while self.ending is None:
            order = self.pipe.listen(HEARTBEAT_SECONDS)
            if order is None:
                self._beat()
            else:
                self.note(order)
        return self.ending

    def _beat(self) -> None:
        """Say that we live, though nothing moves."""
        now = time.monotonic()
        if now - self._progress_at >= HEARTBEAT_SECONDS:
            self._progress_at = now
            self.pipe.say(taper.Progress(self.handle, kib_of(self._written)))

    def volume(self) -> Volume:
        """The volume to write on: the one in the drive, or the next one with the driver's leave.

        NoTape TAP013 without it; WorldError; BadInput when the dumper failed meanwhile; Stopped.
        """
        ready = self.scribe.ready()
        if ready is not None:
            return ready
        self.pipe.say(taper.RequestNewTape(self.handle, self.scribe.faults()))
        answered = False
        while not answered:
            order = self.pipe.listen()
            try:
                answered = order is not None and self._is_leave(order)
            except NoTape:
                self._leave_volume()
                raise
        self._leave_volume()
        while True:
            if answered:
                self.scribe.look_closely()
            fault = self._begin()
            if fault is None:
                break
            if answered:
                self.pipe.say(taper.RequestOperator(fault.code, f"{fault.message}; {fault.hint}"))
            order = self.pipe.listen(self._look)
            answered = order is not None and self._is_leave(order)
        self.pipe.say(taper.NewTape(self.handle, self.scribe.label, self.scribe.faults()))
        volume = self.scribe.ready()
        if volume is None:
            raise NoTape("TAP007", f"volume {self.scribe.label} has no room for a part")
        return volume

    def _leave_volume(self) -> None:
        """Let the full volume in the drive describe itself: by its answer the driver has every part in its journal."""
        if self.scribe.volume is None:
            return
        described = describe(self.scribe, self._hear_briefly)
        if described.fileno:  # otherwise the next volume tells of it
            self.pipe.say(described)
        self.scribe.retire()

    def _hear_briefly(self) -> None:
        now = time.monotonic()
        if now - self._listen_at >= LISTEN_SECONDS:
            self._listen_at = now
            while (order := self.pipe.listen(0.0)) is not None:
                self.note(order)
            self._beat()

    def _begin(self) -> WorldError | None:
        """Begin the next volume; why an operator is needed, if so."""
        try:
            self.scribe.begin_next()
        except NoVolume as fault:
            self.scribe.let_go()
            return fault
        except WorldError as fault:
            if fault.code != "TAP004":
                raise
            return fault  # an operator is at the changer: soon there may be a volume
        return None

    def _is_leave(self, order: taper.Order) -> bool:
        """Whether the driver lets us look for a volume.  NoTape when it does not."""
        match order:
            case taper.NewTape():
                return True
            case taper.NoNewTape():
                raise NoTape("TAP013", order.message or "no further volume is allowed")
            case _:
                self.note(order)
                return False
