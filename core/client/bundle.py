"""A recorded run as one file: to keep, to send with a question, to replay on another machine.

The file is a zip with ``taperoom-run/<datestamp>/`` and in it ``journal.jsonl``, ``traffic.log``, ``status.json`` and
``report.txt``, plain files and nothing else.  What comes from elsewhere is hostile: only those names are read, each at most
`LARGEST` bytes, and nothing is kept unless the journal is one.  Names of hosts, disks and files are in it as they are.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import tempfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import IO, BinaryIO

from core.client.runs import Run, view_of
from core.errors import UsageError, WorldError
from core.events.codec import decode
from core.events.event import RunBegan

TOP = "taperoom-run"
NAMES = ("journal.jsonl", "traffic.log", "status.json", "report.txt")
LARGEST = 1 << 30
"""Bytes of one file, unpacked."""
_KEPT = 5
"""Unpacked runs that stay in the cache."""
_MEMBER = re.compile(rf"{TOP}/(\d{{8}}|\d{{14}})/({'|'.join(map(re.escape, NAMES))})", re.ASCII)
_PIECE = 1 << 20
_ROOM = "make room, or set XDG_CACHE_HOME"
_AGAIN = "export it again with 'taperoom export' and copy it anew"


def export_run(run: Run, file: Path) -> Path:
    """Write ``run`` to ``file`` (to ``taperoom-<datestamp>.zip`` in it when it is a directory); where it is now.

    A live run is exported as it stands.  UsageError RUN025 when there is nothing to export, WorldError RUN027.
    """
    if not run.journal.exists():
        raise UsageError("RUN025", f"run {run.datestamp} has no facts to export", "its journal was never written")
    target = file / f"taperoom-{run.datestamp}.zip" if file.is_dir() else file
    new = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open(new, "wb") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in NAMES:
                    _add(archive, run, name)
            out.flush()
            os.fsync(out.fileno())
        os.replace(new, target)
    except OSError as fault:
        raise WorldError("RUN027", f"{target}: {fault.strerror or fault}", "name another file, or make room") from fault
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
    return target


def _add(archive: zipfile.ZipFile, run: Run, name: str) -> None:
    at = time.localtime(max(run.journal.stat().st_mtime, 315_619_200.0))  # a zip knows no time before 1980
    member = zipfile.ZipInfo(f"{TOP}/{run.datestamp}/{name}", at[:6])
    member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    try:
        with open(run.path / name, "rb") as file, archive.open(member, "w", force_zip64=True) as out:
            if not _copy(file, out):
                raise OSError(errno.EFBIG, f"{name} has more than {LARGEST >> 20} MiB")
    except FileNotFoundError:
        if name == "report.txt":
            from core.report.morning import report_text

            archive.writestr(member, report_text(view_of(run)).encode("utf-8", "surrogateescape"))


def cache_dir() -> Path:
    """Where opened runs are unpacked, after the XDG base directory rules."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "taperoom" / "runs"


def open_bundle(file: Path, cache: Path | None = None) -> Run:
    """The run in ``file``, unpacked below ``cache`` (a state directory of its own, ``run.path.parent.parent``).

    A file that was opened before is not unpacked again; of others only the newest few stay.  UsageError RUN026 for a file
    that is no exported run, WorldError RUN027 when the cache cannot be written.
    """
    base = cache or cache_dir()
    try:
        with open(file, "rb") as packed:
            place = base / hashlib.file_digest(packed, "sha256").hexdigest()[:24]
            if (found := _unpacked(place)) is not None:
                os.utime(place)
                return found
            packed.seek(0)
            base.mkdir(parents=True, exist_ok=True, mode=0o700)
            work = Path(tempfile.mkdtemp(prefix=".new-", dir=base))
            try:
                _unpack(file, packed, work)
                with contextlib.suppress(FileExistsError, OSError):
                    work.rename(place)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except (FileNotFoundError, IsADirectoryError) as fault:
        raise UsageError("RUN026", f"{file}: {fault.strerror}", _AGAIN) from fault
    except OSError as fault:
        raise WorldError("RUN027", f"{fault.filename or file}: {fault.strerror or fault}", _ROOM) from fault
    _forget_old(base, place)
    run = _unpacked(place)
    if run is None:
        raise WorldError("RUN027", f"{place}: the run is not there after it was unpacked", _ROOM)
    return run


def _unpacked(place: Path) -> Run | None:
    try:
        names = os.listdir(place / "runs")
    except OSError:
        return None
    return Run(place / "runs" / names[0]) if len(names) == 1 else None


def _unpack(file: Path, packed: BinaryIO, work: Path) -> None:
    """Take out what has our names; whatever else is there ends it."""
    def bad(why: str) -> UsageError:
        return UsageError("RUN026", f"{file} is no exported run: {why}", _AGAIN)

    try:
        with zipfile.ZipFile(packed) as archive:
            members = archive.infolist()
            found = [_MEMBER.fullmatch(member.filename) for member in members]
            for member, match in zip(members, found, strict=True):
                if match is None or member.flag_bits & 1 or member.external_attr >> 16 not in (0o644, 0o100644):
                    raise bad(f"{member.filename[:80]!r} does not belong there")
            stamps, names = {match[1] for match in found if match}, [match[2] for match in found if match]
            if len(stamps) > 1 or len(names) != len(set(names)):
                raise bad("it has more than one run, or a file twice")
            if "journal.jsonl" not in names:
                raise bad("it has no journal")
            directory = work / "runs" / stamps.pop()
            directory.mkdir(parents=True)
            for member, name in zip(members, names, strict=True):
                with archive.open(member) as data, open(directory / name, "xb") as out:
                    if not _copy(data, out):
                        raise bad(f"{name} is too long")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, ValueError) as fault:
        raise bad(str(fault) or "it is damaged") from fault
    except OSError as fault:
        if fault.errno == errno.EINVAL:  # it points to a place before its beginning
            raise bad("it is damaged") from fault
        raise
    with open(directory / "journal.jsonl", "rb") as journal:
        first = decode(journal.readline(1 << 20))
    if first is None or not isinstance(first.event, RunBegan):
        raise bad("its journal does not begin as one")


def _copy(data: IO[bytes], out: IO[bytes]) -> bool:
    """Copy; False when there is more than may be, whatever the archive says of its size."""
    left = LARGEST
    while piece := data.read(_PIECE):
        left -= len(piece)
        if left < 0:
            return False
        out.write(piece)
    return True


def _forget_old(base: Path, keep: Path) -> None:
    """Remove all but the newest opened runs."""
    def age(path: Path) -> float:
        with contextlib.suppress(OSError):
            return path.stat().st_mtime
        return 0.0

    with contextlib.suppress(OSError):
        there = sorted((path for path in base.iterdir() if re.fullmatch(r"[0-9a-f]{24}", path.name)), key=age)
        for path in there[:-_KEPT]:
            if path != keep:
                shutil.rmtree(path, ignore_errors=True)
