"""Storages, policies, tapetypes and changers of Amanda as our storages; holding disks and interfaces beside them.

What comes out are plain tables of `taperoom.toml`, and a line for everything that has no place in them.  Sizes are KiB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from core.amanda.conf import Block, Conf, Setting
from core.amanda.lists import properties_of
from core.devices.label import Names, next_label
from core.errors import UsageError
from core.migration import changers, losses
from core.migration.labels import pattern_of, pattern_of_template, template_of
from core.migration.losses import Loss
from core.migration.source import Source

UNLIMITED_CHUNK = 1 << 40
_CARRIED = ("policy", "tpchanger", "tapedev", "labelstr", "autolabel", "runtapes", "tapetype", "tapepool", "dump-selection")
_CARRIED_TYPE = ("length", "part-size")
_TRUE = ("yes", "y", "true", "t", "on", "1")


@dataclass(frozen=True, slots=True)
class Place:
    """A storage of Amanda.  ``table`` is None when no changer of ours can use its volumes; ``pool`` is the tapelist's."""

    name: str
    block: Block | None
    pool: str
    table: dict[str, Any] | None


@dataclass(slots=True)
class Places:
    """All storages of a site in the order in which dumps go to them, and what was lost on the way."""

    found: dict[str, Place] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    writes: tuple[str, ...] = ()
    """those that dumps are written to, by name"""

    def table(self) -> dict[str, Any]:
        """``[storage.…]``."""
        return {name: place.table for name, place in self.found.items() if place.table is not None}

    def by_line(self, storage: str, pool: str) -> str:
        """The storage that a line of a log or of the tapelist means; what it says itself where none is known."""
        if storage in self.found or not self.found:
            return storage
        return next((place.name for place in self.found.values() if pool and place.pool == pool),
                    storage or next(iter(self.found)))


def names_of(conf: Conf, key: str) -> list[str]:
    """The words of a list keyword of the top, in their order."""
    settings = conf.top.settings.get(key)
    return [word.text for setting in settings[-1:] for word in setting.words if word.kind != "sign"] if settings else []


def places_of(source: Source) -> Places:
    """The storages of a site."""
    conf = source.conf
    named = names_of(conf, "storage")
    places = Places(writes=tuple(named) or (source.name,))
    more = [*names_of(conf, "active-storage"), *names_of(conf, "vault-storage")]
    used = [volume.storage for volume in source.tapelist if volume.config in ("", source.name)]
    wanted = dict.fromkeys([*places.writes, *more, *(name for name in used if name and conf.block("storage", name))])
    taken: dict[str, str] = {}
    for name in wanted:
        place = _Place(source, name, conf.block("storage", name), places.losses)
        table = place.table()
        if table is not None and (other := taken.setdefault(table["changer"], name)) != name:
            places.losses.append(Loss(f"storage {name}", f"its volumes are where those of storage {other} are; here each "
                                      "storage needs a directory of its own"))
            table = None
        places.found[name] = Place(name, place.block, place.pool(), table)
    places.losses += changers.unused(conf, wanted)
    return places


