"""The demo's site: a directory with a configuration of three clients, two storages and a holding disk.

All three clients are this machine under three names, each with the incremental state of its own, as three machines would
have.  Promises to touch nothing outside its directory, and no directory that it did not make.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from core.cli.demo_tree import Tree, make_home, measure
from core.config.edit import disk_table, toml_text
from core.errors import UsageError, WorldError

MARK = ".taperoom-demo"
_MIB = 1 << 20
_BUDGET = 90 * _MIB
"""Bytes of one directory of the machine, at most."""
_NEEDED = 64 * _MIB


@dataclass(frozen=True, slots=True)
class DemoSite:
    """Where it is and what it backs up."""

    directory: Path
    config: Path
    home: Path
    disks: int
    size: int


def place(named: str) -> Path:
    """The demo's directory: the one that is named, ``./demo-site``, or one of the user's own where that is not possible."""
    if named:
        return Path(named).absolute()
    if os.access(".", os.W_OK):
        return Path("demo-site").absolute()
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "taperoom" / "demo-site"


def make_site(directory: Path) -> DemoSite:
    """A fresh site in ``directory``.  UsageError CFG010 for a directory of somebody else, WorldError CFG008."""
    _empty(directory)
    home = directory / "home"
    try:
        make_home(home)
        for name in ("holding", "vtapes/main", "vtapes/offsite", "state", "clients"):
            (directory / name).mkdir(parents=True)
        budget = min(_BUDGET, shutil.disk_usage(directory).free // 10)
        if budget < _NEEDED // 10:
            raise WorldError("CFG008", f"{directory}: too little room for the demo", f"name a directory with 1 GiB: "
                             f"{shutil.disk_usage(directory).free // _MIB} MiB are free here")
        trees = _trees(directory, home, budget)
        config = directory / "taperoom.toml"
        config.write_bytes(_text(directory, trees).encode("utf-8", "surrogateescape"))
    except OSError as fault:
        raise WorldError("CFG008", f"{fault.filename or directory}: {fault.strerror}",
                         "name another directory: taperoom demo DIR") from None
    return DemoSite(directory, config, home, len(trees), sum(tree.size for _, tree in trees))


def _empty(directory: Path) -> None:
    """Make the directory, or empty one that an earlier demo made and in which no run is under way."""
    from core.client.runs import live_run
    from core.errors import BusyError

    if directory.exists():
        if not directory.is_dir() or (os.listdir(directory) and not (directory / MARK).is_file()):
            raise UsageError("CFG010", f"{directory} was not made by the demo", "name another: taperoom demo DIR")
        busy = live_run(directory / "state")
        if busy is not None:
            raise BusyError("RUN004", f"run {busy.datestamp} of the demo in {directory} is under way",
                            f"taperoom --config {directory / 'taperoom.toml'} stop")
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        (directory / MARK).write_text("Made by 'taperoom demo', which may empty this directory.\n")
        for entry in directory.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != MARK:
                entry.unlink()
    except OSError as fault:
        raise WorldError("CFG008", f"{fault.filename}: {fault.strerror}", "name another directory: taperoom demo DIR") from None


def _trees(directory: Path, home: Path, budget: int) -> list[tuple[str, Tree]]:
    """What each of the three hosts has; each has something, whatever this machine lacks."""
    project = Path(__file__).resolve().parents[2]
    if not (project / "pyproject.toml").exists():
        project = Path(__file__).resolve().parents[1]
    below = [f"./{directory.relative_to(project).parts[0]}"] if directory.is_relative_to(project) else []
    caches = (".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")
    mine = (*below, *(f"./{name}" for name in caches), "__pycache__")
    whole_home = measure(home, 1 << 40)
    found: list[tuple[str, Tree]] = [("alpha", whole_home)] if whole_home else []
    for host, places, exclude in (
        ("alpha", ("/usr/share/doc",), ()), ("beta", ("/usr/include",), ()),
        ("beta", ("/etc", os.path.dirname(os.__file__)), ()), ("gamma", (str(project),), mine),
    ):
        trees = (measure(Path(path), budget, exclude) for path in places)
        chosen = next((tree for tree in trees if tree is not None), None)
        if chosen is not None:
            found.append((host, chosen))
    return found


def _text(directory: Path, trees: list[tuple[str, Tree]]) -> str:
    total = sum(tree.size for _, tree in trees)
    capacity = max(24, total // 5 // _MIB)
    values = {
        "state": toml_text(str(directory / "state")), "holding": toml_text(str(directory / "holding")),
        "main": toml_text(f"disk:{directory / 'vtapes' / 'main'}"),
        "offsite": toml_text(f"disk:{directory / 'vtapes' / 'offsite'}"),
        "capacity": capacity, "part": max(4, capacity // 4),
    }
    text = _SITE.format(**values)
    for host in ("alpha", "beta", "gamma"):
        words = ["/usr/bin/env", f"TAPEROOM_CLIENT_STATE={directory / 'clients' / host}", sys.executable, "-P", "-m",
                 "clientd.amandad", "-auth=local"]
        text += f"\n[host.{host}]\namandad = [{', '.join(toml_text(word) for word in words)}]\nmaxdumps = 2\n"
    for host, tree in trees:
        keys: dict[str, str | int | list[str]] = {}
        if tree.path == directory / "home":
            keys["dumptype"] = "important"
        if tree.exclude:
            keys["exclude"] = list(tree.exclude)
        if tree.include:
            keys["include"] = list(tree.include)
        text += "\n" + disk_table(host, str(tree.path), keys)
    return text


_SITE = """\
# The site of 'taperoom demo': three clients (this machine, under three names), a holding
# disk and two storages of small volumes.  Everything lies beside this file.

org = "demo"
state_dir = {state}

[run]
dumpcycle = "7 days"
runtapes = 12
inparallel = 3
maxdumps = 2
request_deadline = "2 min"

[[holding]]
path = {holding}
use = "1 GiB"
chunksize = "64 MiB"

[storage.main]
changer = {main}
slots = 30
capacity = "{capacity} MiB"
part_size = "{part} MiB"       # small, so that parts are to be seen
label = 'DEMO-[0-9]{{3}}'
autolabel = "DEMO-%%%"
retention = {{ tapes = 18, full = 1 }}

[storage.offsite]
changer = {offsite}
slots = 30
capacity = "{capacity} MiB"
part_size = "{part} MiB"
label = 'AWAY-[0-9]{{3}}'
autolabel = "AWAY-%%%"
retention = {{ tapes = 18, full = 1 }}

[dumptype.default]
auth = "local"
compress = "client fast"
maxpromoteday = 0              # the second night shall show incrementals, not fulls made early

[dumptype.important]
like = "default"
priority = "high"
storage = ["main", "offsite"]   # a copy on each
"""
