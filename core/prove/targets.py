"""What there is to be verified, and in which order: the copy that was not read for the longest time comes first.  Pure.

A copy is a dump's holding file, or its parts on the volumes of one storage.  Sizes KiB, times seconds since the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from core.catalogue.checked import Checked, Last
from core.catalogue.queries import Copy, Dump, Part
from core.errors import UsageError
from core.model.units import show_kib


@dataclass(frozen=True, slots=True)
class Target:
    """One copy, or with ``label`` its parts on that volume; ``last`` is its last check."""

    dump: Dump
    copy: Copy | None
    last: Last | None
    label: str = ""

    @property
    def title(self) -> str:
        """The dump."""
        return f"{self.dump.host}:{self.dump.disk} level {self.dump.level} of {self.dump.datestamp}"

    @property
    def place(self) -> str:
        """Where this copy is."""
        if self.copy is None:
            return f"holding file {self.dump.file}"
        return f"volume {self.label or ', '.join(self.copy.labels)} of storage {self.copy.storage}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that are to be read; none of a holding file."""
        return tuple(part for part in (self.copy.parts if self.copy else ()) if self.label in ("", part.label))

    @property
    def whole(self) -> bool:
        """Whether the whole dump is read."""
        return self.copy is None or len(self.parts) == len(self.copy.parts)

    @property
    def size(self) -> int:
        """KiB to be read."""
        return sum(part.size for part in self.parts) if self.copy else self.dump.size

    @property
    def at(self) -> float:
        """When it was read last; 0 never."""
        return self.last.at if self.last else 0.0


def targets_of(
    dumps: Iterable[Dump], checked: Checked, storages: Collection[str], label: str = "", now: float = math.inf,
) -> list[Target]:
    """Every copy in a storage that is configured; with ``label`` only what is on that volume.  The longest unread first; one
    that was read later than ``now``, by a clock that was wrong, counts as never read."""
    found = []
    for dump in dumps:
        if dump.file and not label:
            found.append(Target(dump, None, checked.of(dump, None)))
        for copy in dump.copies:
            if copy.storage not in storages or (label and label not in copy.labels):
                continue
            if label and copy.labels != (label,):
                found.append(Target(dump, copy, checked.of_part(dump, copy, label), label))
            else:
                found.append(Target(dump, copy, checked.of(dump, copy)))
    return sorted(found, key=lambda target: (target.at if target.at <= now else 0.0, target.dump.datestamp))


def due(targets: Sequence[Target], every: float, now: float) -> list[Target]:
    """Those whose last check is at least ``every`` seconds ago, or in the future of a clock that was wrong."""
    return [target for target in targets if now - target.at >= every or target.at > now]


def sampled(targets: Sequence[Target], share: float, all_kib: int) -> list[Target]:
    """The first of ``targets``, as many as ``share`` of ``all_kib`` needs, and at least one."""
    wanted, found, size = share * all_kib, list[Target](), 0
    for target in targets:
        if found and size + target.size / 2 > wanted:
            break
        found.append(target)
        size += target.size
    return found


def parse_share(text: str) -> float:
    """``5%`` as 0.05.  UsageError VFY014."""
    try:
        share = float(text.strip().removesuffix("%")) / 100 if text.strip().endswith("%") else math.nan
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise UsageError("VFY014", f"{text!r} is no share", 'write a percentage, such as --sample 5%')
    return share


def show_total(targets: Sequence[Target]) -> str:
    """``3 copies, 12.0 GiB``."""
    count = len(targets)
    return f"{count} {'copy' if count == 1 else 'copies'}, {show_kib(sum(target.size for target in targets))}"
