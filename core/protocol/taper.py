"""The language between the driver and the taper of one storage.

After START-TAPER is answered, the taper serves one FILE-WRITE or PORT-WRITE at a time.  It asks REQUEST-NEW-TAPE
before it writes on a volume that it has not begun in this run; the driver answers NEW-TAPE or NO-NEW-TAPE.  After
the data of a PORT-WRITE the driver says with WRITE-DONE or WRITE-FAILED how the dumper ended, as Amanda 3.5.1 does
with DONE and FAILED; only then the taper answers.

A volume describes itself: when it takes no more data, the taper writes the run's journal and the indexes of its dumps as
its last file, after the driver's leave for the next volume, or when DESCRIBE comes at the end of the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from core.model.units import Handle, Kib
from core.protocol.conversation import Conversation, Table
from core.protocol.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class StartTaper:
    """Find a volume for this run; nothing is written yet."""

    VERB: ClassVar = "START-TAPER"
    datestamp: str


@dataclass(frozen=True, slots=True)
class FileWrite:
    """Copy this holding file (all its chunks) to the volume."""

    VERB: ClassVar = "FILE-WRITE"
    handle: Handle
    filename: str
    host: str
    disk: str
    level: int
    datestamp: str = ""


@dataclass(frozen=True, slots=True)
class PortWrite:
    """Listen on loopback and write what a dumper sends to the volume."""

    VERB: ClassVar = "PORT-WRITE"
    handle: Handle
    host: str
    disk: str
    level: int
    datestamp: str = ""


@dataclass(frozen=True, slots=True)
class NewTape:
    """Driver: you may begin the next volume (scan again if there was none).  Taper: it is begun, with this label;
    ``message`` names the slots that took no label."""

    VERB: ClassVar = "NEW-TAPE"
    handle: Handle
    label: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class NoNewTape:
    """You may not begin another volume."""

    VERB: ClassVar = "NO-NEW-TAPE"
    handle: Handle
    message: str = ""


@dataclass(frozen=True, slots=True)
class WriteDone:
    """The dumper of this PORT-WRITE ended well; compare this CRC (`core.model.dump.Crc`) with what you wrote."""

    VERB: ClassVar = "WRITE-DONE"
    handle: Handle
    orig: Kib
    crc: str


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """The dumper of this PORT-WRITE failed; what you wrote is partial."""

    VERB: ClassVar = "WRITE-FAILED"
    handle: Handle
    message: str = ""


@dataclass(frozen=True, slots=True)
class Describe:
    """The run is over: write its journal and the indexes of the dumps on the volume in the drive as its last file."""

    VERB: ClassVar = "DESCRIBE"


@dataclass(frozen=True, slots=True)
class CloseVolume:
    """End the volume in the drive."""

    VERB: ClassVar = "CLOSE-VOLUME"


@dataclass(frozen=True, slots=True)
class Quit:
    """No more work; the taper answers QUITING and ends.  End of file means the same."""

    VERB: ClassVar = "QUIT"


@dataclass(frozen=True, slots=True)
class Quiting:
    """The last word of a taper (Amanda's spelling)."""

    VERB: ClassVar = "QUITING"


@dataclass(frozen=True, slots=True)
class TaperOk:
    """The storage is usable; ``drive`` and the ``label`` that would be written next, where known."""

    VERB: ClassVar = "TAPER-OK"
    drive: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class TaperError:
    """The storage has no usable volume or no working changer."""

    VERB: ClassVar = "TAPER-ERROR"
    message: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """Listening for the dump of the PORT-WRITE under way."""

    VERB: ClassVar = "PORT"
    port: int


@dataclass(frozen=True, slots=True)
class RequestNewTape:
    """Needs permission for a volume.  ``message``: the fault for which the one before is left; empty when it was full."""

    VERB: ClassVar = "REQUEST-NEW-TAPE"
    handle: Handle
    message: str = ""


@dataclass(frozen=True, slots=True)
class RequestOperator:
    """Needs hands: a stable code (`core.codes`) and what to do.  Driver answers NEW-TAPE (scan again) or NO-NEW-TAPE;
    the taper withdraws it by itself with NEW-TAPE and a label when the volume appears."""

    VERB: ClassVar = "REQUEST-OPERATOR"
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PartDone:
    """One part is durable on the volume: file number, KiB, statistics with its CRC."""

    VERB: ClassVar = "PARTDONE"
    handle: Handle
    label: str
    fileno: int
    size: Kib
    message: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """The volume describes itself in this file of so many KiB; file 0: it does not, and the message says why."""

    VERB: ClassVar = "DESCRIBED"
    label: str
    fileno: int
    size: Kib
    message: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """KiB written so far, at most twice a second."""

    VERB: ClassVar = "PROGRESS"
    handle: Handle
    size: Kib


@dataclass(frozen=True, slots=True)
class Done:
    """The dump is whole and safe on volumes; the message has its figures (`core.model.dump.Stats`)."""

    VERB: ClassVar = "DONE"
    handle: Handle
    message: str = ""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The input was bad (a CRC differs, a chunk is missing, the dumper failed); the volume is fine."""

    VERB: ClassVar = "TRY-AGAIN"
    handle: Handle
    message: str = ""


@dataclass(frozen=True, slots=True)
class TapeError:
    """The volume or the drive failed, or no further volume was allowed."""

    VERB: ClassVar = "TAPE-ERROR"
    handle: Handle
    message: str = ""


@dataclass(frozen=True, slots=True)
class BadCommand:
    """The last line was no command, or came out of turn."""

    VERB: ClassVar = "BAD-COMMAND"
    message: str = ""


Order = StartTaper | FileWrite | PortWrite | NewTape | NoNewTape | WriteDone | WriteFailed | Describe | CloseVolume | Quit
Report = (
    TaperOk | TaperError | Port | RequestNewTape | NewTape | RequestOperator | PartDone | Described | Progress | Done | TryAgain
    | TapeError | BadCommand | Quiting
)

VOCABULARY = Vocabulary("taper", [
    StartTaper, FileWrite, PortWrite, NewTape, NoNewTape, WriteDone, WriteFailed, Describe, CloseVolume, Quit,
    Quiting, TaperOk, TaperError, Port, RequestNewTape, RequestOperator, PartDone, Described, Progress, Done, TryAgain,
    TapeError, BadCommand,
])


class State(StrEnum):
    """Where the conversation stands, as both ends see it."""

    NEW = "new"
    STARTING = "starting"
    IDLE = "idle"
    WRITING = "writing"
    ASKING = "asking"
    DESCRIBING = "describing"
    ENDING = "ending"
    GONE = "gone"


# PORT-WRITE: the dumper may fail before a volume was asked for or given, so WRITE-DONE and WRITE-FAILED are allowed
# while the taper asks; the taper keeps them.  NEW-TAPE without a label comes from the driver, with one from the taper:
# one class, so ASKING stays until the taper's word.
TABLE: Table[State] = {
    State.NEW: {StartTaper: State.STARTING, Quit: State.ENDING, BadCommand: State.NEW},
    State.STARTING: {TaperOk: State.IDLE, TaperError: State.IDLE, Quit: State.ENDING},
    State.IDLE: {
        FileWrite: State.WRITING, PortWrite: State.WRITING, Describe: State.DESCRIBING, CloseVolume: State.IDLE,
        StartTaper: State.STARTING,
        NewTape: State.IDLE, NoNewTape: State.IDLE, WriteDone: State.IDLE, WriteFailed: State.IDLE,
        BadCommand: State.IDLE, Quit: State.ENDING,
    },
    State.WRITING: {
        Port: State.WRITING, PartDone: State.WRITING, Described: State.WRITING, Progress: State.WRITING,
        RequestNewTape: State.ASKING, RequestOperator: State.ASKING,
        NewTape: State.WRITING, NoNewTape: State.WRITING, WriteDone: State.WRITING, WriteFailed: State.WRITING,
        Done: State.IDLE, TryAgain: State.IDLE, TapeError: State.IDLE, BadCommand: State.WRITING, Quit: State.ENDING,
    },
    State.ASKING: {
        NewTape: State.WRITING, NoNewTape: State.WRITING, RequestOperator: State.ASKING, WriteDone: State.ASKING,
        WriteFailed: State.ASKING, Progress: State.ASKING, TapeError: State.IDLE, TryAgain: State.IDLE,
        BadCommand: State.ASKING, Quit: State.ENDING,
    },
    State.DESCRIBING: {
        Described: State.IDLE, NewTape: State.DESCRIBING, NoNewTape: State.DESCRIBING, WriteDone: State.DESCRIBING,
        WriteFailed: State.DESCRIBING, BadCommand: State.IDLE, Quit: State.ENDING,
    },
    State.ENDING: {
        Quiting: State.GONE, Progress: State.ENDING, PartDone: State.ENDING, Described: State.ENDING, Done: State.ENDING,
        TryAgain: State.ENDING, TapeError: State.ENDING, RequestNewTape: State.ENDING, NewTape: State.ENDING,
        RequestOperator: State.ENDING, TaperOk: State.ENDING, TaperError: State.ENDING, Port: State.ENDING,
    },
    State.GONE: {},
}


def conversation() -> Conversation[State]:
    """A fresh conversation, for either end."""
    return Conversation(VOCABULARY, TABLE, State.NEW)
