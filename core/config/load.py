"""From `taperoom.toml` to a `Site`: read, checked as a whole, defaults filled in.

Promises: either a complete `Site`, or one UsageError that names every fault with its line.  Every program loads its
configuration with `load_site` at its start, so this is `tomllib` and plain code only.  It looks at no directory, no
client and no volume: `taperoom check` does.

Bytes of the file that are no UTF-8 are kept (surrogateescape), so that names of files in other encodings can be given.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.config import rules, sections
from core.config.dumptypes import Dumptypes
from core.config.faults import Faults, nearest
from core.config.find import path_of
from core.config.sections import named, one_table, read, tables
from core.errors import UsageError
from core.model.disk import Disk, Host, Strategy
from core.model.site import (
    DrillSettings,
    HoldingDisk,
    Policy,
    Retention,
    RunSettings,
    Site,
    Storage,
    VerifySettings,
    tls_dir_of,
)

MAX_SIZE = 64 * 1024 * 1024
"""Bytes of a configuration; 100,000 disks fit."""

_TABLES = ("run", "holding", "storage", "dumptype", "disk", "host", "interface", "verify", "drill")


def load_site(path: Path) -> Site:
    """The site that the file at ``path`` describes.

    UsageError CFG002 when it cannot be read or is no TOML, CFG003 with all its faults.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as fault:
        raise UsageError("CFG002", f"{path}: cannot be read: {fault.strerror or fault}",
                         "name another with --config, or write a first one with 'taperoom init'") from None
    if len(data) > MAX_SIZE:
        raise UsageError("CFG002", f"{path}: is larger than {MAX_SIZE >> 20} MiB; that is no configuration")
    return load_text(data.decode("utf-8", "surrogateescape"), path)


def load_text(text: str, path: Path) -> Site:
    """The site of ``text``, which stands (or will stand) in ``path``.  UsageError as `load_site`."""
    try:
        plain = tomllib.loads(text)
    except RecursionError:
        raise UsageError("CFG002", f"{path}: is no TOML: brackets are nested too deeply") from None
    except ValueError as fault:
        raise UsageError("CFG002", f"{path}: is no TOML: {fault}", _toml_hint(str(fault))) from None
    faults = Faults()
    site = _site(plain, path, faults)
    rules.check(site, plain, faults)
    faults.raise_if_any(path, text)
    return site


def _toml_hint(fault: str) -> str:
    if "Cannot declare" in fault or "Cannot overwrite" in fault:
        return "a table or key may stand in the file only once; [[disk]] and [[holding]] have two brackets"
    if "Invalid value" in fault:
        return "texts, also sizes and times, are written in quotes"
    return ""


def _site(plain: Mapping[str, Any], path: Path, faults: Faults) -> Site:
    base = path.absolute().parent
    top = read(plain, sections.TOP, (), faults, _TABLES)
    org = top.get("org", "daily")
    run = _run(plain, faults)
    storages = _storages(plain, base, run, faults)
    declared = plain.get("storage", {})
    names = set(declared) if isinstance(declared, dict) else set()
    dumptypes = Dumptypes(plain.get("dumptype", {}), run, names, faults)
    state_dir = path_of(top.get("state_dir", f"/var/lib/taperoom/{org}"), base)
    common = {"maxdumps": run.maxdumps, "tls_dir": str(tls_dir_of(state_dir))}
    hosts = _hosts(plain, common, faults)
    disks = _disks(plain, hosts, common, run, dumptypes, faults)
    holding = _holding(plain, base, faults)
    return Site(path.absolute(), org, state_dir, run, holding, storages, hosts, disks, top.get("theme", ""),
                VerifySettings(**_own(plain, "verify", sections.VERIFY, '[verify] every = "30 days"', faults)),
                _drill(plain, base, faults))


def _own(
    plain: Mapping[str, Any], name: str, known: Mapping[str, sections.Field], example: str, faults: Faults,
) -> dict[str, Any]:
    """The values of a table of the top that stands once."""
    return read(one_table(plain.get(name, {}), (name,), faults, example), known, (name,), faults)


def _drill(plain: Mapping[str, Any], base: Path, faults: Faults) -> DrillSettings:
    values = _own(plain, "drill", sections.DRILL, "[drill] files = 10", faults)
    if "scratch" in values:
        values["scratch"] = str(path_of(values["scratch"], base))
    return DrillSettings(**values)


