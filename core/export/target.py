"""The configuration of a real Amanda that is written to: where its files are, and what it calls its storages.

Reads amanda.conf and nothing else.  Names of directories are relative to the configuration's own, as Amanda has them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.amanda.conf import Block, Conf, read_conf
from core.amanda.words import Word
from core.errors import UsageError
from core.model.site import Site, Storage

_TAKES_OTHERS = frozenset({"any", "other-config"})


@dataclass(frozen=True, slots=True)
class Store:
    """A storage of theirs; ``directory`` of its vtapes, empty for another kind of changer; ``autolabel`` is the template,
    ``takes_others``: it labels volumes of other configurations anew."""

    name: str
    pool: str
    directory: str
    autolabel: str
    takes_others: bool


@dataclass(frozen=True, slots=True)
class Target:
    """The configuration ``name`` in ``path``."""

    path: Path
    name: str
    tapelist: Path
    logs: Path
    indexes: Path
    infos: Path
    stores: tuple[Store, ...]


def target_of(path: Path, name: str = "") -> Target:
    """The configuration in a directory; ``name`` is what Amanda's commands call it, else the directory's own.

    UsageError CFG011 with all faults of amanda.conf, TAP040 when there is none or it does not say where its files are.
    """
    file = path / "amanda.conf"
    if not file.is_file():
        raise UsageError("TAP040", f"{path} holds no amanda.conf", "name the directory, such as /etc/amanda/daily")
    conf = read_conf("amanda.conf", lambda part: (path / part).read_bytes().decode("utf-8", "surrogateescape"))
    called = name or Path(os.path.abspath(path)).name

    def place(key: str, default: str = "") -> Path:
        said = conf.top.get(key, default)
        if not isinstance(said, str) or not said:
            raise UsageError("TAP040", f"{file} does not say where its {key} is", f"write {key} \"DIRECTORY\" into it")
        return path / said

    return Target(path, called, place("tapelist", "tapelist"), place("logdir"), place("indexdir"), place("infofile"),
                  _stores(conf, called))


def _stores(conf: Conf, name: str) -> tuple[Store, ...]:
    """The storages that dumps go to; the one without a block is called like the configuration."""
    named = [word.text for word in _words(conf.top, "storage")]
    blocks = [conf.block("storage", word) for word in named] or [None]
    return tuple(_store(conf, block, name) for block in blocks)


def _store(conf: Conf, block: Block | None, name: str) -> Store:
    def get(key: str) -> str:
        for of in (block, conf.top):
            if of is not None and isinstance(value := of.get(key), str) and value:
                return value
        return ""

    called = block.name if block is not None else name
    label = [word.text for word in (_words(block, "autolabel") if block is not None else ()) or _words(conf.top, "autolabel")]
    flags = {word.lower().replace("_", "-") for word in label[1:]}
    pool = get("tapepool") or name
    for escape, value in (("$c", name), ("$r", called), ("$o", get("org") or name)):
        pool = pool.replace(escape, value)
    changer = get("tpchanger")
    defined = conf.block("changer", changer)
    if defined is not None and isinstance(said := defined.get("tpchanger"), str):
        changer = said
    directory = changer.removeprefix("chg-disk:") if changer.startswith("chg-disk:") else ""
    return Store(called, pool, directory, label[0] if label else "", bool(flags & _TAKES_OTHERS))


def _words(block: Block, key: str) -> tuple[Word, ...]:
    found = block.get(key, ())
    return found if isinstance(found, tuple) else ()


def stores_of(site: Site, target: Target, said: Mapping[str, str]) -> dict[str, Store]:
    """Which storage of theirs each of ours is: as ``said``, or with the same slots, or the only one there is.

    UsageError TAP041 when that does not tell, or a name is none.
    """
    theirs = {store.name: store for store in target.stores}
    for ours, other in said.items():
        if ours not in site.storages or other not in theirs:
            raise UsageError("TAP041", f"{ours}={other}: ours are {', '.join(site.storages)}, theirs {', '.join(theirs)}")
    found = {}
    for storage in site.storages.values():
        store = theirs.get(said.get(storage.name, "")) or _same_slots(storage, target)
        if store is None and len(theirs) == len(site.storages) == 1:
            store = target.stores[0]
        if store is None:
            raise UsageError("TAP041", f"which storage of {target.name} is our storage {storage.name}? {', '.join(theirs)}",
                             f"say so: --storage {storage.name}={target.stores[0].name}")
        found[storage.name] = store
    return found


def _same_slots(storage: Storage, target: Target) -> Store | None:
    if storage.kind != "disk":
        return None
    ours = os.path.realpath(storage.address)
    return next((store for store in target.stores if store.directory and os.path.realpath(store.directory) == ours), None)
