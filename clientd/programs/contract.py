"""What a dump program is to the services: how it checks, estimates and dumps a disk.

A program is one value in the registry of `clientd.programs`; the conformance suite runs over all of them.  Its faults
are WorldErrors with a code and a sentence that an operator understands.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from clientd.access import Access
from clientd.settings import Settings
from core.wire.dle_xml import Dle
from core.wire.features import Features


class Sort(Enum):
    """What a line on a program's stderr is."""

    NORMAL = auto()
    STRANGE = auto()
    IGNORED = auto()


@dataclass(frozen=True, slots=True)
class Task:
    """One disk for a program.  ``host`` is the client's name on the server; it names the incremental state.  ``access``: asked
    again when the disk's directory was opened, since a name may lead elsewhere by then.  The rest is for an application: the
    server's ``config``, the run's ``timestamp``, the server's ``features``, and whether it takes a STATE stream."""

    dle: Dle
    host: str
    settings: Settings
    access: Access = Access()
    config: str = ""
    timestamp: str = ""
    features: Features = Features()
    wants_state: bool = False


class Dump(Protocol):
    """One dump that can start: everything that can be checked before was checked."""

    @property
    def backup(self) -> str:
        """What Amanda's header calls the program, such as ``/bin/tar``."""

    @property
    def restore_command(self) -> str:
        """How the dump is restored by hand, after decompression: ``/bin/tar -xpGf - ...``."""

    @property
    def application(self) -> str:
        """The name of an application, empty for a program that is none."""

    @property
    def relays(self) -> Mapping[str, int]:
        """Once it was started: what the program itself says for MESG, INDEX and STATE, as descriptors to be read; empty when
        its stderr and its archive tell all that."""

    @property
    def lists_kept(self) -> bool:
        """Whether the stream tells which files are there but not in this dump."""

    @property
    def complete(self) -> bool:
        """Once it was started: whether nothing is left out of the dump, and its stream has no lists that say so."""

    def start(self) -> subprocess.Popen[bytes]:
        """Run the program: a tar stream on its stdout, lines on its stderr.  WorldError when it cannot be run."""

    def begins(self, archive: int) -> bytes | None:
        """What was read of its stdout to see whether the dump can be good, which may be nothing; None: it cannot, and has to be
        started again.  Called once after each `start`."""

    def sort(self, line: str) -> Sort:
        """What a line of stderr is."""

    def fault(self, status: int) -> str:
        """What an exit status says: empty when the dump is good."""

    def commit(self) -> None:
        """The dump is good and safe: the next incremental goes on from it.  WorldError."""

    def discard(self) -> None:
        """The dump is not good: nothing of it stays.  May come after `commit`, and then does nothing."""


class Program(Protocol):
    """A way to dump a disk."""

    @property
    def name(self) -> str:
        """As it stands in a request's ``<program>``."""

    def check(self, task: Task) -> Iterator[tuple[bool, str]]:
        """Whether the disk could be dumped: what is well and what is not."""

    def estimate(self, task: Task, levels: Sequence[int]) -> dict[int, int]:
        """KiB of a dump at each level, before compression.  WorldError."""

    def prepare(self, task: Task, level: int) -> Dump:
        """A dump at ``level``.  WorldError."""
