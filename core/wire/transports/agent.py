"""The client as one file, ``taperoom-clientd.pyz``: built from the packages that are installed here, for hosts that have none.

    python -P -m core.wire.transports.agent FILE

Promises that the same sources give the same bytes, whatever the time, the machine and the version of Python: nothing is
compressed in the file, its names are sorted and its dates are fixed.  It holds all that `clientd` imports, the standard library
apart; packages that make it faster are used where a host has them.  A copy is kept in a directory of this user, which may be
lost at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import os
import sys
import threading
import time
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.errors import WorldError

PACKED = ("clientd", "core/wire", "core/landing", "core/model", "core/__init__.py", "core/errors.py")
LEFT_OUT = "core/wire/transports"
"""What only a server needs."""
NAME = "taperoom-clientd-"
UNUSED = 30 * 86400.0
_MAIN = '''"""amandad, as one file."""

import sys

if sys.version_info < (3, 11):
    sys.exit("taperoom-clientd: this is Python %d.%d, and 3.11 or newer is needed" % sys.version_info[:2])

from clientd.amandad import main

sys.exit(main())
'''
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Agent:
    """The file, its SHA-256 in hexadecimal digits, its bytes as they go over a connection, and the text that receives it, ready
    for ``python3 -c``: one line without quotes of the single kind, so that every shell takes it."""

    data: bytes
    checksum: str
    packed: bytes
    arrival: str


_ONE_AT_A_TIME = threading.Lock()  # a planner asks for it in as many threads as there are hosts


def agent() -> Agent:
    """The client of this very version.  WorldError CLT065 when its sources are not here."""
    with _ONE_AT_A_TIME:
        return made()


@cache
def made() -> Agent:
    """As `agent`, once in this process."""
    sources = _sources()
    data = _kept(sources) or build(sources)
    arrival = b64encode(zlib.compress(sources["clientd/arrival.py"].read_bytes(), 9)).decode()
    return Agent(data, hashlib.sha256(data).hexdigest(), zlib.compress(data, 6),
                 f'import base64,zlib;exec(zlib.decompress(base64.b64decode("{arrival}")))')


def build(sources: Mapping[str, Path] | None = None) -> bytes:
    """The bytes of the file.  WorldError CLT065."""
    made = io.BytesIO()
    made.write(b"#!/usr/bin/env python3\n")
    try:
        files = {name: path.read_bytes() for name, path in (_sources() if sources is None else sources).items()}
    except OSError as fault:
        raise WorldError("CLT065", f"{fault.filename} cannot be read: {fault.strerror}") from None
    with zipfile.ZipFile(made, "a", zipfile.ZIP_STORED) as archive:
        for name, data in sorted({**files, "__main__.py": _MAIN.encode()}.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, data)
    return made.getvalue()


def _sources() -> dict[str, Path]:
    """Every file that is packed, by its name in the file."""
    found: dict[str, Path] = {}
    for name in PACKED:
        package, _, rest = name.partition("/")
        known = importlib.util.find_spec(package)
        if known is None or known.origin is None:
            raise WorldError("CLT065", f"the package {package} is not installed on this server")
        top = Path(known.origin).parent
        place = top / rest
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            inside = f"{package}/{path.relative_to(top).as_posix()}"
            if not inside.startswith(f"{LEFT_OUT}/"):
                found[inside] = path
    if "clientd/arrival.py" not in found:
        raise WorldError("CLT065", "the package clientd of this server has no sources")
    return found


def _kept(sources: Mapping[str, Path]) -> bytes | None:
    """The file as it is kept for these sources, built if it is not; None where nothing can be kept."""
    try:
        directory = _directory()
        marks = [(name, str(path), *_mark(path)) for name, path in sorted(sources.items())]
        mark = hashlib.sha256(repr((_MAIN, marks)).encode()).hexdigest()[:20]
        for path in directory.glob(f"{NAME}{mark}-*.pyz"):
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == path.stem.rpartition("-")[2]:
                return data
        data = build(sources)
        _put(directory / f"{NAME}{mark}-{hashlib.sha256(data).hexdigest()}.pyz", data)
        for path in directory.glob(f"{NAME}*"):
            if path.stat().st_mtime < time.time() - UNUSED:
                path.unlink()
    except (OSError, RuntimeError):  # lost, full, not ours, no home: it is built for this process alone
        return None
    return data


def _mark(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _directory() -> Path:
    """The directory that copies are kept in.  OSError also when others may write there, since it runs as root elsewhere."""
    said = os.environ.get("TAPEROOM_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = Path(said) if said else Path("/var/cache/taperoom") if os.geteuid() == 0 else home / "taperoom"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(1, "others may write there", str(directory))
    return directory


def _put(target: Path, data: bytes, mode: int = 0o600) -> None:
    new = target.with_name(f"{target.name}.{os.urandom(4).hex()}.new")
    try:
        with open(new, "xb", opener=lambda name, flags: os.open(name, flags | os.O_CLOEXEC, mode)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            new.unlink()


def main(words: list[str]) -> int:
    """Write the file; the exit status."""
    if len(words) != 1:
        print("usage: python -P -m core.wire.transports.agent FILE", file=sys.stderr)
        return 2
    target, data = Path(words[0]), build()
    target.parent.mkdir(parents=True, exist_ok=True)
    _put(target, data, 0o755)
    print(f"{target}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
