"""The checksums of an archive that were taken when it was dumped, out of the file beside its index."""

from __future__ import annotations

from pathlib import Path

from core.catalogue.queries import Dump
from core.model.crc32c import crc32c
from core.model.framesums import KeptSums, decode
from core.model.site import Site
from core.model.units import sanitise


def sums_path(site: Site, dump: Dump) -> Path:
    """Where the checksums of a dump are."""
    return site.index_dir / sanitise(dump.host) / sanitise(dump.disk) / f"{dump.datestamp}_{dump.level}.crcs"


def read_sums(site: Site, dump: Dump) -> tuple[KeptSums | None, str]:
    """The checksums of a dump, None when there are none; and why they cannot be read, empty when they can."""
    path = sums_path(site, dump)
    try:
        return decode(path.read_bytes(), crc32c), ""
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as fault:
        return None, f"VFY006 {path}: {getattr(fault, 'strerror', None) or fault}"


def none_why(dump: Dump) -> str:
    """What to say when a dump has no checksums of its own day."""
    return (f"VFY005 {dump.host}:{dump.disk} level {dump.level} of {dump.datestamp} has no checksums of its archive: a client"
            " that is not ours compressed it, or it is from before they were kept")
