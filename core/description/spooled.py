"""Dumps on the holding disks, for a catalogue that is made again: what no volume and no journal tells of.

Whole dumps count, whoever wrote them: a real Amanda's leftovers have the same headers as ours.  What is not whole is told
of, and left where it is.
"""

from __future__ import annotations

from collections.abc import Callable

from core.catalogue.queries import DumpKey
from core.holding.scan import Found, survey
from core.model.site import Site


def spooled(site: Site, warn: Callable[[str], None]) -> dict[DumpKey, Found]:
    """The whole dumps on the holding disks; ``warn`` is told of the others."""
    found: dict[DumpKey, Found] = {}
    for dump in survey(site.holding).dumps:
        header = dump.header
        if dump.complete:
            found[header.key] = dump
        else:
            warn(f"RST066 holding file {dump.path}: {header.host}:{header.disk} level {header.level} of {header.datestamp} is "
                 f"not whole ({dump.fault}); no restore uses it, and its header says how to read what there is")
    return found