def _run(plain: Mapping[str, Any], faults: Faults) -> RunSettings:
    table = one_table(plain.get("run", {}), ("run",), faults, "[run]")
    found = read(table, sections.RUN, ("run",), faults, ("requests",))
    policies: dict[str, Policy] = {}
    example = 'requests = { "HLD*" = { reply = "flush", after = "10 min" } }'
    for pattern, policy in named(table.get("requests", {}), ("run", "requests"), faults, example).items():
        values = read(policy, sections.POLICY, ("run", "requests", pattern), faults)
        if "reply" in values:
            policies[pattern] = Policy(values["reply"], values.get("after", 0.0), values.get("argument", ""))
    interfaces: dict[str, int] = {}
    example = '[interface.lan] use = "900 Mbps"'
    for name, interface in named(plain.get("interface", {}), ("interface",), faults, example).items():
        values = read(interface, sections.INTERFACE, ("interface", name), faults)
        interfaces[name] = values.get("use", 0)
    if "dumpcycle" in found and "runspercycle" not in found:
        found["runspercycle"] = max(1, found["dumpcycle"])
    return RunSettings(**found, requests=policies, interfaces=interfaces)


def _holding(plain: Mapping[str, Any], base: Path, faults: Faults) -> tuple[HoldingDisk, ...]:
    found: list[HoldingDisk] = []
    example = '[[holding]] path = "/var/spool/taperoom"'
    for at, table in tables(plain.get("holding", []), ("holding",), faults, example):
        values = read(table, sections.HOLDING, at, faults)
        if "path" in values:
            found.append(HoldingDisk(**{**values, "path": path_of(values["path"], base)}))
    return tuple(found)


def _storages(plain: Mapping[str, Any], base: Path, run: RunSettings, faults: Faults) -> dict[str, Storage]:
    found: dict[str, Storage] = {}
    example = '[storage.main] changer = "disk:/srv/vtapes"'
    for name, table in named(plain.get("storage", {}), ("storage",), faults, example).items():
        values = read(table, sections.STORAGE, ("storage", name), faults, ("retention",))
        at = ("storage", name, "retention")
        kept = read(one_table(table.get("retention", {}), at, faults, "retention = { tapes = 14 }"),
                    sections.RETENTION, at, faults)
        if "changer" not in values:
            continue
        kind, _, address = values["changer"].partition(":")
        values["changer"] = f"{kind}:{path_of(address, base)}"
        if slots := values.get("slots", 0):
            # The default must leave something to overwrite, or a small changer stops after its last slot.
            spare = values.get("runtapes", run.runtapes)
            kept.setdefault("tapes", max(0, min(Retention().tapes, slots - spare)))
        found[name] = Storage(name, **values, retention=Retention(**kept))
    return found


def _hosts(plain: Mapping[str, Any], common: Mapping[str, Any], faults: Faults) -> dict[str, Host]:
    found: dict[str, Host] = {}
    example = '[host.web1] address = "web1.example.org"'
    for name, table in named(plain.get("host", {}), ("host",), faults, example).items():
        values = read(table, sections.HOST, ("host", name), faults)
        found[name] = Host(name, **{**common, **values})
    return found


def _disks(
    plain: Mapping[str, Any], hosts: dict[str, Host], common: Mapping[str, Any], run: RunSettings, dumptypes: Dumptypes,
    faults: Faults,
) -> tuple[Disk, ...]:
    """The disklist; a host that has no table of its own is added to ``hosts``."""
    found: list[Disk] = []
    for at, table in tables(plain.get("disk", []), ("disk",), faults, '[[disk]] host = "web1"'):
        dumptype, own = dumptypes.of_disk(table, at)
        values = read(own, sections.DISK, at, faults)
        interface = values.get("interface", "default")
        if interface != "default" and interface not in run.interfaces:
            faults.add((*at, "interface"), f"is {interface!r}, which is no [interface.…]"
                       f"{nearest(interface, ['default', *run.interfaces])}", sections.DISK["interface"].example)
        if "host" not in values or "disk" not in values:
            continue
        host = hosts.get(values["host"])
        if host is None:
            host = hosts[values["host"]] = Host(values["host"], **common)
        if host.push == "once" and dumptype.strategy is Strategy.STANDARD:
            # Nothing stays there, so there is nothing that an incremental could go on from.
            dumptype = replace(dumptype, strategy=Strategy.NOINC)
        found.append(Disk(host, values["disk"], dumptype, values.get("device", ""), values.get("spindle", -1),
                          interface))
    return tuple(found)


