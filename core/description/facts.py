"""What a run's journal says of volumes: which dumps are on them, and which volumes describe themselves.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.catalogue.queries import DumpKey
from core.events import event as e
from core.events.event import Record


@dataclass(slots=True)
class OnVolumes:
    """A write of a dump: where its parts are, in order, as (label, file number, KiB); ``whole``: it ended well."""

    storage: str
    key: DumpKey
    parts: list[tuple[str, int, int]] = field(default_factory=list)
    whole: bool = False

    @property
    def last_label(self) -> str:
        """The volume that it ends on; empty before its first part."""
        return self.parts[-1][0] if self.parts else ""


@dataclass(slots=True)
class Facts:
    """Of one run: its writes in their order, its volumes as (storage, label), and those that describe themselves."""

    writes: list[OnVolumes] = field(default_factory=list)
    volumes: list[tuple[str, str]] = field(default_factory=list)
    described: set[tuple[str, str]] = field(default_factory=set)
    closing: bool = False
    """what was described since then tells how the run ended"""
    carried: bool = False
    """whether some volume tells of the whole run"""


def facts_of(records: Iterable[Record]) -> Facts:
    """The facts in a journal's records."""
    found = Facts()
    under_way: dict[tuple[str, str], OnVolumes] = {}
    for record in records:
        match record.event:
            case e.VolumeBegan() as event:
                found.volumes.append((event.storage, event.label))
            case e.VolumeDescribed() as event:
                found.described.add((event.storage, event.label))
                found.carried |= found.closing
            case e.WriteBegan() as event:
                key = (event.host, event.disk, event.datestamp, event.level)
                write = under_way[event.handle, event.storage] = OnVolumes(event.storage, key)
                found.writes.append(write)
            case e.PartWritten() as event:
                if (known := under_way.get((event.handle, event.storage))) is not None:
                    known.parts.append((event.label, event.fileno, event.size))
            case e.WriteEnded() as event:
                if (ended := under_way.get((event.handle, event.storage))) is not None:
                    ended.whole = event.outcome == "done"
            case e.RunClosing():
                found.closing = True
            case _:
                pass
    return found
