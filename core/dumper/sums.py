"""The checksums of a dump's archive, MiB by MiB, kept beside its index for `taperoom verify` and `taperoom drill`.

They are taken where the archive passes unpacked for the first time: by a client of ours that compresses, else here.
Promises that a file that is there is whole or says that it is not; it is not synced, since a dump without it is only
compared with less.
"""

from __future__ import annotations

import contextlib

from core.dumper.sidefile import index_path, make_directories
from core.dumper.task import Task
from core.dumper.verdict import filtered_on_client
from core.errors import WorldError
from core.holding.chunk import TMP
from core.model.crc32c import crc32c
from core.model.framesums import FrameSums, KeptSums, Sums, encode, frames_of, sealed, whole_of
from core.model.site import Site
from core.wire.mesg import Mesg


def sums_of(mesg: Mesg, arrived: FrameSums, task: Task) -> tuple[Sums | None, str]:
    """The sums of the archive, None when nobody took any; and why a client's are not believed, empty when they are."""
    if not filtered_on_client(mesg, task):
        return arrived, ""
    native = mesg.native
    if not mesg.frames or not native.known:
        return None, ""
    if len(mesg.frames) != frames_of(native.size) or whole_of(mesg.frames, native.size) != native.value:
        return None, f"VFY007 {task.disk.title}: the client's checksums of frames do not give its native CRC ({native})"
    return KeptSums(native, mesg.frames), ""


def keep_sums(site: Site, task: Task, sums: Sums | None) -> list[str]:
    """Keep them; a sentence when they could not be kept.  An older file of that name never stays."""
    index = index_path(site, task.disk.host.name, task.disk.disk, task.datestamp, task.level)
    path = index.with_suffix(".crcs")
    tmp = path.with_name(path.name + TMP)
    try:
        if sums is None:
            path.unlink(missing_ok=True)
            return []
        make_directories(path.parent)
        tmp.write_bytes(sealed(encode(sums), crc32c))
        tmp.replace(path)
    except (OSError, WorldError) as fault:
        with contextlib.suppress(OSError):
            tmp.unlink(missing_ok=True)
        said = fault.strerror if isinstance(fault, OSError) else fault.message
        return [f"DMP019 {path}: could not be written: {said}"]
    return []
