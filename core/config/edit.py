"""Adding and removing disks in a configuration file, every comment and every other line left as it is.

Promises: the new text is loaded before it is written, and takes the old one's place by rename, with its mode and, where
we may, its owner.  A file that changed meanwhile is not overwritten.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from core.config.load import load_text
from core.config.positions import Positions
from core.errors import UsageError, WorldError

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


def toml_text(text: str) -> str:
    """``text`` as a TOML string; bytes that are no UTF-8 stay what they are."""
    quoted = "".join(
        _ESCAPES.get(c) or (c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}") for c in text)
    return f'"{quoted}"'


def disk_table(host: str, disk: str, keys: Mapping[str, str | int | list[str]]) -> str:
    """The text of one `[[disk]]`."""
    lines = ["[[disk]]", f"host = {toml_text(host)}", f"disk = {toml_text(disk)}"]
    for key, value in keys.items():
        if isinstance(value, list):
            lines.append(f"{key} = [{', '.join(toml_text(item) for item in value)}]")
        else:
            lines.append(f"{key} = {value if isinstance(value, int) else toml_text(value)}")
    return "\n".join(lines) + "\n"


def add_disk(file: Path, host: str, disk: str, keys: Mapping[str, str | int | list[str]]) -> None:
    """Add a disk at the end of the disklist.  UsageError CFG004 with the faults when the result would not load."""
    old = _read(file)
    site = load_text(old, file)
    if any(known.key == (host, disk) for known in site.disks):
        raise UsageError("CFG004", f"{host}:{disk} is in the disklist already", "'taperoom disk list' shows it")
    _replace(file, old, old.rstrip("\n") + "\n\n" + disk_table(host, disk, keys))


def remove_disk(file: Path, host: str, disk: str) -> None:
    """Take a disk out.  UsageError CFG004 when it is not there, or does not stand there as a `[[disk]]`."""
    old = _read(file)
    site = load_text(old, file)
    index = next((i for i, known in enumerate(site.disks) if known.key == (host, disk)), None)
    if index is None:
        raise UsageError("CFG004", f"{host}:{disk} is not in the disklist", "'taperoom disk list' shows what is")
    gone = Positions(old).lines_of(("disk", index))
    lines = old.replace("\r\n", "\n").split("\n")
    kept: list[str] = []
    for number, line in enumerate(lines, 1):
        blank_twice = number - 1 in gone and not line.strip() and (not kept or not kept[-1].strip())
        if number not in gone and not blank_twice:
            kept.append(line)
    _replace(file, old, "\n".join(kept))


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as fault:
        raise UsageError("CFG002", f"{file}: cannot be read: {fault.strerror}") from None


def _replace(file: Path, old: str, new: str) -> None:
    try:
        load_text(new, file)
    except UsageError as fault:
        raise UsageError("CFG004", f"the file would have faults after that, so it is left as it was\n{fault.message}",
                         fault.hint) from None
    target = file.resolve()
    if _read(target) != old:
        raise UsageError("CFG004", f"{file} was changed by somebody else just now", "try again")
    try:
        write_whole(target, new.encode("utf-8", "surrogateescape"))
    except OSError as fault:
        raise WorldError("CFG008", f"{fault.filename or file}: {fault.strerror}",
                         "the directory of the file has to be writable") from None


def write_whole(target: Path, data: bytes, mode: int = 0o644) -> None:
    """Put ``data`` in the place of ``target`` by rename, durably.  OSError."""
    new = target.with_name(target.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        mode = target.stat().st_mode & 0o7777
    with open(new, "wb", opener=lambda name, flags: os.open(name, flags | os.O_CLOEXEC, mode)) as file:
        os.fchmod(file.fileno(), mode)
        with contextlib.suppress(OSError):  # only root may give a file away; then it stays ours
            owner = target.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, target)
    directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
