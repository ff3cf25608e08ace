"""What an act is done to: the disk under the cursor, the marked ones, a volume, a dump on the holding disk.

A screen says what stands under its cursor; it does not know which acts there are.  Sizes are KiB.
"""

from __future__ import annotations

from dataclasses import dataclass

Key = tuple[str, str]
"""Host and disk."""


@dataclass(frozen=True, slots=True)
class VolumeAt:
    """A slot and the volume in it; ``needed`` says why it may not be written anew, empty: it may; ``fault``: why nobody knows
    what is in the slot; ``reuse``: it may ever be written anew."""

    storage: str
    slot: str
    label: str = ""
    size: int = 0
    dumps: int = 0
    needed: str = ""
    loaded: bool = False
    reuse: bool = True
    fault: str = ""


@dataclass(frozen=True, slots=True)
class SpooledAt:
    """A dump on the holding disk; ``labels`` are volumes that have it, too; ``complete``: it was dumped to its end."""

    file: str
    host: str
    disk: str
    level: int
    datestamp: str
    size: int
    complete: bool = True
    labels: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """``HOST:DISK``."""
        return f"{self.host}:{self.disk}"


@dataclass(frozen=True, slots=True)
class Subject:
    """All of what an act may be done to on one screen; what does not apply is empty."""

    disk: Key | None = None
    marked: tuple[Key, ...] = ()
    volume: VolumeAt | None = None
    dump: SpooledAt | None = None
    names: int = 0
    """Names that are marked to be restored."""
    restore: str = ""
    """The name of a restore that goes on."""

    @property
    def disks(self) -> tuple[Key, ...]:
        """The marked disks, or the one under the cursor."""
        return self.marked or ((self.disk,) if self.disk else ())


def title_of(key: Key) -> str:
    """``HOST:DISK``."""
    return f"{key[0]}:{key[1]}"
