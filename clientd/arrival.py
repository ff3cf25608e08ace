"""The client comes over ssh: what python3 is told to run on a host that has nothing of ours (`core.wire.transports.push`).

The server sends this text on the command line, then a copy of the client, ``taperoom-clientd.pyz``, on stdin.  Promises that
a copy runs only if it has the checksum that the command line names, that it is complete or not there, and that ``once`` leaves
nothing: the copy is then in memory only, so not even a power cut leaves a trace.  It imports nothing of ours.

    arrival SHA256 BYTES keep|once

Each line on stdout is for the server.  What is wrong stands there, too, and on stderr for whoever looks there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import pwd
import signal
import stat
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

NAME = "taperoom-clientd-"
ROOT_CACHE = "/var/cache/taperoom-client"
UNUSED = 30 * 86400.0
"""Seconds after which a copy that nobody ran is taken away."""
CUT_OFF = 3600.0
"""Seconds after which the rest of a copy that was cut off is taken away."""
_NO_EXECUTION = 0x8
"""MFD_NOEXEC_SEAL: some systems allow no other file in memory."""


def main(words: Sequence[str]) -> NoReturn:
    """Become the client."""
    checksum, size, manner = words[0], int(words[1]), words[2]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        if manner == "once":
            os.environ["TAPEROOM_CLIENT_STATE"] = "none"
            file = in_memory(received(checksum, size))
        else:
            file = kept(cache_directory(os.environ, os.geteuid() == 0), checksum, size)
        say("ready")
        python = sys.executable or os.readlink("/proc/self/exe")  # without a PATH Python does not know what it is
        os.execv(python, [python, "-I", file, "-auth=ssh"])
    except OSError as fault:
        fail(word_of(fault), f"{fault.filename or 'the client'}: {fault.strerror or fault}")


def kept(directory: str, checksum: str, size: int) -> str:
    """The file of that checksum in ``directory``, sent by the server if it is not there.  OSError."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    found = os.stat(directory)
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        fail("unsafe", directory)
    file = os.path.join(directory, f"{NAME}{checksum}.pyz")
    if is_whole(file, checksum):
        with suppress(OSError):
            os.utime(file)
    else:
        put(file, received(checksum, size))
        sweep(directory, file)
    return file


def is_whole(file: str, checksum: str) -> bool:
    """Whether the file is there, a file of ours, and has that checksum."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    with open(descriptor, "rb") as opened:
        mine = os.fstat(descriptor).st_uid == os.geteuid()
        return mine and hashlib.sha256(opened.read()).hexdigest() == checksum


def received(checksum: str, size: int) -> bytes:
    """The copy that the server sends when it is asked to."""
    say("send")
    packed = bytearray()
    while len(packed) < size:  # not a byte more: what follows is for amandad
        piece = os.read(0, min(size - len(packed), 1 << 16))
        if not piece:
            fail("damaged", f"{len(packed)} of {size} bytes")
        packed += piece
    try:
        data = zlib.decompress(packed)
    except zlib.error as fault:
        fail("damaged", str(fault))
    if hashlib.sha256(data).hexdigest() != checksum:
        fail("damaged", "its checksum is another one")
    return data


def put(file: str, data: bytes) -> None:
    """Write the file under another name, and give it its name when it is on disk.  OSError."""
    new = f"{file}.{os.urandom(4).hex()}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(descriptor)
        os.rename(new, file)
    except BaseException as fault:
        with suppress(OSError):
            os.unlink(new)
        if isinstance(fault, OSError) and fault.filename is None:
            fault.filename = file
        raise


def sweep(directory: str, but: str) -> None:
    """Take away what nobody has used for long."""
    now = time.time()
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            limit = CUT_OFF if entry.name.endswith(".new") else UNUSED
            if entry.name.startswith(NAME) and entry.path != but:
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < now - limit:
                        os.unlink(entry.path)


def in_memory(data: bytes) -> str:
    """A file in memory alone that this process and its children have.  OSError."""
    try:
        descriptor = os.memfd_create(NAME, _NO_EXECUTION)
    except OSError as fault:
        if fault.errno != errno.EINVAL:  # an older Linux does not know it
            raise
        descriptor = os.memfd_create(NAME, 0)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]
    file = f"/proc/self/fd/{descriptor}"
    if not stat.S_ISREG(os.stat(file).st_mode):
        fail("cannot", f"{file} is no file")
    return file


def cache_directory(environment: Mapping[str, str], root: bool) -> str:
    """Where copies are kept: TAPEROOM_CLIENT_CACHE, or the system's place, or the user's."""
    if said := environment.get("TAPEROOM_CLIENT_CACHE"):
        return said
    if root:
        return ROOT_CACHE
    home = environment.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
    return os.path.join(environment.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "taperoom-client")


def word_of(fault: OSError) -> str:
    """What the server is told of a fault of the system."""
    if fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "no-room"
    return "no-permission" if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else "cannot"


def say(word: str) -> None:
    """A line for the server."""
    os.write(1, f"taperoom-push: {word}\n".encode())


def fail(word: str, text: str) -> NoReturn:
    """Tell what is wrong, and end."""
    line = f"taperoom-push: {word} {' '.join(text.split())}\n".encode("utf-8", "backslashreplace")
    for descriptor in (2, 1):
        with suppress(OSError):
            os.write(descriptor, line)
    sys.exit(3)


if __name__ == "__main__":
    main(sys.argv[1:])
