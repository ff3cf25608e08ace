"""The changers and devices of Amanda: which of them is one of ours, and why each other one is not.

Ours are directories of slots (``chg-disk``).  Pure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping

from core.amanda.conf import Block, Conf, Setting
from core.migration.losses import Loss

_ONLY = "volumes are directories (chg-disk) in this version"
_REASONS: Mapping[str, str] = {
    "chg-single": f"it is one device without slots, and {_ONLY}",
    "chg-multi": f"it is a list of devices, and {_ONLY}",
    "chg-robot": f"it is a library of tapes, and {_ONLY}",
    "chg-aggregate": "it joins several changers, and a storage has one directory of slots here; give each a storage of its own",
    "chg-rait": f"it spreads a volume over several devices, and {_ONLY}",
    "chg-diskflat": "its volumes are single files, and those of chg-disk are directories",
    "chg-ndmp": "there is no NDMP in this version",
    "chg-null": "what is written to it is thrown away",
    "tape": f"it is a tape drive, and {_ONLY}",
    "s3": f"it is a store in the cloud, and {_ONLY}",
    "rait": f"it spreads a volume over several devices, and {_ONLY}",
    "dvdrw": f"it is a burner, and {_ONLY}",
    "ndmp": "there is no NDMP in this version",
    "null": "what is written to it is thrown away",
    "file": "it is one volume without slots, and a storage has a directory of slots here",
    "diskflat": "its volumes are single files, and those of chg-disk are directories",
}
_UNUSED = "it is defined, but not in use"


def of(block: Block, key: str) -> Setting | None:
    """The setting that counts; None where there is none, or an empty one."""
    settings = block.settings.get(key)
    return settings[-1] if settings and settings[-1].value else None


def resolved(conf: Conf, uri: str) -> tuple[Block | None, str]:
    """What a name of a changer or device stands for: its block, and the URI in it; a URI stands for itself."""
    first, seen = None, set[str]()
    while uri.lower() not in seen and (block := conf.block("changer", uri) or conf.block("device", uri)) is not None:
        seen.add(uri.lower())
        first = first or block
        uri = str(block.get("tpchanger") or block.get("tapedev"))
    return first, uri


def directory_of(uri: str) -> str | None:
    """The directory of slots that a URI names; None for every other changer."""
    kind, _, directory = uri.partition(":")
    return os.path.normpath(directory) if kind == "chg-disk" and directory.startswith("/") else None


def why_not(uri: str) -> str:
    """Why a changer is none of ours."""
    kind = uri.partition(":")[0].lower()
    if not uri:
        return _ONLY
    if kind == "chg-disk":
        return "it names no whole path"
    what = "such a changer" if kind.startswith("chg-") else "such a device"
    return _REASONS.get(kind, f"{what} is not known here, and {_ONLY}")


def unused(conf: Conf, storages: Iterable[str]) -> list[Loss]:
    """A line for every storage, changer and device that is defined and that no storage in use leads to."""
    wanted = {name.lower() for name in storages}
    found = [Loss(f"storage {block.name}", _UNUSED, f"{block.file}:{block.line}")
             for block in conf.blocks["storage"].values() if block.file and block.name.lower() not in wanted]
    reached = _reached(conf, [conf.top, *(block for block in conf.blocks["storage"].values() if block.name.lower() in wanted)])
    for kind in ("changer", "device"):
        for block in conf.blocks[kind].values():
            if block.file and block.name.lower() not in reached:
                uri = resolved(conf, block.name)[1]
                why = _UNUSED if directory_of(uri) is not None else f"{_UNUSED}, and {why_not(uri)}"
                found.append(Loss(f"{kind} {block.name}", why, f"{block.file}:{block.line}"))
    return found


def _reached(conf: Conf, blocks: Collection[Block]) -> set[str]:
    """The names of changers and devices that these blocks lead to, also inside of ``chg-aggregate:{one,two}``."""
    names: set[str] = set()
    waiting = list(blocks)
    while waiting:
        block = waiting.pop()
        for key in ("tpchanger", "tapedev"):
            setting = of(block, key)
            for word in re.split(r"[{},:]", str(setting.value)) if setting is not None else ():
                for kind in ("changer", "device"):
                    inner = conf.block(kind, word)
                    if inner is not None and inner.name.lower() not in names:
                        names.add(inner.name.lower())
                        waiting.append(inner)
    return names
