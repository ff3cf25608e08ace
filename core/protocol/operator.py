"""The language on the control socket of a run: console and commands speak, the driver answers each line.

``HELLO <name> <mode>`` may come first; mode ``watch`` makes every later order REFUSED.  The driver adds the uid of
the peer (SO_PEERCRED) to the name.  ``SEQ n`` lines are nudges: record n is in the journal, look again; they may be
lost.  ``GAUGES`` says that status.json is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.protocol.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Hello:
    """Who speaks, and whether they ``operate`` or ``watch``."""

    VERB: ClassVar = "HELLO"
    name: str
    mode: str = "operate"


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer an open question with one of its choices."""

    VERB: ClassVar = "ANSWER"
    id: int
    choice: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class AbortDump:
    """Give up the dump under way with this handle."""

    VERB: ClassVar = "ABORT-DUMP"
    handle: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Dump this disk again although it failed or was given up."""

    VERB: ClassVar = "RETRY"
    host: str
    disk: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not start this disk until RELEASE."""

    VERB: ClassVar = "HOLD"
    host: str
    disk: str


@dataclass(frozen=True, slots=True)
class Release:
    """Take HOLD back."""

    VERB: ClassVar = "RELEASE"
    host: str
    disk: str


@dataclass(frozen=True, slots=True)
class Priority:
    """Change the priority of a disk that waits."""

    VERB: ClassVar = "PRIORITY"
    host: str
    disk: str
    priority: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Start no new dump."""

    VERB: ClassVar = "PAUSE"


@dataclass(frozen=True, slots=True)
class Resume:
    """Take PAUSE back."""

    VERB: ClassVar = "RESUME"


@dataclass(frozen=True, slots=True)
class Degrade:
    """Go on without a volume: what waits is dumped at its degraded level, to the holding disk."""

    VERB: ClassVar = "DEGRADE"


@dataclass(frozen=True, slots=True)
class FlushNow:
    """Write what waits on the holding disk to volumes now."""

    VERB: ClassVar = "FLUSH"


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run after the dumps under way, or ``now``."""

    VERB: ClassVar = "STOP"
    when: str = ""


@dataclass(frozen=True, slots=True)
class Ok:
    """Done."""

    VERB: ClassVar = "OK"
    message: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Not done, and why."""

    VERB: ClassVar = "REFUSED"
    message: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """The run is over."""

    VERB: ClassVar = "GONE"


@dataclass(frozen=True, slots=True)
class Seq:
    """Record ``number`` is in the journal."""

    VERB: ClassVar = "SEQ"
    number: int


@dataclass(frozen=True, slots=True)
class Gauges:
    """status.json was replaced."""

    VERB: ClassVar = "GAUGES"


Order = AbortDump | Retry | Hold | Release | Priority | Pause | Resume | Degrade | FlushNow | Stop
Said = Hello | Answer | Order
Reply = Ok | Refused | Gone | Seq | Gauges

VOCABULARY = Vocabulary("operator", [
    Hello, Answer, AbortDump, Retry, Hold, Release, Priority, Pause, Resume, Degrade, FlushNow, Stop,
    Ok, Refused, Gone, Seq, Gauges,
])
