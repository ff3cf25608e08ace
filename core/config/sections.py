"""The keys that each table of `taperoom.toml` knows, with how its value is read and an example.

This is the reference of the configuration: a key that is not here is a fault.  Which values come out is said in
`core.model.site` and `core.model.disk`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.config import values as v
from core.config.faults import Faults, nearest
from core.config.positions import Path as Key
from core.config.values import Convert
from core.model.disk import Compression, HoldingUse, Strategy

CHANGERS = ("disk",)
AUTHS = ("local", "ssh", "tls", "bsdtcp")
PROGRAMS = ("gnutar",)
"""What every client has."""
APPLICATIONS = ("amgtar", "amstar", "ambsdtar", "amsuntar", "amsamba", "ampgsql", "amraw", "amzfs-sendrecv", "amrandom")
"""What a stock Amanda 3.5.1 brings; another one is named with the word application before it."""
ESTIMATES = ("client", "calcsize", "server")
TAPERALGOS = ("first", "firstfit", "largest", "largestfit", "smallest", "last")
ZSTD = "/usr/bin/zstd"
_PLUGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_PROPERTY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One key: how its value is read, and how it is written."""

    convert: Convert
    example: str
    required: bool = False


def compression(value: Any) -> tuple[Compression, str]:
    """Where and how, and the program of a custom one; ``zstd`` is a custom one that needs no program."""
    word = v.one_of([*(kind.value for kind in Compression), "client zstd", "server zstd"])(value)
    if word.endswith("zstd"):
        return (Compression(word.replace("zstd", "custom")), ZSTD)
    return (Compression(word), "")


def program(value: Any) -> str:
    """A dump program: one that is known, or ``application NAME``."""
    word, _, name = v.text(value).partition(" ")
    if word != "application":
        return v.one_of((*PROGRAMS, *APPLICATIONS))(value)  # type: ignore[no-any-return]
    if not _PLUGIN.fullmatch(name):
        raise ValueError(f"is {value!r}; an application is named by letters, digits, points, hyphens and underscores")
    return name


