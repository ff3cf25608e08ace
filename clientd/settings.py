"""What a client's amandad takes from its surroundings: where its state lies, which tar, which extra modules exist.

Promises to read the environment once and to change nothing.  It does not know any request.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.wire.features import CLIENT, SENDBACKUP_CRC, Features

Checksum = Callable[[memoryview, int], int]

CRC32C: Checksum | None
try:
    from core.model.crc32c import crc32c as CRC32C
except ImportError:  # pragma: no cover - the development environment has it
    CRC32C = None
"""CRC-32C of a buffer, going on from a value; None where the package is missing.  Python's own would be far too slow."""

STATE = Path("/var/lib/taperoom-client")
"""Root's, or that of whom it belongs to: a user such as Amanda's has no home of its own."""
ROOT_ACCESS = Path("/etc/taperoom-client/access.toml")
ROOT_TLS = Path("/etc/taperoom-client/tls")
APPLICATIONS = Path("/usr/lib/amanda/application")
"""Where Amanda's own client has them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``state``: directory of the incremental state, None where none is kept: each dump then holds everything.  ``tar``: GNU
    tar, empty when there is none.  ``access``: its file.  ``tls``: directory of the certificates.  ``amandahosts``: who may
    ask by bsdtcp.  ``applications``: directory of the programs with Amanda's Application API."""

    state: Path | None
    tar: str
    access: Path
    tls: Path = ROOT_TLS
    amandahosts: Path = Path("/nonexistent/.amandahosts")
    applications: Path = APPLICATIONS

    @property
    def features(self) -> Features:
        """What this client announces."""
        return CLIENT if CRC32C is not None else CLIENT.less(SENDBACKUP_CRC)


def read_settings(environment: Mapping[str, str] = os.environ, *, root: bool | None = None) -> Settings:
    """The settings of this process.  TAPEROOM_CLIENT_ and STATE, TAR, ACCESS, TLS, AMANDAHOSTS or APPLICATIONS override;
    ``none`` as STATE keeps none."""
    root = os.geteuid() == 0 if root is None else root
    home = Path(environment.get("HOME") or _login_home(Path("/")))
    state = environment.get("TAPEROOM_CLIENT_STATE")
    access = environment.get("TAPEROOM_CLIENT_ACCESS")
    hosts = environment.get("TAPEROOM_CLIENT_AMANDAHOSTS")
    applications = environment.get("TAPEROOM_CLIENT_APPLICATIONS")
    return Settings(
        state=_state(state) if state else STATE if root or _is_ours(STATE) else home / ".local/state/taperoom-client",
        tar=environment.get("TAPEROOM_CLIENT_TAR") or _find_tar(environment),
        access=Path(access) if access else ROOT_ACCESS,
        tls=Path(environment.get("TAPEROOM_CLIENT_TLS") or ROOT_TLS),
        amandahosts=Path(hosts) if hosts else _login_home(home) / ".amandahosts",
        applications=Path(applications) if applications else APPLICATIONS,
    )


def _state(said: str) -> Path | None:
    return None if said == "none" else Path(said)


def _is_ours(place: Path) -> bool:
    try:
        return place.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _login_home(otherwise: Path) -> Path:
    # inetd gives no HOME, or its own.
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        return otherwise


def _find_tar(environment: Mapping[str, str]) -> str:
    # /bin/tar is what Amanda writes into the header of a dump, and where restore looks for it.
    return "/bin/tar" if os.access("/bin/tar", os.X_OK) else shutil.which("tar", path=environment.get("PATH")) or ""
