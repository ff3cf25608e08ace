"""GNU tar with ``--listed-incremental``: the standard dump program (Amanda 3.5.1: client-src/sendbackup-gnutar.c).

Promises dumps that GNU tar restores by itself, incremental at levels 0 to 399, and one clear WorldError for whatever is
wrong with the disk before tar is run.  It does not read the stream.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

from clientd.confine import enter, possible
from clientd.estimate import estimate, is_many, is_small
from clientd.first_snapshot import write_first
from clientd.programs.contract import Sort, Task
from clientd.renames import gone, head_of, understood
from clientd.selection import Matcher, Selection, select
from clientd.snapshots import Base, Snapshot, Snapshots, read_base
from core.errors import WorldError
from core.model.units import kib_of
from core.wire.tar_quoting import unquote_name
from core.wire.words import clean

SNAPSHOT_DIRECTORY = "gnutar-lists"
_SMALL_FACTOR, _FACTOR, _MANY_FACTOR = 20, 256, 1024
"""tar's records, in blocks of 512 bytes.  128 KiB is what a holding file is written in; with 512 KiB who reads from tar is
woken less often (measured with 100,000 small files: a seventh of the CPU time of a dump's whole way)."""
_SMALL = 1024 * 1024
_SORTED = "--sort=name"  # as it sorts where it makes incremental state
_ANSWERS = 5.0  # seconds; it may be anybody's script
_SHOWN = 200  # characters of a disk's name in a message

# The first that matches decides.  `_IGNORED` and `_NORMAL` are what Amanda's amgtar takes as such.
_IGNORED = re.compile(r": Directory (is new|has been renamed from )")
_CHANGED = re.compile(r": (\..*): file changed as we read it$")
_NORMAL = re.compile(
    r"^ *Total bytes written: *\d+|^ *Elapsed time:|^ *Throughput|: socket ignored$"
    r"|: (directory|file) is on a different filesystem; not dumped|: File .* shrunk by \d+ bytes?[;,] padding with zeros"
    r"|: Cannot add file .*: No such file or directory$"
    r"|: Error exit delayed from previous errors"
)


class GnuTar:
    """The program GNUTAR."""

    name = "GNUTAR"

    def check(self, task: Task) -> Iterator[tuple[bool, str]]:
        """The directory, tar, the incremental state, exclude and include."""
        for test in (_check_device, _check_tar, _check_state, _check_selection, _check_links):
            try:
                yield True, test(task)
            except WorldError as fault:
                yield False, f"{fault.code} {fault.message}"

    def estimate(self, task: Task, levels: Sequence[int]) -> dict[int, int]:
        """One walk over the directory for all levels; where a pattern is beyond us, a run of tar for each."""
        _check_device(task)
        selection = _selected(task)
        if task.access.attributes:  # what they take in an archive only tar knows
            return {level: _measure(task, level, selection) for level in levels}
        device = os.stat(task.dle.device).st_dev
        bases = [_base(task, level, device) for level in levels]
        try:
            matcher = Matcher(selection.excludes)
        except ValueError:
            return {level: _measure(task, level, selection) for level in levels}
        try:
            sizes = estimate(task.dle.device, bases, matcher, selection.includes, lists=not _whole(task, selection))
        except OSError as fault:
            raise WorldError("CLT022", f"{task.dle.device} cannot be read: {fault.strerror}") from None
        found: dict[int, int] = {}
        for level, size, base in zip(levels, sizes, bases, strict=True):
            record = 512 * _factor(task, base is None)
            # 1024 bytes of zeros end an archive, and then come as many as fill the record.
            found[level] = kib_of(-(-(size + 1024) // record) * record)
        return found

    def prepare(self, task: Task, level: int) -> TarDump:
        """Check everything, copy the base's snapshot."""
        _check_tar(task)
        _check_device(task)
        selection = _selected(task)
        snapshot = _snapshots(task).begin(task.host, task.dle.disk, level)
        try:
            return TarDump(task, selection, snapshot, _open_device(task))
        except BaseException:
            snapshot.discard()
            raise


class TarDump:
    """One run of tar in ``top``, the disk's open directory: whatever its name means later, this is what is dumped."""

    def __init__(self, task: Task, selection: Selection, snapshot: Snapshot, top: int) -> None:
        self.backup = task.settings.tar
        kept = "".join(f" --{name}" for name in task.access.attributes)
        self.restore_command = f"{task.settings.tar} -xpGf -{kept} ..."
        self.application = ""
        self.relays: Mapping[str, int] = {}
        self.lists_kept = True
        self.complete = False
        self._task = task
        self._selection = selection
        self._snapshot = snapshot
        self._top = top
        self._again = False

    def start(self) -> subprocess.Popen[bytes]:
        """Run tar with its stdout and stderr as pipes; for a full dump of everything, not with its state to make."""
        # With includes, what begins the archive may be no directory, and then nothing tells of renames.
        if self._again or (self._selection.includes is not None and self._snapshot.base is not None):
            self._forget()
        self.complete = (
            self._snapshot.base is None and _whole(self._task, self._selection) and _sorts(self._task.settings.tar)
            and self._snapshot.write(lambda file: write_first(self._top, file, time.time_ns())))
        return _run(self._task, self._selection, None if self.complete else self._snapshot, "-", self._top)

    def begins(self, archive: int) -> bytes | None:
        """None, and the next `start` dumps what was moved as new, when tar did not understand what was moved where."""
        if self._snapshot.base is None or self._selection.includes is not None or self._again:
            return b""
        head, told = head_of(archive)
        if told == []:
            return head
        # By its descriptor: the name may be another dump's snapshot by now.
        base = Path(f"/proc/self/fd/{self._snapshot.base.fileno()}")
        self._again = told is None or not understood(told, base, self._top)
        return None if self._again else head

    def _forget(self) -> None:
        try:
            self._snapshot.forget(gone(self._top))
        except (ValueError, IndexError):
            pass  # tar finds nothing in it, either, and dumps everything
        except OSError as fault:
            file = self._snapshot.file
            raise WorldError("CLT027", f"the incremental state {file} cannot be written: {fault.strerror}") from None

    def sort(self, line: str) -> Sort:
        """Amanda's own judgement of tar's messages."""
        if _IGNORED.search(line) or (self.complete and self._is_changed_directory(line)):
            return Sort.IGNORED
        return Sort.NORMAL if _NORMAL.search(line) else Sort.STRANGE

    def _is_changed_directory(self, line: str) -> bool:
        """Whether names came to a directory, or went, while all below it was dumped: without lists to make, tar tells that."""
        found = _CHANGED.search(line)
        try:
            return found is not None and stat.S_ISDIR(os.stat(
                unquote_name(os.fsencode(found[1])), dir_fd=self._top, follow_symlinks=False).st_mode)
        except (OSError, ValueError):
            return False

    def fault(self, status: int) -> str:
        """0 is good; 1 says that files changed meanwhile."""
        if status in (0, 1):
            return ""
        if status < 0:
            return f"CLT066 {self._task.settings.tar} was killed by signal {-status}"
        return f"CLT029 {self._task.settings.tar} ended with exit status {status}"

    def commit(self) -> None:
        """Keep the new snapshot, unless the disk asks for no record."""
        if self._task.dle.record:
            self._snapshot.commit()
        else:
            self._snapshot.discard()

    def discard(self) -> None:
        """Drop the new snapshot."""
        self._snapshot.discard()
        if self._top >= 0:
            os.close(self._top)
            self._top = -1


def _snapshots(task: Task) -> Snapshots:
    state = task.settings.state
    return Snapshots(state / SNAPSHOT_DIRECTORY if state is not None else None)


def _base(task: Task, level: int, device: int) -> Base | None:
    file = _snapshots(task).base(task.host, task.dle.disk, level)
    return read_base(file, device) if file is not None else None


def _selected(task: Task) -> Selection:
    selection = select(task.dle)
    task.access.check_names(task.dle.device, selection.includes or ())
    return selection


def _whole(task: Task, selection: Selection) -> bool:
    """Whether a full dump takes everything, in a form that needs no list to say so."""
    return not selection.excludes and selection.includes is None and not task.access.attributes


@cache
def _sorts(tar: str) -> bool:
    """Whether it knows ``--sort``, as GNU tar does since 1.28."""
    try:
        return not subprocess.run([os.path.abspath(tar), _SORTED, "--version"], stdin=subprocess.DEVNULL, env=_environment(),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                                  timeout=_ANSWERS).returncode
    except (OSError, subprocess.SubprocessError):
        return False


def _factor(task: Task, full: bool) -> int:
    """How many blocks tar puts into one write: many for speed, few where they would be mostly padding."""
    if is_small(task.dle.device, _SMALL):
        return _SMALL_FACTOR
    return _MANY_FACTOR if full and is_many(task.dle.device) else _FACTOR


def _run(task: Task, selection: Selection, snapshot: Snapshot | None, archive: str, top: int) -> subprocess.Popen[bytes]:
    """``snapshot``: what tar works on; None: a full dump of which it makes none."""
    device = task.dle.device
    command = [
        os.path.abspath(task.settings.tar), "--create", *_form(task), "--file", archive, "--one-file-system",
        *(["--atime-preserve=system"] if _may_hide_reads(device) else []),
        *(["--listed-incremental", os.path.abspath(snapshot.file)] if snapshot is not None else [_SORTED]),
        "--sparse", "--ignore-failed-read", "--totals",
        "--blocking-factor", str(_factor(task, snapshot is None or snapshot.base is None)), *selection.exclude_arguments(),
    ]
    names = -1
    if selection.includes is None:
        command.append(".")
    else:
        command += ["--null", "--verbatim-files-from", "--files-from=-"]
        names = os.memfd_create("includes")
        os.write(names, b"".join(os.fsencode(name) + b"\0" for name in selection.includes))
        os.lseek(names, 0, os.SEEK_SET)
    try:
        return subprocess.Popen(
            command, stdin=names if names >= 0 else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0, env=_environment(), preexec_fn=enter(top), pass_fds=snapshot.descriptors if snapshot is not None else (),
        )
    except (OSError, subprocess.SubprocessError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else f"{clean(device, _SHOWN)} cannot be entered"
        raise WorldError("CLT023", f"{task.settings.tar} cannot be run: {why}") from None
    finally:
        if names >= 0:
            os.close(names)


def _form(task: Task) -> list[str]:
    """Amanda's format; only pax headers have room for attributes, and they shall not have times that no restore sets."""
    if not task.access.attributes:
        return ["--format=gnu"]
    return ["--format=posix", "--pax-option=delete=atime,delete=ctime", *(f"--{name}" for name in task.access.attributes)]


def _environment() -> dict[str, str]:
    # Messages that we can read, and no options that a user's environment adds behind our back.
    kept = {key: value for key, value in os.environ.items() if key not in ("TAR_OPTIONS", "POSIXLY_CORRECT", "TAPE")}
    return kept | {"LC_ALL": "C"}


def _may_hide_reads(device: str) -> bool:
    """Whether we may open files without a trace in their access times; tar fails if it is told to and may not."""
    try:
        os.close(os.open(device, os.O_RDONLY | os.O_DIRECTORY | os.O_NOATIME))
    except OSError:
        return False
    return os.geteuid() == 0


def _measure(task: Task, level: int, selection: Selection) -> int:
    snapshot = _snapshots(task).begin(task.host, task.dle.disk, level)
    top = -1
    try:
        top = _open_device(task)
        with _run(task, selection, snapshot, "/dev/null", top) as process:
            _, said = process.communicate()
        found = re.search(rb"Total bytes written: *(\d+)", said)
        if found is None or process.returncode not in (0, 1):
            last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise WorldError("CLT029", f"{task.settings.tar} cannot estimate {task.dle.disk}: {clean(last)}")
        return kib_of(int(found[1]))
    finally:
        snapshot.discard()
        if top >= 0:
            os.close(top)


def _open_device(task: Task) -> int:
    """The disk's directory, open: a name that is made to lead elsewhere from here on leads nobody astray."""
    try:
        top = os.open(task.dle.device, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as fault:
        raise WorldError("CLT022", f"{clean(task.dle.device, _SHOWN)} cannot be read: {fault.strerror}") from None
    try:
        task.access.check_place(os.readlink(f"/proc/self/fd/{top}"), task.dle.device)
    except BaseException:
        os.close(top)
        raise
    return top


def _check_device(task: Task) -> str:
    device = task.dle.device
    if not device.startswith("/"):
        raise WorldError("CLT020", f"{device!r} is no absolute path of a directory")
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise WorldError("CLT021", f"{device} does not exist") from None
    except NotADirectoryError:
        raise WorldError("CLT020", f"{device} is no directory") from None
    except OSError as fault:
        raise WorldError("CLT022", f"{device} cannot be read: {fault.strerror}") from None
    os.close(descriptor)
    if not os.access(device, os.X_OK):
        raise WorldError("CLT022", f"{device} cannot be read: Permission denied")
    return device


def _check_tar(task: Task) -> str:
    tar = task.settings.tar
    if not tar:
        raise WorldError("CLT023", "there is no tar on this client")
    if not os.access(tar, os.X_OK):
        raise WorldError("CLT023", f"{tar} cannot be run: {'not executable' if os.path.exists(tar) else 'no such file'}")
    return tar


def _check_state(task: Task) -> str:
    snapshots = _snapshots(task)
    snapshots.prepare()
    if snapshots.directory is None:
        return f"{task.dle.disk}: nothing is kept for incrementals"
    if not os.access(snapshots.directory, os.W_OK | os.X_OK):
        raise WorldError("CLT027", f"the incremental state {snapshots.directory} cannot be written: Permission denied")
    try:
        with TemporaryFile(dir=snapshots.directory) as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        raise WorldError("CLT027", f"the incremental state {snapshots.directory} cannot be written: {fault.strerror}") from None
    return str(snapshots.directory)


def _check_links(task: Task) -> str:
    if possible():
        return f"{task.dle.disk}: no link leads tar out of it"
    return f"{task.dle.disk}: a directory that becomes a link in mid-dump is followed (only root on Linux 5.14 can prevent it)"


def _check_selection(task: Task) -> str:
    selection = _selected(task)
    named = "everything" if selection.includes is None else f"{len(selection.includes)} included"
    return f"{task.dle.disk}: {named}, {len(selection.excludes)} exclude patterns"
