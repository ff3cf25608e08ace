"""Every kind of changer, one line each.  The conformance suite runs over this table."""

from __future__ import annotations

from collections.abc import Callable

from core.devices.contract import Changer
from core.devices.directory import DirectoryChanger
from core.errors import UsageError
from core.model.site import Storage

DEVICES: dict[str, Callable[[Storage], Changer]] = {
    "disk": DirectoryChanger,
}


def open_changer(storage: Storage) -> Changer:
    """The changer of a storage.  UsageError TAP001 for a kind that does not exist; nothing is touched yet."""
    kind = DEVICES.get(storage.kind)
    if kind is None or not storage.address:
        known = ", ".join(f"{name}:…" for name in DEVICES)
        raise UsageError("TAP001", f"storage {storage.name}: changer {storage.changer!r} is none of {known}")
    return kind(storage)
