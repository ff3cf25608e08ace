"""A storage's slots with what the catalogue protects, for the commands that show or choose volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.devices.shelf import ShelfRow
    from core.model.site import Site, Storage


def protected(site: Site, storage: Storage) -> dict[str, str]:
    """Labels that are still needed, with the reason; empty before the first run.  WorldError RST001."""
    import time

    from core.catalogue.protect import protected_labels

    if not site.catalogue.exists() and not site.runs_dir.exists():
        return {}
    return protected_labels(site, storage, time.time())


def shelf_of(site: Site, storage: Storage) -> list[ShelfRow]:
    """Every slot and every volume.  WorldError, UsageError."""
    from core.devices.shelf import inventory

    return inventory(site, storage, protected(site, storage))