def properties(value: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What an application is told: names, each with a text, a list of texts, true or false."""
    if not isinstance(value, dict):
        raise v.wrong_kind(value, "a table of names and values")
    found: list[tuple[str, tuple[str, ...]]] = []
    for name, said in value.items():
        if not _PROPERTY.fullmatch(name):
            raise ValueError(f"has {name!r}, which is no name of a property: letters, digits, hyphens and underscores")
        try:
            found.append((name, ("yes" if said else "no",) if isinstance(said, bool) else v.texts(said)))
        except ValueError as fault:
            raise ValueError(f"has {name!r}, which {fault}") from None
    return tuple(found)


def push(value: Any) -> str:
    """``true``, ``false`` or ``"once"``, as `core.model.disk.Host` has it."""
    if isinstance(value, bool):
        return "keep" if value else ""
    if value != "once":
        raise ValueError("is no way to bring the client there; wanted is true, false or \"once\"")
    return "once"


def encryption(value: Any) -> str:
    """Only ``none``: a dump that is thought to be encrypted and is not would be worse than a fault."""
    if value != "none":
        raise ValueError("encryption does not exist in this version; it has to be \"none\"")
    return "none"


def changer(value: Any) -> str:
    """``disk:DIR``."""
    kind, colon, address = v.text(value).partition(":")
    if not colon or not address:
        raise ValueError(f"is {value!r}; wanted is a kind, a colon and an address")
    v.one_of(CHANGERS)(kind)
    return str(value)


TOP: dict[str, Field] = {
    "org": Field(v.text, 'org = "daily"'),
    "state_dir": Field(v.text, 'state_dir = "/var/lib/taperoom/daily"'),
    "theme": Field(v.maybe_text, 'theme = "night"'),
}
RUN: dict[str, Field] = {
    "dumpcycle": Field(v.days, 'dumpcycle = "7 days"'),
    "runspercycle": Field(v.whole(1, 1000), "runspercycle = 7"),
    "runtapes": Field(v.whole(1, 1000), "runtapes = 2"),
    "inparallel": Field(v.whole(1, 63), "inparallel = 8"),
    "maxdumps": Field(v.whole(1, 63), "maxdumps = 1"),
    "netusage": Field(v.bandwidth, 'netusage = "900 Mbps"'),
    "dumporder": Field(v.letters("sStTbB"), 'dumporder = "BTsS"'),
    "taperalgo": Field(v.one_of(TAPERALGOS), 'taperalgo = "first"'),
    "autoflush": Field(v.flag, "autoflush = true"),
    "request_deadline": Field(v.some_time, 'request_deadline = "1 h"'),
    "retry_delay": Field(v.some_time, 'retry_delay = "30 s"'),
    "child_timeout": Field(v.some_time, 'child_timeout = "15 min"'),
}
POLICY: dict[str, Field] = {
    "reply": Field(v.text, 'reply = "flush"', required=True),
    "after": Field(v.duration, 'after = "10 min"'),
    "argument": Field(v.text, 'argument = "/srv/more"'),
}
HOLDING: dict[str, Field] = {
    "path": Field(v.text, 'path = "/var/spool/taperoom"', required=True),
    "use": Field(v.use, 'use = "-10 GiB"'),
    "chunksize": Field(v.size(64), 'chunksize = "1 GiB"'),
    "reserve": Field(v.whole(0, 100), "reserve = 30"),
}
STORAGE: dict[str, Field] = {
    "changer": Field(changer, 'changer = "disk:/srv/vtapes"', required=True),
    "slots": Field(v.whole(0, 100000), "slots = 20"),
    "capacity": Field(v.size(128), 'capacity = "100 GiB"'),
    "part_size": Field(v.size(), 'part_size = "10 GiB"'),
    "label": Field(v.pattern, 'label = "DAILY-[0-9]{3}"'),
    "autolabel": Field(v.maybe_text, 'autolabel = "DAILY-%%%"'),
    "runtapes": Field(v.whole(1, 1000), "runtapes = 2"),
}
RETENTION: dict[str, Field] = {
    "tapes": Field(v.whole(0, 100000), "tapes = 14"),
    "days": Field(v.whole(0, 36500), "days = 30"),
    "full": Field(v.whole(0, 1000), "full = 1"),
}
BUMP: dict[str, Field] = {
    "percent": Field(v.whole(0, 100), "percent = 20"),
    "size": Field(v.size(), 'size = "10 MiB"'),
    "mult": Field(v.number(1, 1000), "mult = 1.5"),
    "days": Field(v.whole(0, 1000), "days = 2"),
}
DUMPTYPE: dict[str, Field] = {
    "program": Field(program, 'program = "gnutar"'),
    "auth": Field(v.one_of(AUTHS), 'auth = "ssh"'),
    "compress": Field(compression, 'compress = "client fast"'),
    "compress_program": Field(v.text, 'compress_program = "/usr/bin/zstd"'),
    "encrypt": Field(encryption, 'encrypt = "none"'),
    "index": Field(v.flag, "index = true"),
    "record": Field(v.flag, "record = true"),
    "holding": Field(v.one_of(HoldingUse), 'holding = "auto"'),
    "priority": Field(v.priority, 'priority = "medium"'),
    "estimate": Field(v.list_of(ESTIMATES), 'estimate = ["client", "calcsize", "server"]'),
    "retry": Field(v.whole(0, 100), "retry = 2"),
    "strategy": Field(v.one_of(Strategy), 'strategy = "standard"'),
    "skip_full": Field(v.flag, "skip_full = false"),
    "skip_incr": Field(v.flag, "skip_incr = false"),
    "dumpcycle": Field(v.days, 'dumpcycle = "7 days"'),
    "maxpromoteday": Field(v.whole(0, 10000), "maxpromoteday = 3"),
    "comprate": Field(v.comprate, "comprate = [0.5, 0.5]"),
    "exclude": Field(v.texts, 'exclude = ["./*/.cache"]'),
    "exclude_list": Field(v.texts, 'exclude_list = ["/etc/backup.exclude"]'),
    "include": Field(v.texts, 'include = ["./doc"]'),
    "include_list": Field(v.texts, 'include_list = ["/etc/backup.include"]'),
    "starttime": Field(v.clock, 'starttime = "22:30"'),
    "storage": Field(v.texts, 'storage = ["main", "offsite"]'),
    "allow_split": Field(v.flag, "allow_split = true"),
    "max_warnings": Field(v.whole(0, 100000), "max_warnings = 20"),
    "beyond_estimate": Field(v.whole(0, 100000), "beyond_estimate = 10"),
    "properties": Field(properties, 'properties = { ONE-FILE-SYSTEM = "no" }'),
}
HOST: dict[str, Field] = {
    "address": Field(v.text, 'address = "web1.example.org"'),
    "port": Field(v.whole(1, 65535), "port = 22"),
    "user": Field(v.text, 'user = "backup"'),
    "ssh_key": Field(v.text, 'ssh_key = "/etc/taperoom/id_backup"'),
    "ssh_options": Field(v.texts, 'ssh_options = ["ProxyJump=gate"]'),
    "amandad": Field(v.command, 'amandad = "taperoom-clientd -auth=ssh"'),
    "push": Field(push, "push = false"),
    "maxdumps": Field(v.whole(1, 63), "maxdumps = 2"),
    "starttime": Field(v.clock, 'starttime = "22:30"'),
    "connect_timeout": Field(v.some_time, 'connect_timeout = "30 s"'),
    "estimate_timeout": Field(v.some_time, 'estimate_timeout = "5 min"'),
    "data_timeout": Field(v.some_time, 'data_timeout = "30 min"'),
}
INTERFACE: dict[str, Field] = {"use": Field(v.bandwidth, 'use = "900 Mbps"', required=True)}
VERIFY: dict[str, Field] = {"every": Field(v.some_time, 'every = "30 days"')}
DRILL: dict[str, Field] = {
    "files": Field(v.whole(1, 1000), "files = 10"),
    "scratch": Field(v.text, 'scratch = "/var/tmp"'),
    "limit": Field(v.size(16 * 1024), 'limit = "1 GiB"'),
}
DISK: dict[str, Field] = {
    "host": Field(v.text, 'host = "web1"', required=True),
    "disk": Field(v.text, 'disk = "/home"', required=True),
    "device": Field(v.text, 'device = "/home"'),
    "dumptype": Field(v.text, 'dumptype = "default"'),
    "spindle": Field(v.whole(-1, 100000), "spindle = 1"),
    "interface": Field(v.text, 'interface = "lan"'),
}


def read(
    table: Mapping[str, Any], known: Mapping[str, Field], at: Key, faults: Faults, also: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The good values of ``table``; every other one is a fault.  ``also``: keys that the caller reads itself."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        field = known.get(name)
        if field is None:
            if name not in also:
                faults.add((*at, name), f"is no key of {place(at)}{nearest(name, [*known, *also])}",
                           _example_near(name, known))
            continue
        try:
            found[name] = field.convert(value)
        except ValueError as fault:
            faults.add((*at, name), str(fault), field.example)
    for name, field in known.items():
        if field.required and name not in table:
            faults.add((*at, name), "is missing", field.example)
    return found


def tables(value: Any, at: Key, faults: Faults, example: str) -> list[tuple[Key, Mapping[str, Any]]]:
    """The tables of an array of tables, with where each is."""
    if not isinstance(value, list):
        faults.add(at, f"{v.wrong_kind(value, 'a list of tables')}", example)
        return []
    found: list[tuple[Key, Mapping[str, Any]]] = []
    for index, item in enumerate(value):
        if isinstance(item, dict):
            found.append(((*at, index), item))
        else:
            faults.add((*at, index), f"{v.wrong_kind(item, 'a table')}", example)
    return found


def named(value: Any, at: Key, faults: Faults, example: str) -> dict[str, Mapping[str, Any]]:
    """The tables of a table, by name."""
    table = one_table(value, at, faults, example)
    found: dict[str, Mapping[str, Any]] = {}
    for name, item in table.items():
        if isinstance(item, dict):
            found[name] = item
        else:
            faults.add((*at, name), f"{v.wrong_kind(item, 'a table')}", example)
    return found


def one_table(value: Any, at: Key, faults: Faults, example: str) -> Mapping[str, Any]:
    """A table; an empty one, and a fault, when it is none."""
    if isinstance(value, dict):
        return value
    faults.add(at, f"{v.wrong_kind(value, 'a table')}", example)
    return {}


def place(at: Key) -> str:
    """``[run]``, ``[[disk]]``, ``[storage.main]`` or the top of the file."""
    if not at:
        return "the file's top"
    if any(isinstance(part, int) for part in at):
        return f"[[{at[0]}]]" if len(at) == 2 else f"{at[-1]} in [[{at[0]}]]"
    return f"[{'.'.join(str(part) for part in at)}]"


def _example_near(name: str, known: Mapping[str, Field]) -> str:
    import difflib  # only needed once something is wrong

    found = difflib.get_close_matches(name.lower(), known, 1, 0.6)
    return known[found[0]].example if found else ""
