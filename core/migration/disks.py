"""Dumptypes and the disklist of Amanda as ours, and what is said of a client where it is reached.

Promises that a disk is never written down so that its data would be treated less carefully than Amanda did: what needs an
encryption or a program that does not exist here is left out, and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.amanda.conf import Block
from core.amanda.disklist import Entry
from core.amanda.lists import Patterns, names_of, patterns_of, properties_of
from core.amanda.words import same
from core.config.sections import AUTHS, PROGRAMS
from core.migration import losses
from core.migration.losses import Loss
from core.migration.source import Source
from core.migration.storages import Places, size
from core.model.disk import Compression

AMANDAD = "/usr/lib/amanda/amandad"
"""Where Debian's packages have it, here and on clients."""
_PRIORITIES = {"low": "low", "medium": "medium", "high": "high"}
_HOLDING = {"never": "never", "no": "never", "false": "never", "off": "never", "auto": "auto", "yes": "auto", "true": "auto",
            "on": "auto", "required": "required"}
_FLAGS = {"index": "index", "record": "record", "skip-full": "skip_full", "skip-incr": "skip_incr",
          "allow-split": "allow_split"}
_NUMBERS = {"maxpromoteday": "maxpromoteday", "max-warnings": "max_warnings", "retry-dump": "retry"}
_BUMPS = {"bumppercent": "percent", "bumpmult": "mult", "bumpdays": "days"}
_OWN_DEFAULTS = {"index": True, "record": True, "skip_full": False, "skip_incr": False, "allow_split": True}
_CARRIED = frozenset({
    *_FLAGS, *_NUMBERS, *_BUMPS, "bumpsize", "program", "application", "auth", "compress", "encrypt", "comprate", "holdingdisk",
    "priority", "strategy", "dumpcycle", "estimate", "exclude", "include", "starttime", "maxdumps", "amandad-path",
    "client-username", "client-port", "ssh-keys", "client-custom-compress", "server-custom-compress", "client-encrypt",
    "server-encrypt", "client-decrypt-option", "server-decrypt-option", "tag", "ignore",
})
_HARMLESS = {"data-path": "amanda"}


@dataclass(slots=True)
class Disks:
    """The tables, the disks that were left out by (host, disk), and what was lost."""

    dumptypes: dict[str, dict[str, Any]] = field(default_factory=dict)
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    disks: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A dumptype of ours: its table, or why there is none; ``losses`` without the name of what has it."""

    table: dict[str, Any]
    refused: str
    losses: tuple[Loss, ...]


def disks_of(source: Source, places: Places, as_root: bool) -> Disks:
    """The disks of a site; ``as_root``: programs of Amanda's are started as its user."""
    done = Disks()
    kinds: dict[int, tuple[str, _Kind]] = {}
    taken: set[str] = set()
    for entry in source.disks:
        block = entry.dumptype
        if id(block) not in kinds:
            kinds[id(block)] = (_name(block, taken), _kind(source, places, block))
            title = f"dumptype {block.name}" if block.name else entry.title
            done.losses += [Loss(f"{title} {loss.what}", loss.why, loss.where) for loss in kinds[id(block)][1].losses]
        name, kind = kinds[id(block)]
        if kind.refused:
            done.left_out[entry.host, entry.disk] = kind.refused
            done.losses.append(Loss(f"disk {entry.title}", kind.refused, f"{entry.file}:{entry.line}"))
            continue
        if name:
            done.dumptypes[name] = kind.table
        done.disks.append(_disk(entry, name, kind.table))
        _host(source, done, entry, kind.table["auth"], as_root)
    return done


def _name(block: Block, taken: set[str]) -> str:
    """The dumptype's name here; empty for an inline one."""
    # A disk without a dumptype would be taken for one of a dumptype that is called default.
    name = f"amanda-{block.name}" if block.name.lower() == "default" else block.name
    taken.add(name)
    return name


