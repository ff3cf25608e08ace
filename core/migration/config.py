"""The `taperoom.toml` of a site that Amanda has run: its text, checked, and everything that is not in it.

Promises that the text loads.  It names Amanda's own holding disks and volumes, since the dumps are there, and a state
directory of our own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from core.config.load import load_text
from core.errors import UsageError
from core.migration import losses
from core.migration.blame import blame
from core.migration.disks import Disks, disks_of
from core.migration.losses import Loss
from core.migration.source import Source
from core.migration.storages import Places, bandwidth, holding_of, interfaces_of, places_of
from core.model.site import Site

_CARRIED = frozenset({
    "org", "dumpuser", "tapedev", "tpchanger", "labelstr", "tapelist", "diskfile", "infofile", "logdir", "indexdir", "tapetype",
    "holdingdisk", "dumpcycle", "runspercycle", "runtapes", "tapecycle", "bumpdays", "bumpsize", "bumppercent", "bumpmult",
    "netusage", "inparallel", "dumporder", "maxdumps", "etimeout", "dtimeout", "ctimeout", "taperalgo", "autoflush", "reserve",
    "autolabel", "storage", "active-storage", "command-file", "usetimestamps",
})
_HEAD = """\
# Configuration of Taperoom, made from Amanda's configuration {name} by 'taperoom import-amanda'.
# Every key is explained in 'taperoom explain configuration'; 'taperoom check' tries all of it.
# Holding disks and volumes are Amanda's own: its dumps are there, and can be restored from here.

"""


@dataclass(frozen=True, slots=True)
class Imported:
    """The configuration: its text, the site that it gives, the storages and disks behind it, and what is not in it."""

    text: str
    site: Site
    places: Places
    disks: Disks
    losses: tuple[Loss, ...]


def import_config(source: Source, file: Path, state_dir: Path, *, as_root: bool) -> Imported:
    """The configuration that stands for ``source``, to be written to ``file``.

    UsageError AMA003 with the faults when Taperoom cannot work with what Amanda works with.
    """
    places = places_of(source)
    disks = disks_of(source, places, as_root)
    lost = losses.lost(source.conf.top, losses.GLOBAL) + losses.unknown(source.conf.top, losses.GLOBAL, _CARRIED)
    lost += places.losses
    if (org := source.conf.top.settings.get("org")) and org[-1].value != org_of(source.name):
        lost.append(Loss(f"org {org[-1].value!r}", f"it is called {org_of(source.name)}, as the configuration is",
                         losses.where(org[-1])))
    run = _run(source, lost)
    holding = holding_of(source.conf, lost)
    interfaces = interfaces_of(source.conf, lost)
    lost += disks.losses
    hosts = {name: table for name, table in disks.hosts.items() if table}
    for table in hosts.values():
        if table.get("maxdumps") == run["maxdumps"]:
            del table["maxdumps"]
    tables: dict[str, Any] = {
        "org": org_of(source.name), "state_dir": str(state_dir), "run": run, "holding": holding, "storage": places.table(),
        "interface": interfaces, "dumptype": disks.dumptypes, "host": {name: table for name, table in hosts.items() if table},
        "disk": disks.disks}
    text = _HEAD.format(name=source.name) + _dumps({key: value for key, value in tables.items() if value})
    try:
        site = load_text(text, file)
    except UsageError as fault:
        faults = blame(fault.message.partition(":\n")[2] or fault.message, source, tables)
        raise UsageError("AMA003", f"Taperoom cannot work so:\n{faults}",
                         "change it in Amanda's configuration, or leave it out there; nothing was written") from None
    return Imported(text, site, places, disks, _sorted(lost))


def org_of(name: str) -> str:
    """The name of the whole: that of Amanda's configuration, as far as letters allow."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip("._-") or "amanda"


def _dumps(tables: Mapping[str, Any]) -> str:
    """The text.  A disk, which has no tables of its own, is a ``[[disk]]`` at the end: 'taperoom disk' edits those."""
    text = tomli_w.dumps({key: value for key, value in tables.items() if key != "disk"})
    return text + "".join(f"\n[[disk]]\n{tomli_w.dumps(table)}" for table in tables.get("disk", ()))


def _sorted(found: list[Loss]) -> tuple[Loss, ...]:
    """Each once, in the order in which they were met."""
    return tuple(dict.fromkeys(found))


def _run(source: Source, lost: list[Loss]) -> dict[str, Any]:
    """``[run]``; what Amanda would take without being told is written down too, so that nothing changes unseen."""
    top = source.conf.top

    def number(key: str, default: int) -> int:
        value = top.get(key, default)
        return value if isinstance(value, int) else default

    cycle = number("dumpcycle", 10)
    runs = number("runspercycle", 0) or max(1, cycle)
    if runs < 0:
        runs = max(1, cycle)
        lost.append(Loss("runspercycle -1", f"the number of runs is not guessed; it is {runs}, one a day"))
    tapes = number("runtapes", 1)
    if tapes < 1:
        lost.append(Loss("runtapes 0", "a run may fill one volume at least; 'taperoom degrade' does without"))
    parallel = number("inparallel", 10)
    if parallel > 63:
        lost.append(Loss(f"inparallel {parallel}", "63 dumpers are the most"))
    order = str(top.get("dumporder")) or "ttt"
    known = re.sub(r"[^sStTbB]", "s", order)
    if known != order:
        lost.append(Loss(f"dumporder {order!r}", "letters that mean nothing are taken for s, as Amanda does"))
    known += "".join("t" if at < 3 else "T" for at in range(len(known), min(63, parallel)))
    return {
        "dumpcycle": f"{cycle} days", "runspercycle": runs, "runtapes": max(1, tapes), "inparallel": max(1, min(63, parallel)),
        "maxdumps": max(1, min(63, number("maxdumps", 1))), "netusage": bandwidth(number("netusage", 80000)),
        "dumporder": known, "taperalgo": str(top.get("taperalgo", "first")).lower(),
        "autoflush": str(top.get("autoflush", "no")).lower() in ("yes", "all", "true", "on", "y", "t", "1", "2"),
    }
