"""A configuration as values: what one `taperoom.toml` says, checked and with its defaults filled in.

Sizes are KiB, times seconds, rates KiB/s.  `core.config.load` makes these; nothing else reads TOML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.model.disk import Disk, Host


@dataclass(frozen=True, slots=True)
class Policy:
    """An answer that is given without a person: the reply, after so many seconds."""

    reply: str
    after: float
    argument: str = ""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """``[run]``: how a night is driven."""

    dumpcycle: int = 7
    runspercycle: int = 7
    runtapes: int = 1
    inparallel: int = 4
    maxdumps: int = 1
    netusage: int = 80000
    interfaces: dict[str, int] = field(default_factory=dict)
    dumporder: str = "BTsS"
    taperalgo: str = "first"
    autoflush: bool = True
    request_deadline: float = 3600.0
    retry_delay: float = 30.0
    child_timeout: float = 900.0
    requests: dict[str, Policy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HoldingDisk:
    """``[[holding]]``: a directory for dumps on their way to a volume.

    ``use`` KiB: 0 all that is free, negative all but that much.  ``reserve`` percent are kept for degraded mode.
    """

    path: Path
    use: int = 0
    chunksize: int = 1024 * 1024
    reserve: int = 30


@dataclass(frozen=True, slots=True)
class Retention:
    """What keeps a volume from being overwritten: newest ``tapes``, younger than ``days``, last ``full`` fulls of each disk."""

    tapes: int = 14
    days: int = 0
    full: int = 1


@dataclass(frozen=True, slots=True)
class Storage:
    """``[storage.NAME]``: a changer with its volumes; ``capacity`` and ``part_size`` KiB, part_size 0 does not split."""

    name: str
    changer: str
    slots: int = 0
    capacity: int = 0
    part_size: int = 0
    label: str = ".*"
    autolabel: str = ""
    retention: Retention = field(default_factory=Retention)
    runtapes: int | None = None

    @property
    def kind(self) -> str:
        """The device's name in the registry: ``disk`` of ``disk:/srv/vtapes``."""
        return self.changer.partition(":")[0]

    @property
    def address(self) -> str:
        """What the device is told: ``/srv/vtapes`` of ``disk:/srv/vtapes``."""
        return self.changer.partition(":")[2]


@dataclass(frozen=True, slots=True)
class VerifySettings:
    """``[verify]``: after how many seconds a copy is to be read again; 0 is never by itself."""

    every: float = 0.0


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """``[drill]``: how many files of each disk, where to (empty: the system's temporary directory), at most so many KiB."""

    files: int = 10
    scratch: str = ""
    limit: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Site:
    """One whole configuration."""

    file: Path
    org: str
    state_dir: Path
    run: RunSettings
    holding: tuple[HoldingDisk, ...]
    storages: dict[str, Storage]
    hosts: dict[str, Host]
    disks: tuple[Disk, ...]
    theme: str = ""
    verify: VerifySettings = field(default_factory=VerifySettings)
    drill: DrillSettings = field(default_factory=DrillSettings)

    @property
    def runs_dir(self) -> Path:
        """Where each run has its directory."""
        return self.state_dir / "runs"

    @property
    def index_dir(self) -> Path:
        """Where the file lists of dumps are: ``HOST/DISK/STAMP_LEVEL.gz``."""
        return self.state_dir / "index"

    @property
    def tls_dir(self) -> Path:
        """The authority that certifies clients, our own certificate, and the register of what was issued."""
        return tls_dir_of(self.state_dir)

    @property
    def tapelist(self) -> Path:
        """Amanda's tapelist, all storages in one file."""
        return self.state_dir / "tapelist"

    @property
    def catalogue(self) -> Path:
        """The SQLite index over journals and volumes."""
        return self.state_dir / "catalogue.sqlite"

    @property
    def checks(self) -> Path:
        """The journal of what was read again and drilled (`core.catalogue.checked`)."""
        return self.state_dir / "checks.jsonl"

    def disk(self, host: str, disk: str) -> Disk | None:
        """The disklist entry of that name, if there is one."""
        return next((d for d in self.disks if d.key == (host, disk)), None)

    def storages_of(self, disk: Disk) -> tuple[str, ...]:
        """The storages that a dump of ``disk`` goes to; the first of the configuration unless its dumptype says more."""
        return disk.dumptype.storage or tuple(self.storages)[:1]


def tls_dir_of(state_dir: Path) -> Path:
    """Where a site with this state directory keeps what the transport tls needs."""
    return state_dir / "tls"
