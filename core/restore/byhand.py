"""The plain shell commands that restore without Taperoom: what a header's last lines promise, spelt out for one path.

A backup that only its own program can read is none; the demo runs these and compares.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from core.catalogue.queries import Copy, Dump
from core.catalogue.rebuild import open_catalogue
from core.errors import TaperoomError, WorldError
from core.holding.chain import chain
from core.holding.header import HEADER_KIB, Header
from core.model.site import Site
from core.restore.asof import parse_as_of
from core.restore.moment import moment_of, node_at
from core.restore.source import volume_of
from core.restore.spec import Spec
from core.restore.tree import Directory, source_of


def recipe(site: Site, host: str, disk: str, path: str, as_of: str = "", *, now: float | None = None) -> list[str]:
    """Shell commands that put ``path`` of a disk into the current directory, one a line, to be run in order.

    A file needs one command; a directory one for each dump of the chain: run those in an empty directory, since tar deletes
    there what a later dump no longer had.  UsageError RST010, RST013; WorldError RST014,
    RST024 when nothing that dd can read holds a dump.
    """
    spec = Spec(host, disk, path.strip("/"))
    with open_catalogue(site).catalogue as catalogue:
        stamp = parse_as_of(as_of, time.time() if now is None else now)
        moment = moment_of(site, catalogue, spec, stamp, lambda place, size: None, lambda text: None)
        node = node_at(site, catalogue, moment, spec)
    if isinstance(node, Directory):
        return [_command(site, dump, os.fsencode(spec.path), incremental=True) for dump in moment.chain]
    return [_command(site, moment.chain[node.dump], source_of(os.fsencode(spec.path), node), incremental=False)]


def _command(site: Site, dump: Dump, member: bytes, *, incremental: bool) -> str:
    header, files = _files(site, dump)
    reads = [f"dd if={shlex.quote(str(file))} bs={HEADER_KIB}k skip=1 status=none" for file in files]
    read = reads[0] if len(reads) == 1 else "(" + "; ".join(reads) + ")"
    name = "./" + os.fsdecode(member) if member else "."
    # -G lets tar delete and rename in a directory what the level before still had.
    tar = f"tar -xp{'G' if incremental else ''}f - {shlex.quote(name)}"
    return " | ".join([read, *_unpacking(header), tar])


def _unpacking(header: Header) -> list[str]:
    match header.comp:
        case "N":
            return []
        case ".gz" | ".Z":
            return ["gzip -dc"]
        case _:
            program = header.filters.server_compress or header.filters.client_compress
            return [header.uncompress or f"{shlex.quote(program)} -d"]


def _files(site: Site, dump: Dump) -> tuple[Header, Sequence[Path]]:
    """The files that have the dump, each behind a header, in order."""
    last: TaperoomError | None = None
    if dump.file:
        try:
            chunks = chain(Path(dump.file))
            return chunks[0].header, [chunk.path for chunk in chunks]
        except TaperoomError as fault:
            last = fault
    for copy in dump.copies:
        try:
            return _of_copy(site, copy)
        except TaperoomError as fault:
            last = fault
    why = f": {last.message}" if last else ""
    raise WorldError("RST024", f"{dump.host}:{dump.disk} level {dump.level} of {dump.datestamp} is in no file{why}",
                     "load its volumes, or choose another date")


def _of_copy(site: Site, copy: Copy) -> tuple[Header, list[Path]]:
    files = []
    for part in copy.parts:
        volume = volume_of(site, copy, part.label)
        directory = getattr(volume, "path", None)
        if not isinstance(directory, Path):
            raise WorldError("RST024", f"volume {part.label} is no directory of files", "read it with mt and dd")
        files += sorted(file for file in directory.iterdir() if re.match(rf"0*{part.fileno}\.", file.name))[:1]
        header = volume.read_header(part.fileno)
    return header, files
