"""The README of a volume: what is on it, and the commands that bring it back without Taperoom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.catalogue.queries import Dump, DumpKey, dumps
from core.catalogue.rebuild import open_catalogue
from core.catalogue.store import Catalogue
from core.description.facts import OnVolumes
from core.errors import TaperoomError
from core.model.site import Site, Storage
from core.model.units import show_kib
from core.report.text import clean
from core.restore.asof import show_stamp
from core.restore.byhand import Shelf, step_of
from core.restore.chain import chain_of
from core.restore.commands import script
from core.restore.giveway import NO_WAY, Way, ways_of
from core.restore.indexes import Indexes

MOST = 500
"""Recipes of one README; the pattern of the others is the same."""


def readme(site: Site, storage: Storage, run: str, label: str, here: Sequence[OnVolumes]) -> str:
    """The text; ``here`` are the writes of the run that have parts on this volume, in order.

    A catalogue that cannot be read costs the recipes, not the text.
    """
    lines = [*_head(site, storage, run, label), "", "WHAT IS ON IT", ""]
    for write in here:
        lines += _listed(write, label)
    lines += ["  the last file: this text, journals and indexes, as a tar archive", "", "GETTING IT BACK", ""]
    whole = [write.key for write in here if write.whole]
    try:
        with open_catalogue(site).catalogue as catalogue:
            shelf = Shelf(site)
            lines += [line for key in dict.fromkeys(whole[:MOST]) for line in _recipe(shelf, catalogue, key)]
    except (TaperoomError, OSError) as fault:
        lines += ["The recipes are missing, since the catalogue could not be read when this was written:",
                  f"({clean(str(fault))}).",
                  "Each header says how its file is read; put the parts of a dump together in their order first.", ""]
    if len(whole) > MOST:
        lines += [f"{len(whole) - MOST} dumps more are on this volume; their commands look the same.", ""]
    lines += ["THE CATALOGUE", "",
              "'taperoom catalogue rebuild --from-volumes' makes the catalogue again from the last files of all volumes.",
              "By hand: dd if=<the last file> bs=32k skip=1 | tar -xf -   gives the journals and the file lists.", ""]
    return "\n".join(lines)


def _head(site: Site, storage: Storage, run: str, label: str) -> list[str]:
    return [
        f"This is volume {label} of storage {storage.name} of {clean(site.org)}, written by the run of {show_stamp(run)}.",
        "",
        "It is in the format of Amanda 3.5.1. Each of its files begins with a header of 32 KiB, a text that says what",
        "follows; then come the bare data of a dump or of a part of it. Nothing but dd and tar, and gzip or zstd where a",
        "dump is compressed, is needed to read it:",
        "",
        "  dd if=FILE bs=32k count=1 | head -20                 shows a header",
        "  dd if=FILE bs=32k skip=1                             gives what follows it",
        "  amrestore file:DIRECTORY                             is Amanda's own tool",
        "",
        "On a disk FILE n is the one whose name begins with n in five digits; on a tape 'mt fsf n' goes there from the",
        "beginning (file 0 is the label).",
    ]


def _listed(write: OnVolumes, label: str) -> Iterator[str]:
    host, disk, stamp, level = write.key
    state = "" if write.whole else "   (not whole when this was written: see the run's next volume)"
    yield f"  {clean(host)}:{clean(disk)}   level {level} of {show_stamp(stamp)}{state}"
    for number, (on, fileno, size) in enumerate(write.parts, 1):
        where = f"file {fileno}" if on == label else f"volume {on} file {fileno}"
        yield f"      part {number}: {where}, {show_kib(size)}"


def _recipe(shelf: Shelf, catalogue: Catalogue, key: DumpKey) -> list[str]:
    """The commands that restore the disk as that dump saw it."""
    host, disk, stamp, level = key
    good = dumps(catalogue, host, disk)
    dump = next((found for found in good if found.key == key), None)
    title = f"{host}:{disk} as it was on {show_stamp(stamp)}"
    if dump is None:
        return [f"# {clean(title)}: level {level}, not in the catalogue when this was written", ""]
    chain = chain_of(good, dump)
    steps, lacks = [], []
    for needed, way in zip(chain, _ways(shelf.site, chain), strict=True):
        try:
            steps.append(step_of(shelf, _from_volumes(needed), way=way))
        except TaperoomError as fault:
            lacks.append(f"# missing when this was written: {clean(fault.message)}")
    if chain[0].level != 0:
        lacks.append("# missing when this was written: the full dump that it stands on")
    head = [f"{title}: in an empty directory, as root, in this order.",
            "Change V1, V2 … where the volumes stand elsewhere."]
    return [*script(head, steps), *lacks, ""]


def _ways(site: Site, chain: Sequence[Dump]) -> list[Way]:
    """What is in tar's way, as far as indexes tell: no dump is read for it."""
    try:
        with Indexes(site, lambda text: None) as indexes:
            return ways_of(indexes.layers(chain))
    except (TaperoomError, OSError):
        return [NO_WAY] * len(chain)


def _from_volumes(dump: Dump) -> Dump:
    """The same without its holding file, which soon is no more, if a volume has it."""
    return replace(dump, file="") if dump.copies else dump