def _disk(entry: Entry, dumptype: str, table: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {"host": entry.host, "disk": entry.disk}
    if entry.device and entry.device != entry.disk:
        plain["device"] = entry.device
    plain |= {"dumptype": dumptype} if dumptype else dict(table)
    if entry.spindle >= 0:
        plain["spindle"] = entry.spindle
    if entry.interface:
        plain["interface"] = entry.interface
    return plain


def _kind(source: Source, places: Places, block: Block) -> _Kind:
    lost = losses.lost(block, losses.DUMPTYPE) + losses.unknown(block, losses.DUMPTYPE, _CARRIED)
    lost = [loss for loss in lost if not (loss.what in _HARMLESS and block.get(loss.what) == _HARMLESS[loss.what])]
    table: dict[str, Any] = {}
    refused = _program(source, block, table, lost) or _encryption(block)
    _auth(block, table, lost)
    refused = refused or _compression(block, table)
    for key, ours in _FLAGS.items():
        if key in block.settings and block.get(key) is not _OWN_DEFAULTS[ours]:
            table[ours] = block.get(key)
    for key, ours in _NUMBERS.items():
        if key in block.settings:
            table[ours] = block.number(key)
    _order(source, block, table, lost)
    _sizes(source, block, table)
    for key in ("exclude", "include"):
        _patterns(key, patterns_of(block, key), table, lost)
    if (chosen := _storages(places, block, lost)) is not None:
        table["storage"] = chosen
    return _Kind(table, refused, tuple(lost))


def _program(source: Source, block: Block, table: dict[str, Any], lost: list[Loss]) -> str:
    """Which program dumps; why it cannot."""
    program = str(block.get("program", "DUMP"))
    if program == "GNUTAR":
        table["program"] = "gnutar"
        return ""
    if program != "APPLICATION":
        return f"it is dumped by the program {program}, which Taperoom has not; its old dumps stay in the catalogue"
    application = source.conf.block("application", str(block.get("application")))
    plugin = str(application.get("plugin")) if application is not None else ""
    table["program"] = plugin if plugin in PROGRAMS else "gnutar"
    if plugin not in PROGRAMS and plugin != "amgtar":
        return f"it is dumped by the application {plugin}, which Taperoom has not; its old dumps stay in the catalogue"
    if application is not None:
        for name, values in properties_of(application).items():
            lost.append(Loss(f"application {application.name} property {name} = {' '.join(values)}",
                             "tar is called as Amanda calls it without properties", f"{application.file}:{application.line}"))
    return ""


def _encryption(block: Block) -> str:
    words = [same(text) for text in names_of(block, "encrypt")]
    if words and words[0] != "none":
        return "it is encrypted, and nothing is encrypted in this version; it would lie open on the volumes"
    return ""


def _auth(block: Block, table: dict[str, Any], lost: list[Loss]) -> None:
    auth = str(block.get("auth", "bsdtcp")).lower()
    table["auth"] = auth if auth in AUTHS else "ssh"
    if auth not in AUTHS:
        lost.append(Loss(f"auth {auth}", "there is no such transport here; it is written down as ssh, which needs a key on the "
                         "client"))


def _compression(block: Block, table: dict[str, Any]) -> str:
    words = [same(text) for text in names_of(block, "compress")] or ["client", "fast"]
    if words == ["none"]:
        table["compress"] = "none"
        return ""
    side = "server" if "server" in words else "client"
    how = next((word for word in words if word in ("fast", "best", "custom")), "fast")
    table["compress"] = Compression(f"{side} {how}").value
    if how == "custom":
        program = str(block.get(f"{side}-custom-compress"))
        if not program.startswith("/"):
            return f"its {side}-custom-compress is {program!r}, which is no whole path"
        table["compress_program"] = program
    return ""


def _order(source: Source, block: Block, table: dict[str, Any], lost: list[Loss]) -> None:
    """Priority, holding disk, strategy, estimates and times."""
    priority = same(str(block.get("priority", "medium")))
    table["priority"] = _PRIORITIES.get(priority, "medium")
    holding = _HOLDING.get(same(str(block.get("holdingdisk", "auto"))), "auto")
    if holding != "auto":
        table["holding"] = holding
    strategy = same(str(block.get("strategy", "standard")))
    if strategy == "hanoi":
        lost.append(Loss("strategy hanoi", "Amanda itself takes it for standard"))
        strategy = "standard"
    if block.get("ignore") is True:
        strategy = "skip"
    if strategy != "standard":
        table["strategy"] = strategy
    methods = [same(text) for text in names_of(block, "estimate")] or ["client"]
    table["estimate"] = list(dict.fromkeys(methods))
    start = block.get("starttime", -1)
    if isinstance(start, int) and start > 0:
        table["starttime"] = f"{start // 100:02d}:{start % 100:02d}"


def _sizes(source: Source, block: Block, table: dict[str, Any]) -> None:
    """Cycle, bump rule and what compression leaves."""
    top = source.conf.top
    if "dumpcycle" in block.settings:
        table["dumpcycle"] = f"{block.get('dumpcycle')} days"
    bump: dict[str, Any] = {}
    for key, ours in _BUMPS.items():
        value = block.get(key) if key in block.settings else top.get(key)
        if value != "":
            bump[ours] = value
    if "bumpsize" in block.settings or "bumpsize" in top.settings:
        bump["size"] = size(block.number("bumpsize", top.number("bumpsize")))
    if bump:
        table["bump"] = bump
    if rates := [float(text) for text in names_of(block, "comprate")]:
        table["comprate"] = [max(0.01, min(2.0, rate)) for rate in (rates[0], rates[-1])]


def _patterns(key: str, found: Patterns, table: dict[str, Any], lost: list[Loss]) -> None:
    if found.files:
        table[key] = list(found.files)
    if found.lists:
        table[f"{key}_list"] = list(found.lists)
        if found.optional:
            lost.append(Loss(f"{key} list optional", "a list that is not there is told as a fault of the disk"))


def _storages(places: Places, block: Block, lost: list[Loss]) -> list[str] | None:
    """The storages that its dumps go to; None where that is the first one, as without being told."""
    tags = {text.lower() for text in names_of(block, "tag") if same(text) != "append"}
    chosen = [name for name in places.writes if (place := places.found.get(name)) is not None and place.table is not None
              and _selected(place.block, name, tags, lost)]
    first = next((name for name in places.table()), "")
    return None if chosen in ([], [first]) else chosen


def _selected(storage: Block | None, name: str, tags: set[str], lost: list[Loss]) -> bool:
    settings = storage.settings.get("dump-selection", []) if storage is not None else []
    if not settings:
        return True
    for setting in settings:
        which, *level = [word for word in setting.words if word.kind != "sign"]
        # As in Amanda a disk without tags fits every tag.
        if (which.kind == "string" and tags and which.text.lower() not in tags) or (
            which.kind == "name" and which.text.upper() == "OTHER"
        ):
            continue
        if level and level[0].text.upper() != "ALL":
            lost.append(Loss(f"storage {name} dump-selection {level[0].text.upper()}", "dumps of all levels go to a storage",
                             losses.where(setting)))
        return True
    return False


def _host(source: Source, done: Disks, entry: Entry, auth: str, as_root: bool) -> None:
    """What is said of a client; the last disk of a host counts, as in Amanda."""
    block, top = entry.dumptype, source.conf.top
    table = done.hosts.setdefault(entry.host, {})
    maxdumps = block.number("maxdumps") or top.number("maxdumps") or 1
    table["maxdumps"] = max(1, min(63, maxdumps))
    if auth in ("local", "ssh"):
        command = [str(block.get("amandad-path")) or AMANDAD, f"-auth={auth}"]
        user = str(top.get("dumpuser")) or "backup"
        if auth == "local" and as_root:
            # Amanda's client refuses to run as anybody but its own user.
            command = ["runuser", "-u", user, "--", *command]
        before = table.setdefault("amandad", command)
        if before != command:
            why = f"its disks name different amandads; it is {' '.join(before)} for all"
            done.losses.append(Loss(f"host {entry.host}", why, f"{entry.file}:{entry.line}"))
    if auth == "ssh":
        table["user"] = str(block.get("client-username")) or str(top.get("dumpuser")) or "backup"
        if keys := str(block.get("ssh-keys")):
            table["ssh_key"] = keys
    port = str(block.get("client-port"))
    if port.isdecimal() and 0 < int(port) < 65536:
        table["port"] = int(port)
    elif port:
        done.losses.append(Loss(f"host {entry.host} client-port {port}", "a port is given as a number",
                                f"{entry.file}:{entry.line}"))
    for key, ours, default in (("ctimeout", "connect_timeout", 30), ("etimeout", "estimate_timeout", 300),
                               ("dtimeout", "data_timeout", 1800)):
        seconds = abs(top.number(key, default))
        if seconds != default:
            table[ours] = f"{seconds} s"
