"""What is known of one dump: its checksum, statistics and outcome."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from core.model.units import Kib

MAX_LEVEL = 399


@dataclass(frozen=True, slots=True)
class Crc:
    """A CRC-32C and the number of bytes that it covers; Amanda's ``%08x:%lld``."""

    value: int
    size: int

    def __str__(self) -> str:
        return f"{self.value:08x}:{self.size}"

    @property
    def known(self) -> bool:
        """Whether it says anything: ``00000000:0`` means unknown."""
        return self.value != 0 or self.size != 0

    @classmethod
    def parse(cls, text: str) -> Crc:
        """Read Amanda's form.  ValueError when it is none."""
        found = re.fullmatch(r"([0-9a-fA-F]{1,8}):(\d{1,20})", text)
        if found is None:
            raise ValueError(f"{text!r} is no CRC")
        return cls(int(found[1], 16), int(found[2]))


NO_CRC = Crc(0, 0)


class Outcome(StrEnum):
    """How an attempt to dump a disk, or to write a dump to a volume, ended."""

    DONE = "done"
    STRANGE = "strange"
    FAILED = "failed"
    TRY_AGAIN = "try-again"
    ABORTED = "aborted"


_STAT = re.compile(r"([a-z-]+) ([-0-9.]+)")
_LARGEST = 1e18
"""What is larger is no KiB of anything, and a catalogue could not hold it."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Statistics of a DONE message: ``[sec 12.3 kb 4096 kps 333.0 orig-kb 8192]`` and the three CRCs."""

    seconds: float
    kib: Kib
    orig_kib: Kib
    native: Crc = NO_CRC
    client: Crc = NO_CRC
    server: Crc = NO_CRC

    def __str__(self) -> str:
        kps = self.kib / self.seconds if self.seconds > 0 else 0.0
        text = f"[sec {self.seconds:.3f} kb {self.kib} kps {kps:.1f} orig-kb {self.orig_kib}]"
        return f"{text} native-crc {self.native} client-crc {self.client} server-crc {self.server}"

    @classmethod
    def parse(cls, text: str) -> Stats:
        """Read what `__str__` wrote; missing words count as 0.  ValueError for numbers that are none."""
        inside, _, rest = text.partition("]")
        found = {key: float(value) for key, value in _STAT.findall(inside)}
        if not all(abs(value) < _LARGEST for value in found.values()):
            raise ValueError(f"{inside[:60]!r} has a number that is too large")
        words = rest.split()
        crcs = {key: Crc.parse(value) for key, value in zip(words[::2], words[1::2], strict=False)}
        kib = found["kb"] if "kb" in found else found.get("bytes", 0) / 1024
        return cls(
            found.get("sec", 0.0), Kib(int(kib)), Kib(int(found.get("orig-kb", 0))),
            crcs.get("native-crc", NO_CRC), crcs.get("client-crc", NO_CRC), crcs.get("server-crc", NO_CRC),
        )
