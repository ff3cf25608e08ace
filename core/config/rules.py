"""Rules between values: names that would clash on disk or on a pipe, sizes that cannot work, places used twice.

Takes a `Site` that may be incomplete (its faults are collected already) and adds what is wrong with the whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.config.faults import Faults
from core.config.positions import Path as Key
from core.model.disk import Disk, Strategy
from core.model.site import Site, Storage
from core.model.units import sanitise, show_kib

_ORG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HOST = re.compile(r"[^\W_][\w.-]*")
_LABEL = re.compile(r"[!-~]+")
_CHUNK = re.compile(r"(.+)\.\d+")
_LONGEST_STEM = 230
"""Bytes of ``HOST.DISK`` in a file name: a name holds 255, and level, chunk number and ``.tmp`` follow."""


def check(site: Site, plain: Mapping[str, Any], faults: Faults) -> None:
    """Add every fault of the whole."""
    if _ORG.fullmatch(site.org) is None:
        faults.add(("org",), f"is {site.org!r}; letters, digits, '.', '_' and '-' are allowed", 'org = "daily"')
    _check_places(site, plain, faults)
    _check_storages(site, faults)
    for name in site.hosts:
        _check_host(site, name, plain, faults)
    _check_disks(site, plain, faults)


def _indices(plain: Mapping[str, Any], name: str, wanted: tuple[str, ...]) -> list[int]:
    """Where the entries of an array of tables stand that were good enough to be taken."""
    entries = plain.get(name, [])
    if not isinstance(entries, list):
        return []
    return [i for i, entry in enumerate(entries) if isinstance(entry, dict)
            and all(isinstance(entry.get(key), str) and entry[key] and "\0" not in entry[key] for key in wanted)]


def _check_places(site: Site, plain: Mapping[str, Any], faults: Faults) -> None:
    places: list[tuple[Key, str, str]] = [(("state_dir",), "the state directory", os.path.normpath(site.state_dir))]
    for index, holding in zip(_indices(plain, "holding", ("path",)), site.holding, strict=False):
        places.append((("holding", index, "path"), f"the holding disk {holding.path}", os.path.normpath(holding.path)))
    for storage in site.storages.values():
        if storage.kind == "disk":
            places.append((("storage", storage.name, "changer"), f"the volumes of storage {storage.name}",
                           os.path.normpath(storage.address)))
    if site.drill.scratch:
        _check_scratch(places, os.path.normpath(site.drill.scratch), faults)
    for number, (at, _, path) in enumerate(places):
        for _, other, theirs in places[:number]:
            if path == theirs:
                faults.add(at, f"is {path}, which is also {other}; each needs a directory of its own")
            elif other != "the state directory" and (_inside(path, theirs) or _inside(theirs, path)):
                faults.add(at, f"is {path}; it and {other} ({theirs}) lie in each other")
            elif other == "the state directory" and (
                _inside(path, f"{theirs}/runs") or _inside(path, f"{theirs}/index") or _inside(theirs, path)
            ):
                faults.add(at, f"is {path}, where the state directory {theirs} keeps its own files")


def _check_scratch(places: list[tuple[Key, str, str]], scratch: str, faults: Faults) -> None:
    """What a drill fills and empties is no place for anything else."""
    for at, what, path in places:
        theirs = path if at != ("state_dir",) else f"{path}/index"
        if _inside(scratch, theirs) or (at == ("state_dir",) and (scratch == path or _inside(scratch, f"{path}/runs"))):
            faults.add(("drill", "scratch"), f"is {scratch}, in {what}; a drill needs a directory of its own",
                       'scratch = "/var/tmp"')


def _inside(path: str, other: str) -> bool:
    return path == other or Path(path).is_relative_to(other)


def _check_storages(site: Site, faults: Faults) -> None:
    for number, (name, storage) in enumerate(site.storages.items()):
        at: Key = ("storage", name)
        _check_sizes(storage, at, faults)
        _check_labels(storage, at, faults)
        if _ORG.fullmatch(name) is None:
            faults.add(at, "is no name for a storage; letters, digits, '.', '_' and '-' are allowed", "[storage.main]")
        tapes, slots = storage.retention.tapes, storage.slots
        runtapes = storage.runtapes or site.run.runtapes
        if slots and tapes + runtapes > slots:
            most = max(0, slots - runtapes)
            faults.add((*at, "retention", "tapes"), f"is {tapes}: with {slots} slots and runtapes = {runtapes} nothing "
                       f"could be overwritten after the first cycle; with these slots it may be at most {most}",
                       f"retention = {{ tapes = {most} }}")
        for other in list(site.storages.values())[:number]:
            if storage.autolabel and storage.autolabel == other.autolabel:
                faults.add((*at, "autolabel"), f"is {storage.autolabel!r} as in storage {other.name}; two volumes would get "
                           "one label", f'autolabel = "{name.upper()}-%%%"')


def _check_sizes(storage: Storage, at: Key, faults: Faults) -> None:
    if storage.part_size and storage.part_size < 64:
        faults.add((*at, "part_size"), f"is {show_kib(storage.part_size)}; the least is 64 KiB, and 0 does not split",
                   'part_size = "1 GiB"')
    if storage.capacity and storage.part_size > storage.capacity:
        faults.add((*at, "part_size"), f"is {show_kib(storage.part_size)}, more than the capacity of a volume, "
                   f"{show_kib(storage.capacity)}; it should be a tenth of it or less",
                   f'part_size = "{max(1, storage.capacity // 10240)} MiB"')


def _check_labels(storage: Storage, at: Key, faults: Faults) -> None:
    template = storage.autolabel
    if not template or any(special in template for special in "$!\\"):
        return  # whoever expands a template with names in it also checks it
    if _LABEL.fullmatch(template) is None or "/" in template:
        faults.add((*at, "autolabel"), f"is {template!r}; a label has no blanks and no slashes", 'autolabel = "DAILY-%%%"')
        return
    count = template.count("%")
    if count == 0 or "%" * count not in template:
        faults.add((*at, "autolabel"), f"is {template!r}; it needs a place for the number, one '%' a digit",
                   'autolabel = "DAILY-%%%"')
        return
    if storage.slots >= 10**count:
        faults.add((*at, "autolabel"), f"is {template!r}, which numbers {10**count - 1} volumes; there are "
                   f"{storage.slots} slots", f'autolabel = "{template.replace("%" * count, "%" * len(str(storage.slots)))}"')
    label = template.replace("%" * count, "1".zfill(count))
    try:
        fits = re.fullmatch(storage.label, label) is not None
    except RecursionError:
        fits = False
    if not fits:
        faults.add((*at, "autolabel"), f"makes {label!r}, which label = {storage.label!r} does not match",
                   f"label = '{re.escape(template.partition('%')[0])}[0-9]{{{count}}}'")


def _is_reserved(name: str) -> bool:
    # Loaded only for a name in capitals, as all those words are: every command reads the configuration.
    from core.protocol.planner import RESERVED_HOSTS

    return name in RESERVED_HOSTS


def _check_host(site: Site, name: str, plain: Mapping[str, Any], faults: Faults) -> None:
    at: Key = ("host", name)
    if name not in (plain["host"] if isinstance(plain.get("host"), dict) else {}):
        entries = plain.get("disk", [])
        at = next((("disk", i, "host") for i, entry in enumerate(entries)
                   if isinstance(entry, dict) and entry.get("host") == name), ("disk",))
    if name.isupper() and _is_reserved(name):
        faults.add(at, f"is {name!r}, a word of the planner's language; no host may be called so", 'host = "web1"')
    elif _HOST.fullmatch(name) is None or len(name) > 200:
        faults.add(at, f"is {name!r}, which is no host name; letters, digits, '.', '-' and '_' are allowed, and a name for "
                   "an address is given with [host.NAME] address", 'host = "web1"')
    if site.hosts[name].push and site.hosts[name].amandad:
        faults.add(("host", name, "push"), "brings the client there and runs it; amandad names one that is there already",
                   "push = true")
    for key in ("address", "user"):
        value = getattr(site.hosts[name], key)
        if value.startswith("-") or any(c.isspace() or not c.isprintable() for c in value):
            faults.add(("host", name, key), f"is {value!r}; it may not begin with '-' or hold blanks",
                       f'{key} = "{"web1.example.org" if key == "address" else "backup"}"')


def _check_disks(site: Site, plain: Mapping[str, Any], faults: Faults) -> None:
    stems: dict[str, tuple[Disk, int]] = {}
    keys: dict[tuple[str, str], int] = {}
    indices = _indices(plain, "disk", ("host", "disk"))
    for index, disk in zip(indices, site.disks, strict=False):
        at: Key = ("disk", index, "disk")
        if disk.key in keys:
            faults.add(at, f"{disk.title} is in the disklist already, as disk[{keys[disk.key] + 1}]")
            continue
        keys[disk.key] = index
        _check_name(disk, at, faults)
        _check_push(disk, index, faults)
        other = stems.setdefault(disk.file_stem, (disk, index))
        if other[1] != index:
            faults.add(at, f"{disk.title} and {other[0].title} would both be {disk.file_stem!r} in file names",
                       f'disk = "another name", device = "{disk.device or disk.disk}"')
    for stem, (disk, index) in stems.items():
        found = _CHUNK.fullmatch(stem)
        if found and found[1] in stems:
            faults.add(("disk", index, "disk"), f"{disk.title} would be mixed up with {stems[found[1]][0].title}, whose "
                       "files have a number at their end", f'disk = "another name", device = "{disk.device or disk.disk}"')


def _check_push(disk: Disk, index: int, faults: Faults) -> None:
    kind, host = disk.dumptype, disk.host
    if host.push and kind.auth != "ssh":
        faults.add(("disk", index, "disk"), f"is reached by auth = {kind.auth!r}, but push of host {host.name} goes by ssh",
                   'auth = "ssh"')
    if host.push == "once" and kind.strategy in (Strategy.NOFULL, Strategy.INCRONLY):
        faults.add(("disk", index, "disk"), f"has strategy = {kind.strategy.value!r}, but push = \"once\" of "
                   f"host {host.name} leaves nothing there that an incremental could go on from", 'strategy = "noinc"')


def _check_name(disk: Disk, at: Key, faults: Faults) -> None:
    stem = disk.file_stem.encode("utf-8", "surrogateescape")
    if len(stem) > _LONGEST_STEM:
        faults.add(at, f"makes a file name of {len(stem)} bytes; {_LONGEST_STEM} are possible",
                   'disk = "a short name", device = "/the/long/path"')
    if sanitise(disk.disk) in (".", ".."):
        faults.add(at, f"is {disk.disk!r}, which is no name for a file", 'disk = "/home"')
    elif not (disk.device or disk.disk).startswith("/"):
        key = (*at[:-1], "device") if disk.device else at
        faults.add(key, f"is {disk.device or disk.disk!r}, which is no whole path; a disk with another name says with "
                   "device what is read", 'device = "/home"')
