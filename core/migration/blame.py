"""Faults of the configuration that would be written, told by the places of Amanda's files that they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.amanda.conf import Block
from core.migration.losses import where
from core.migration.source import Source

_FAULT = re.compile(r".*?:\d+: ((\w+)(?:\[(\d+)\]|\.('[^']*'|[^.:]+))(?:\.(\w+))?: .*)", re.DOTALL)
_AMANDAS = {"label": "labelstr", "changer": "tpchanger"}


def blame(faults: str, source: Source, tables: Mapping[str, Any]) -> str:
    """``FILE:LINE: key: text`` of Amanda's file, a line for each of ``faults``; without a place where none can be named.
    ``tables``: what would be written."""
    return "\n".join(_line(fault, source, tables) for fault in faults.split("\n"))


def _line(fault: str, source: Source, tables: Mapping[str, Any]) -> str:
    found = _FAULT.fullmatch(fault)
    if found is None:
        return fault
    text, kind, number, name, key = found.groups("")
    entries: Sequence[Mapping[str, Any]] = tables[kind] if number else ()
    place = _place(source, kind, entries[int(number) - 1] if number else {}, name.strip("'"), key)
    return f"{place}: {text}" if place else text


def _place(source: Source, kind: str, entry: Mapping[str, Any], name: str, key: str) -> str:
    conf = source.conf
    match kind:
        case "disk":
            return next((f"{disk.file}:{disk.line}" for disk in source.disks
                         if (disk.host, disk.disk) == (entry.get("host"), entry.get("disk"))), "")
        case "host":
            return next((f"{disk.file}:{disk.line}" for disk in source.disks if disk.host == name), "")
        case "holding":
            return next((_of(block, "directory") for block in conf.blocks["holdingdisk"].values()
                         if str(block.get("directory")) == entry.get("path")), "")
        case "run":
            return _of(conf.top, name)
        case "storage" | "dumptype" | "interface":
            block = conf.block(kind, name)
            return (_of(block, key) if block is not None else "") or _of(conf.top, key) or _begin(block)
        case _:
            return ""


def _of(block: Block, key: str) -> str:
    key = _AMANDAS.get(key, key.replace("_", "-"))
    settings = block.settings.get(key, [])
    return where(settings[-1]) if settings and settings[-1].file else ""


def _begin(block: Block | None) -> str:
    return f"{block.file}:{block.line}" if block is not None and block.file else ""