class _Place:
    """One storage; a setting that it has not is the global one, as in Amanda."""

    def __init__(self, source: Source, name: str, block: Block | None, found: list[Loss]) -> None:
        self._source, self._conf, self.name, self.block = source, source.conf, name, block
        self._losses = found
        self._title = f"storage {name}"

    def _setting(self, key: str) -> Setting | None:
        for block in (self.block, self._conf.top):
            if block is not None and (settings := block.settings.get(key)):
                return settings[-1]
        return None

    def _text(self, key: str) -> str:
        setting = self._setting(key)
        return str(setting.value) if setting is not None else ""

    def _lose(self, what: str, why: str, setting: Setting | None = None) -> None:
        self._losses.append(Loss(f"{self._title} {what}".strip(), why, losses.where(setting) if setting else ""))

    def pool(self) -> str:
        """The pool of its volumes in the tapelist."""
        pool = self._text("tapepool") or self._source.name
        return pool.replace("$r", self.name).replace("$c", self._source.name).replace("$o", self._org())

    def _org(self) -> str:
        return str(self._conf.top.get("org")) or self._source.name

    def table(self) -> dict[str, Any] | None:
        """``[storage.NAME]``; None when its changer is none of ours."""
        if self.block is not None:
            self._losses += losses.lost(self.block, losses.STORAGE, self._title)
            self._losses += losses.unknown(self.block, losses.STORAGE, _CARRIED, self._title)
        changer = self._changer()
        if changer is None:
            return None
        directory, properties = changer
        runtapes = self._runtapes()
        table: dict[str, Any] = {"changer": f"disk:{directory}"}
        slots = self._slots(properties)
        retention = self._retention()
        if slots and retention["tapes"] + runtapes > slots:
            self._lose(f"slots = {slots}", f"{retention['tapes']} volumes are kept and {runtapes} may be written in a run, "
                       "which are more than there are slots; the slots that exist are used, and no new ones are made")
            slots = 0
        if slots:
            table["slots"] = slots
        table |= self._sizes()
        table |= self._labels(slots)
        table["retention"] = retention
        if self.block is not None and "runtapes" in self.block.settings:
            table["runtapes"] = runtapes
        return table

    def _changer(self) -> tuple[str, dict[str, tuple[str, ...]]] | None:
        setting = next((found for block in (self.block, self._conf.top) if block is not None
                        for key in ("tpchanger", "tapedev") if (found := changers.of(block, key)) is not None), None)
        uri = str(setting.value) if setting else ""
        block, uri = changers.resolved(self._conf, uri)
        properties = properties_of(block, "property") if block is not None else {}
        if (directory := changers.directory_of(uri)) is None:
            what = f"changer {uri}" if uri else "without a changer"
            self._lose(what, f"{changers.why_not(uri)}; what is on its volumes is in the catalogue, but cannot be read from "
                       "here", setting)
            return None
        for name in properties:
            if block is not None and name not in ("num-slot", "auto-create-slot"):
                self._lose(f"changer {block.name} property {name}", "a changer of directories has no such setting", setting)
        return directory, properties

    def _slots(self, properties: dict[str, tuple[str, ...]]) -> int:
        number = (properties.get("num-slot") or ("0",))[0]
        creates = (properties.get("auto-create-slot") or ("no",))[0].lower() in _TRUE
        return int(number) if creates and number.isdecimal() and len(number) < 9 else 0

    def _runtapes(self) -> int:
        value = self._setting("runtapes")
        number = int(value.value) if value is not None and isinstance(value.value, int) else 1
        return max(1, number)

    def _sizes(self) -> dict[str, str]:
        block = self._conf.block("tapetype", self._text("tapetype")) if self._text("tapetype") else None
        if block is None:
            return {}
        title = f"tapetype {block.name}"
        self._losses += losses.lost(block, losses.TAPETYPE, title)
        self._losses += losses.unknown(block, losses.TAPETYPE, _CARRIED_TYPE, title)
        length, part = block.number("length"), block.number("part-size")
        if not length:
            return {"part_size": size(max(64, part))} if part else {}
        if length < 128:
            self._lose(f"{title} length", "a volume of less than 128 KiB takes no data; it has no limit now")
            return {}
        if part > length:
            self._lose(f"{title} part-size", "is more than a volume holds; parts end with their volume",
                       block.settings["part-size"][-1])
        # Amanda goes on with a dump on the next volume though nothing cuts it into parts; parts as large as a volume do that.
        return {"capacity": size(length), "part_size": size(max(64, min(part or length, length)))}

    def _labels(self, slots: int) -> dict[str, str]:
        found: dict[str, str] = {}
        auto = self._setting("autolabel")
        template = next((word.text for word in auto.words if word.kind == "string"), "") if auto else ""
        names = (self._org(), self._source.name, self.name)
        setting = self._setting("labelstr")
        try:
            if setting is not None and setting.words:
                word = setting.words[0]
                found["label"] = pattern_of(word.text) if word.kind == "string" else pattern_of_template(template, *names)
        except ValueError as fault:
            self._lose("labelstr", f"{fault}; any label is taken for one of this storage", setting)
        if auto is None or not template:
            return found
        flags = {word.text.lower().replace("_", "-") for word in auto.words if word.kind == "name"}
        for flag in sorted(flags & {"any", "other-config", "non-amanda"}):
            self._lose(f"autolabel {flag}", "only a volume without a label is labelled by itself; what others wrote never is",
                       auto)
        if flags and not flags & {"any", "empty", "volume-error"}:
            self._lose("autolabel", "it does not label empty volumes, and no others are labelled here", auto)
            return found
        try:
            ours = template_of(template, *names)
            next_label(ours, Names(self._source.name, self.name, "1"), (), found.get("label", ".*"))
            count = re.sub(r"\\.", "", ours).count("%")
            if not any(mark in ours for mark in "$!\\") and (count == 0 or slots >= 10**count):
                raise ValueError(f"it numbers {10**count - 1} volumes")
        except (ValueError, UsageError) as fault:
            why = fault.message if isinstance(fault, UsageError) else str(fault)
            self._lose("autolabel", f"{why}; volumes are labelled by hand", auto)
            return found
        return {**found, "autolabel": ours}

    def _retention(self) -> dict[str, int]:
        tapes = max(0, self._conf.top.number("tapecycle", 15) - 1)
        name = self._text("policy")
        block = self._conf.block("policy", name or self._source.name)
        if block is None:
            return {"tapes": tapes, "days": 0, "full": 1}
        days = max(block.number(f"retention-{key}") for key in ("days", "recover", "full"))
        # What a kept volume needs for a restore is always kept here, so the days of all three rules are days.
        return {"tapes": block.number("retention-tapes", tapes), "days": days, "full": 1}


