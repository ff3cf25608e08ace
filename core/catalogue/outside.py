"""What happened to media outside a run: volumes that an operator erased, holding files that one removed.

No journal tells of it, so the catalogue would go on believing in those dumps: the planner would build incrementals on
them, a restore would offer them.  Erased volumes are read off the tapelist each time the catalogue is opened, and so
survive a rebuild.
"""

from __future__ import annotations

from core.catalogue.store import Catalogue
from core.devices import tapelist
from core.errors import WorldError
from core.model.site import Site


def forget_erased(site: Site, catalogue: Catalogue) -> int:
    """Forget what was on volumes that the tapelist calls never written, or written after what the catalogue knows of: a
    run began them anew and died before its journal said so.  How many there were.

    A volume that is missing in the tapelist keeps its dumps: a lost tapelist must not hide a backup.  A tapelist that
    cannot be read changes nothing.
    """
    if not _erased(site, catalogue):
        return 0
    with catalogue.batch():
        # Again, now that nobody else writes: a taper enters a volume in the tapelist before a journal tells of its parts.
        found = _erased(site, catalogue)
        for storage, label in found:
            catalogue.change("DELETE FROM parts WHERE storage=? AND label=?", storage, label)
            catalogue.change("DELETE FROM volumes WHERE storage=? AND label=?", storage, label)
    return len(found)


def _erased(site: Site, catalogue: Catalogue) -> list[tuple[str, str]]:
    try:
        listed = {(volume.pool, volume.label): volume for volume in tapelist.read(site.tapelist)}
    except WorldError:
        return []
    found = []
    for storage, label, written in catalogue.rows("SELECT storage, label, written FROM volumes"):
        volume = listed.get((storage, label)) or listed.get(("", label))
        if volume is not None and (not volume.used or volume.datestamp > written):
            found.append((storage, label))
    return found


def forget_file(site: Site, path: str) -> None:
    """Forget a holding file that was removed.  A catalogue that cannot be written is left as it is."""
    from core.catalogue.rebuild import open_catalogue

    try:
        with open_catalogue(site).catalogue as catalogue, catalogue.batch():
            catalogue.change("UPDATE dumps SET file='' WHERE file=? AND file <> ''", path)
    except WorldError:
        pass
