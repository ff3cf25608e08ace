"""Names as paths below a disk's top.  Pure."""

from __future__ import annotations

_ODD = (b"", b".", b"/")


def clean_path(name: bytes) -> bytes | None:
    """A member's or an index's name as a path from the disk's top; None for one that would leave its disk, or that no
    file can have."""
    if b"\0" in name:
        return None
    if name[:2] == b"./" and name[2:3] not in _ODD and name[-1] != 0x2F and b"//" not in name and b"/." not in name[1:]:
        return name[2:]  # as almost all are
    while name.startswith(b"./"):
        name = name[2:]
    name = name.strip(b"/")
    if name in (b"", b"."):
        return b""
    if b"//" in name or b"/." in name or name.startswith(b"."):
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        return None if b".." in parts else b"/".join(parts)
    return name
