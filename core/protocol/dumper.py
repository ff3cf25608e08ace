"""The language between the driver and one dumper.

The driver speaks first.  Between FILE-DUMP or PORT-DUMP and the dumper's last word on it (DONE, STRANGE, TRY-AGAIN,
FAILED or ABORT-FINISHED) the dumper serves that one dump.  Messages marked + in the design are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from core.model.units import Handle, Kib
from core.protocol.conversation import Conversation, Table
from core.protocol.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class FileDump:
    """Dump this disk into that holding file; ``chunksize`` KiB with headers, 0 is one chunk (`core.protocol.options`)."""

    VERB: ClassVar = "FILE-DUMP"
    handle: Handle
    filename: str
    host: str
    disk: str
    level: int
    dumpdate: str
    chunksize: Kib
    program: str
    options: str


@dataclass(frozen=True, slots=True)
class PortDump:
    """Dump this disk straight to the taper that listens on this loopback port."""

    VERB: ClassVar = "PORT-DUMP"
    handle: Handle
    port: int
    host: str
    disk: str
    level: int
    dumpdate: str
    program: str
    options: str


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on: bare, in place with as much more as was missing; with a name in the directory of the chunk that is being
    written, in place with ``use`` KiB more; with one in another directory, in a new chunk there with ``use`` KiB."""

    VERB: ClassVar = "CONTINUE"
    filename: str | None = None
    chunksize: Kib | None = None
    use: Kib | None = None


@dataclass(frozen=True, slots=True)
class Abort:
    """Give this dump up and remove what it wrote."""

    VERB: ClassVar = "ABORT"
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Confirm:
    """A dump is safe, in the journal and on the holding disk or its volume: its client may be told so and build upon it.
    Comes at any time after the dump's DONE; a handle that the dumper does not know (any more) is no fault."""

    VERB: ClassVar = "CONFIRM"
    handle: Handle


@dataclass(frozen=True, slots=True)
class Quit:
    """No more work; the dumper ends.  End of file means the same."""

    VERB: ClassVar = "QUIT"


@dataclass(frozen=True, slots=True)
class Done:
    """The dump is whole and safe; the message has its figures (`core.model.dump.Stats`), with ``strange`` behind
    them after STRANGE."""

    VERB: ClassVar = "DONE"
    handle: Handle
    message: str = ""


WAS_STRANGE = " strange"
"""At the end of a DONE message: a STRANGE came before it."""


@dataclass(frozen=True, slots=True)
class Strange:
    """Said just before DONE: the dump is good, but the client said something odd; lines joined by newlines."""

    VERB: ClassVar = "STRANGE"
    handle: Handle
    message: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It may work later: client busy or unreachable, connection lost."""

    VERB: ClassVar = "TRY-AGAIN"
    handle: Handle
    message: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """The client asks to be asked again: after ``delay`` seconds, at ``level``; −1 says nothing about it (Amanda's)."""

    VERB: ClassVar = "RETRY"
    handle: Handle
    delay: int
    level: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Fatal for this dump."""

    VERB: ClassVar = "FAILED"
    handle: Handle
    message: str = ""


@dataclass(frozen=True, slots=True)
class NoRoom:
    """The allotment or the disk is full; the dump stands still until CONTINUE or ABORT.  ``missing`` KiB, 0 unknown;
    ``why``: ``allotment`` or ``disk`` (the file system is full, whatever was allotted)."""

    VERB: ClassVar = "NO-ROOM"
    handle: Handle
    missing: Kib = Kib(0)
    why: str = "allotment"


@dataclass(frozen=True, slots=True)
class Progress:
    """KiB written and KiB before compression so far, at most twice a second."""

    VERB: ClassVar = "PROGRESS"
    handle: Handle
    size: Kib
    orig: Kib


@dataclass(frozen=True, slots=True)
class AbortFinished:
    """The dump is given up and its holding file is gone."""

    VERB: ClassVar = "ABORT-FINISHED"
    handle: Handle


@dataclass(frozen=True, slots=True)
class BadCommand:
    """The last line was no command, or came out of turn."""

    VERB: ClassVar = "BAD-COMMAND"
    message: str = ""


Order = FileDump | PortDump | Continue | Abort | Confirm | Quit
Report = Done | Strange | TryAgain | Retry | Failed | NoRoom | Progress | AbortFinished | BadCommand

VOCABULARY = Vocabulary("dumper", [
    FileDump, PortDump, Continue, Abort, Confirm, Quit,
    Done, Strange, TryAgain, Retry, Failed, NoRoom, Progress, AbortFinished, BadCommand,
])


class State(StrEnum):
    """Where the conversation stands, as both ends see it."""

    IDLE = "idle"
    DUMPING = "dumping"
    STALLED = "stalled"
    ABORTING = "aborting"
    GONE = "gone"


# ABORT and the dumper's last word may cross on the pipe: in ABORTING the dumper's word may still be one that it
# said before it read ABORT; it then answers ABORT-FINISHED all the same.
TABLE: Table[State] = {
    State.IDLE: {
        FileDump: State.DUMPING, PortDump: State.DUMPING, Confirm: State.IDLE, Quit: State.GONE, BadCommand: State.IDLE,
    },
    State.DUMPING: {
        BadCommand: State.DUMPING, Confirm: State.DUMPING,
        NoRoom: State.STALLED, Progress: State.DUMPING, Strange: State.DUMPING, Abort: State.ABORTING,
        Done: State.IDLE, TryAgain: State.IDLE, Retry: State.IDLE, Failed: State.IDLE, Quit: State.GONE,
    },
    State.STALLED: {
        BadCommand: State.STALLED, Confirm: State.STALLED,
        Continue: State.DUMPING, Abort: State.ABORTING, TryAgain: State.IDLE, Retry: State.IDLE, Failed: State.IDLE,
        Quit: State.GONE,
    },
    State.ABORTING: {
        BadCommand: State.ABORTING, Confirm: State.ABORTING,
        AbortFinished: State.IDLE, NoRoom: State.ABORTING, Progress: State.ABORTING, Strange: State.ABORTING,
        Done: State.ABORTING, TryAgain: State.ABORTING, Retry: State.ABORTING, Failed: State.ABORTING, Quit: State.GONE,
    },
    State.GONE: {},
}


def conversation() -> Conversation[State]:
    """A fresh conversation, for either end."""
    return Conversation(VOCABULARY, TABLE, State.IDLE)
