"""A DLE and how it is dumped: the values of a disklist entry with its dumptype merged in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.model.units import sanitise


class HoldingUse(StrEnum):
    """Whether a dump goes through the holding disk."""

    AUTO = "auto"
    NEVER = "never"
    REQUIRED = "required"


class Strategy(StrEnum):
    """Which levels a disk is dumped at (Amanda's dumptype parameter)."""

    STANDARD = "standard"
    NOFULL = "nofull"
    NOINC = "noinc"
    INCRONLY = "incronly"
    SKIP = "skip"


class Compression(StrEnum):
    """Where and how a dump is compressed."""

    NONE = "none"
    CLIENT_FAST = "client fast"
    CLIENT_BEST = "client best"
    CLIENT_CUSTOM = "client custom"
    SERVER_FAST = "server fast"
    SERVER_BEST = "server best"
    SERVER_CUSTOM = "server custom"


@dataclass(frozen=True, slots=True)
class Bump:
    """When an incremental moves up a level: ``percent`` of the full or ``size`` KiB, times ``mult`` a level, after ``days``."""

    percent: int = 0
    size: int = 10 * 1024
    mult: float = 1.5
    days: int = 2


@dataclass(frozen=True, slots=True)
class Dumptype:
    """How a disk is dumped; sizes in KiB, times in seconds, cycles in days.

    ``program``: ``gnutar``, or an application of the client (Amanda's Application API) with its ``properties``.
    """

    name: str = "default"
    program: str = "gnutar"
    auth: str = "ssh"
    compress: Compression = Compression.CLIENT_FAST
    compress_program: str = ""
    encrypt: str = "none"
    index: bool = True
    record: bool = True
    holding: HoldingUse = HoldingUse.AUTO
    priority: int = 1
    estimate: tuple[str, ...] = ("client", "calcsize", "server")
    retry: int = 2
    strategy: Strategy = Strategy.STANDARD
    skip_full: bool = False
    skip_incr: bool = False
    dumpcycle: int = 7
    maxpromoteday: int = 10000
    bump: Bump = field(default_factory=Bump)
    comprate: tuple[float, float] = (0.5, 0.5)
    exclude: tuple[str, ...] = ()
    exclude_list: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    include_list: tuple[str, ...] = ()
    starttime: float | None = None
    storage: tuple[str, ...] = ()
    allow_split: bool = True
    max_warnings: int = 20
    beyond_estimate: int = 10
    properties: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    """A client: how it is reached and how much it may do at once; timeouts in seconds.

    ``tls_dir``: where the site keeps the authority and our own certificate for the transport tls.  ``push``: with ssh, bring
    the client there first; ``keep`` it there for the next time, or ``once``, which leaves nothing.
    """

    name: str
    address: str = ""
    port: int | None = None
    user: str = ""
    ssh_key: str = ""
    ssh_options: tuple[str, ...] = ()
    amandad: tuple[str, ...] = ()
    maxdumps: int = 1
    starttime: float | None = None
    connect_timeout: float = 30.0
    estimate_timeout: float = 300.0
    data_timeout: float = 1800.0
    tls_dir: str = ""
    push: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """One disklist entry.  ``disk`` is its name, ``device`` what the client reads (the name when empty).

    ``spindle`` ≥ 0: disks of the host with the same number are never dumped together.
    """

    host: Host
    disk: str
    dumptype: Dumptype
    device: str = ""
    spindle: int = -1
    interface: str = "default"

    @property
    def key(self) -> tuple[str, str]:
        """What names it everywhere: host and disk."""
        return (self.host.name, self.disk)

    @property
    def title(self) -> str:
        """``HOST:DISK`` as an operator writes it."""
        return f"{self.host.name}:{self.disk}"

    @property
    def file_stem(self) -> str:
        """``HOST.DISK`` sanitised, the first part of holding file and volume file names."""
        return f"{self.host.name}.{sanitise(self.disk)}"
