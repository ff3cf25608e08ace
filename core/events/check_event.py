"""Facts of the site's journal of checks: copies that were read again, restores that were rehearsed.  No run has them.

Sizes KiB, times seconds; ``by`` is who asked.  `core.catalogue.checked` keeps and folds them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CopyVerified:
    """A copy of a dump was read again, and all was compared that could be.

    ``storage`` is empty for the holding disk, else ``run`` is the datestamp in the labels of its volumes; with ``label``
    only its parts on that volume were read.  ``outcome``: good, damaged, or missing when it could not be read at all.
    ``compared``: what was, of ``stored names archive``.  ``message``: the faults, with their codes.
    """

    by: str
    host: str
    disk: str
    datestamp: str
    level: int
    storage: str
    run: str
    label: str
    size: int
    seconds: float
    outcome: str
    compared: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class DiskDrilled:
    """Files of a disk, chosen at random, were restored into a scratch directory and compared with the dump's own day.

    ``datestamp``: as of which dump; ``size`` was restored and ``read`` was read for it in ``seconds``.  ``against``: frames,
    native or stored, what the archive was compared with.  ``outcome``: good or failed.  ``seed``: makes the same choice.
    """

    by: str
    host: str
    disk: str
    datestamp: str
    files: int
    size: int
    read: int
    seconds: float
    against: str
    seed: int
    outcome: str
    message: str = ""
