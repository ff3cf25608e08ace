"""Dumptypes with their inheritance, and the overrides of a single disk.

``like = "other"`` takes over what another dumptype says; it may stand before or after it, and in any depth, but not in
a circle.  A `[[disk]]` may give any key of a dumptype itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.config import values as v
from core.config.faults import Faults, nearest
from core.config.positions import Path as Key
from core.config.sections import BUMP, DISK, DUMPTYPE, PROGRAMS, Field, named, one_table, read
from core.model.disk import Compression, Dumptype, HoldingUse, Strategy
from core.model.site import RunSettings

_EXAMPLE = '[dumptype.default] compress = "client fast"'
_LIKE = {"like": Field(v.text, 'like = "default"')}
_OWN = frozenset(DISK)


class Dumptypes:
    """All dumptypes of a configuration, made when first asked for; faults go to the collector."""

    def __init__(self, plain: Any, run: RunSettings, storages: set[str], faults: Faults) -> None:
        self._tables = named(plain, ("dumptype",), faults, _EXAMPLE)
        self._base = Dumptype(dumpcycle=run.dumpcycle)
        self._storages, self._faults = storages, faults
        self._made: dict[str, Dumptype] = {}
        self._under_way: list[str] = []
        for name in self._tables:
            self._get(name)

    def of_disk(self, table: Mapping[str, Any], at: Key) -> tuple[Dumptype, dict[str, Any]]:
        """The dumptype of a disk with its overrides, and the keys that are the disk's own."""
        own = {key: value for key, value in table.items() if key in _OWN}
        overrides = {key: value for key, value in table.items() if key in DUMPTYPE or key == "bump"}
        for key in table:
            if key not in own and key not in overrides:
                self._faults.add((*at, key), f"is no key of [[disk]]{nearest(key, [*DISK, *DUMPTYPE, 'bump'])}")
        name = table.get("dumptype", "default")
        dumptype = self._base
        if not isinstance(name, str) or not name:
            pass  # the keys of the disk itself are read, and complained of, elsewhere
        elif name in self._tables:
            dumptype = self._get(name)
        elif name != "default":
            self._faults.add((*at, "dumptype"), f"is {name!r}, which is no [dumptype.…]"
                             f"{nearest(name, {'default', *self._tables})}", DISK["dumptype"].example)
        if overrides:
            dumptype = self._merge(dumptype, overrides, at)
        return dumptype, own

    def _get(self, name: str) -> Dumptype:
        if name in self._made:
            return self._made[name]
        table, at = self._tables[name], ("dumptype", name)
        base = self._base
        like = read({k: x for k, x in table.items() if k == "like"}, _LIKE, at, self._faults).get("like")
        if like is not None and like not in self._tables:
            if like != "default":
                self._faults.add((*at, "like"), f"is {like!r}, which is no [dumptype.…]"
                                 f"{nearest(like, {'default', *self._tables})}", 'like = "default"')
        elif like is not None and (like == name or like in self._under_way):
            circle = " like ".join([*self._under_way, name, like])
            self._faults.add((*at, "like"), f"makes a circle: {circle}", 'like = "default"')
        elif like is not None:
            self._under_way.append(name)
            base = self._get(like)
            self._under_way.pop()
        made = self._merge(replace(base, name=name), {k: x for k, x in table.items() if k != "like"}, at)
        self._made[name] = made
        return made

    def _merge(self, base: Dumptype, table: Mapping[str, Any], at: Key) -> Dumptype:
        values = read(table, DUMPTYPE, at, self._faults, ("bump",))
        if "bump" in table:
            bump = one_table(table["bump"], (*at, "bump"), self._faults, 'bump = { size = "10 MiB" }')
            values["bump"] = replace(base.bump, **read(bump, BUMP, (*at, "bump"), self._faults))
        if "compress" in values:
            kind, program = values["compress"]
            values["compress"] = kind
            values.setdefault("compress_program", program or base.compress_program)
        if "properties" in values:
            if values.get("program", base.program) in PROGRAMS:
                self._faults.add((*at, "properties"), "are for an application; the program "
                                 f"{values.get('program', base.program)} has none", DUMPTYPE["program"].example)
            values["properties"] = _over(base.properties, values["properties"])
        if "holding" in values:
            values["holding"] = HoldingUse(values["holding"])
        if "strategy" in values:
            values["strategy"] = Strategy(values["strategy"])
        for position, storage in enumerate(values.get("storage", ())):
            if storage not in self._storages:
                key = (*at, "storage", position) if isinstance(table["storage"], list) else (*at, "storage")
                self._faults.add(key, f"is {storage!r}, which is no [storage.…]{nearest(storage, self._storages)}",
                                 DUMPTYPE["storage"].example)
        made = replace(base, **values)
        if made.compress in (Compression.CLIENT_CUSTOM, Compression.SERVER_CUSTOM):
            self._check_program(made, at)
        return made

    def _check_program(self, made: Dumptype, at: Key) -> None:
        if not made.compress_program.startswith("/"):
            said = repr(made.compress_program) if made.compress_program else "missing"
            self._faults.add((*at, "compress_program"), f"is {said}; compress = \"{made.compress}\" needs the whole path "
                             "of a program that compresses its input, and with -d does the reverse",
                             DUMPTYPE["compress_program"].example)


def _over(
    base: tuple[tuple[str, tuple[str, ...]], ...], new: tuple[tuple[str, tuple[str, ...]], ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """``base`` with ``new`` over it; names of properties mean the same whatever their case, ``_`` and ``-`` (Amanda's rule)."""
    def key(name: str) -> str:
        return name.lower().replace("_", "-")

    replaced = {key(name) for name, _ in new}
    return (*(pair for pair in base if key(pair[0]) not in replaced), *new)