def size(kib: int) -> str:
    """A size as `taperoom.toml` has it, exact."""
    for unit in ("KiB", "MiB", "GiB"):
        if kib % 1024 or not kib:
            return f"{kib} {unit}"
        kib //= 1024
    return f"{kib} TiB"


def bandwidth(kps: int) -> str:
    """KiB/s as a bandwidth in bits that reads back as the same number."""
    return f"{kps * 8.192 + 0.001:.3f} kbps"


def holding_of(conf: Conf, found: list[Loss]) -> list[dict[str, Any]]:
    """``[[holding]]``: the holding disks that are in use, in their order."""
    tables = []
    reserve = conf.top.number("reserve", 100)
    settings = conf.top.settings.get("holdingdisk", [])
    for name in dict.fromkeys(word.text for setting in settings for word in setting.words if word.kind != "sign"):
        block = conf.block("holdingdisk", name)
        if block is None:
            continue
        directory = str(block.get("directory"))
        if not directory.startswith("/"):
            found.append(Loss(f"holdingdisk {name}", "it names no whole path", f"{block.file}:{block.line}"))
            continue
        use, chunk = block.number("use"), block.number("chunksize", 1024 * 1024)
        table: dict[str, Any] = {"path": directory, "use": size(use) if use else "all",
                                 "chunksize": size(chunk or UNLIMITED_CHUNK)}
        tables.append({**table, "reserve": reserve})
    for name, block in conf.blocks["holdingdisk"].items():
        if not any(table["path"] == block.get("directory") for table in tables) and block.get("directory"):
            found.append(Loss(f"holdingdisk {name}", "it is defined, but not in use", f"{block.file}:{block.line}"))
    return tables


def interfaces_of(conf: Conf, found: list[Loss]) -> dict[str, dict[str, str]]:
    """``[interface.…]``."""
    tables = {}
    for block in conf.blocks["interface"].values():
        if block.name.lower() == "default":
            continue
        tables[block.name] = {"use": bandwidth(block.number("use", 80000))}
        if "src-ip" in block.settings:
            found.append(Loss(f"interface {block.name} src-ip", "the system chooses the address of a connection",
                              losses.where(block.settings["src-ip"][-1])))
    return tables
