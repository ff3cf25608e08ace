"""Files put into somebody else's directories: new ones, and those that we put there before, never a stranger's.

What was written is kept in a list beside amanda.conf, with a checksum each: a file that is still as we left it is ours to
replace or to take away.  All others stay, and the caller is told, unless it insists.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from crc32c import crc32c

from core.devices.tapelist import sync_directory
from core.errors import WorldError
from core.model.dump import Crc

MANIFEST = "taperoom-export.json"
_PIECE = 1 << 20


class Files:
    """The files of one export into the configuration ``directory``; ``insist`` replaces strangers', too.

    ``written``: new or changed, ``removed``: how many; ``kept``: strangers' that stand in the way.  With ``dry_run`` nothing
    is touched, and the same is counted.  Methods raise WorldError TAP043 when a directory or a file refuses.
    """

    def __init__(self, directory: Path, *, insist: bool = False, dry_run: bool = False) -> None:
        self._directory, self._insist, self._dry_run = directory, insist, dry_run
        self.written = self.removed = 0
        self.kept: list[Path] = []
        self._before = self._read()
        self._now: dict[str, str] = {}

    def _read(self) -> dict[str, str]:
        try:
            said = json.loads((self._directory / MANIFEST).read_text("utf-8"))
            return {str(path): str(crc) for path, crc in said["files"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # then nothing there is known to be ours, which errs on the safe side

    def is_ours(self, path: Path) -> bool:
        """Whether a file is as we left it."""
        said = self._before.get(str(path))
        return said is not None and said == str(_crc_of(path))

    def keep(self, path: Path) -> bool:
        """Whether a file of ours is there and stays as it is; it need not be made again."""
        if self.is_ours(path):
            self._now[str(path)] = self._before[str(path)]
            return True
        return False

    def put(self, path: Path, data: bytes) -> bool:
        """Have a file with that content; False when it is there already, or a stranger's is in its place, which is kept."""
        crc = Crc(crc32c(data), len(data))
        if _crc_of(path) == crc:
            if str(path) in self._before:  # a stranger's does not become ours by saying the same
                self._now[str(path)] = str(crc)
            return False
        return self.put_by(path, lambda out: _write_all(out, data))

    def put_by(self, path: Path, write: Callable[[IO[bytes]], None]) -> bool:
        """Write a file; False when a stranger's is in its place, which is kept."""
        if os.path.lexists(path) and not self._insist and not self.is_ours(path):
            self.kept.append(path)
            return False
        self.written += 1
        if not self._dry_run:
            try:
                self._make_directory(path.parent)
                self._write(path, write)
            except OSError as fault:
                raise WorldError("TAP043", f"{path}: {fault.strerror or fault}",
                                 "run it as root or as Amanda's user") from fault
        self._now[str(path)] = str(_crc_of(path))
        return True

    def finish(self, *, forget: bool = False) -> None:
        """Take away what an earlier export wrote and this one did not, and keep the list; with ``forget`` an empty one: then
        nothing of it is ours any more."""
        try:
            for name in sorted(self._before.keys() - self._now.keys()):
                path = Path(name)
                if self.is_ours(path):
                    self.removed += 1
                    if not self._dry_run:
                        path.unlink(missing_ok=True)
        except OSError as fault:
            raise WorldError("TAP043", f"{self._directory}: {fault.strerror or fault}") from fault
        self._remember({} if forget else self._now)

    def remember(self) -> None:
        """Keep the list of an export that did not come to its end: what it wrote is ours as well."""
        self._remember({**self._before, **self._now})

    def _remember(self, files: Mapping[str, str]) -> None:
        if self._dry_run:
            return
        text = json.dumps({"by": "taperoom", "files": files}, indent=1) + "\n"
        try:
            self._write(self._directory / MANIFEST, lambda out: _write_all(out, text.encode()))
        except OSError as fault:
            raise WorldError("TAP043", f"{self._directory}: {fault.strerror or fault}") from fault

    def _make_directory(self, path: Path) -> None:
        missing = []
        while not path.is_dir():
            missing.append(path)
            path = path.parent
        for made in reversed(missing):
            made.mkdir(0o750)
            self.give(made)

    def _write(self, path: Path, write: Callable[[IO[bytes]], None]) -> None:
        new = path.with_name(path.name + ".taperoom-new")
        with suppress(FileNotFoundError):
            new.unlink()
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640), "wb") as out:
                write(out)
                out.flush()
                os.fsync(out.fileno())
            self.give(new)
            new.rename(path)
            sync_directory(path.parent)
        finally:
            new.unlink(missing_ok=True)

    def give(self, path: Path) -> None:
        """Root's files become those of the configuration's owner.  OSError."""
        if os.geteuid() == 0:
            owner = os.stat(self._directory)
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _write_all(out: IO[bytes], data: bytes) -> None:
    out.write(data)


def _crc_of(path: Path) -> Crc | None:
    """The checksum of a file; None when there is none that can be read."""
    value = size = 0
    try:
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                value, size = crc32c(piece, value), size + len(piece)
    except OSError:
        return None
    return Crc(value, size)
