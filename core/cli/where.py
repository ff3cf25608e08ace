"""What each command needs first: the configuration that is meant, its site, one of its runs, the disks that are named.

Everything is found when it is asked for, so that `--help` and `explain` need no configuration.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import StartError, UsageError

if TYPE_CHECKING:
    from core.client.runs import Run
    from core.model.disk import Disk
    from core.model.site import Site


@dataclass(slots=True)
class Where:
    """The ``--config`` of the command line."""

    config: str = ""


_WHERE = Where()


def set_config(name: str) -> None:
    """Take over ``--config``."""
    _WHERE.config = name


def config_file() -> Path:
    """The configuration that is meant.  UsageError CFG001, CFG002."""
    from core.config.find import find_config

    return find_config(_WHERE.config)


def site() -> Site:
    """The site of that configuration.  UsageError CFG001 to CFG003."""
    from core.config.load import load_site

    return load_site(config_file())


def a_run(site: Site, name: str = "") -> Run:
    """The run whose datestamp begins with ``name``; the live or else the last one.  UsageError RUN022 when there is none."""
    from core.client.runs import find_run, list_runs

    found = find_run(site.state_dir, name)
    if found is not None:
        return found
    runs = list_runs(site.state_dir)
    if not runs:
        raise UsageError("RUN022", f"{site.org} has no run yet", "start the first one with 'taperoom run'")
    last = ", ".join(run.datestamp for run in runs[-3:])
    raise UsageError("RUN022", f"there is no run {name!r}; the last ones are {last}", "'taperoom report' shows the last one")


def the_live_run(site: Site) -> Run:
    """The run under way.  StartError RUN020 when there is none."""
    from core.client.runs import live_run

    found = live_run(site.state_dir)
    if found is None:
        raise StartError("RUN020", f"no run of {site.org} is under way", "'taperoom status' shows the last one")
    return found


def who_asks(site: Site) -> list[Run]:
    """The run under way and the restores that have asked for something.  StartError RUN020 when there is none."""
    from core.client.restores import live_restores
    from core.client.runs import live_run

    run = live_run(site.state_dir)
    found = ([run] if run is not None else []) + live_restores(site.state_dir)
    if not found:
        raise StartError("RUN020", f"no run of {site.org} is under way, and no restore that asks for anything",
                         "'taperoom status' shows the last run")
    return found


def matching(site: Site, names: Iterable[str]) -> list[Disk]:
    """The disks that ``HOST`` and ``HOST:DISK`` words name, in the order of the disklist; all when there is no word.

    UsageError CFG007 for a word that names none.
    """
    words = list(names)
    if not words:
        return list(site.disks)
    found = {id(disk) for word in words for disk in _named(site, word)}
    return [disk for disk in site.disks if id(disk) in found]


def one_disk(site: Site, name: str) -> Disk:
    """The disk that ``HOST:DISK`` names.  UsageError CFG007."""
    for disk in site.disks:
        if disk.title == name:
            return disk
    raise _no_such(site, name)


def _named(site: Site, word: str) -> list[Disk]:
    found = [disk for disk in site.disks if word in (disk.host.name, disk.title)]
    if not found:
        raise _no_such(site, word)
    return found


def _no_such(site: Site, word: str) -> UsageError:
    from core.config.faults import nearest

    known = [disk.title for disk in site.disks] if ":" in word else list({disk.host.name for disk in site.disks})
    kind = "disk" if ":" in word else "host"
    return UsageError("CFG007", f"{word!r} is no {kind} of {site.file}{nearest(word, known)}",
                      "'taperoom disk list' shows all disks")


def complete_disk(incomplete: str) -> list[str]:
    """For the shell: disks that begin so; nothing when there is no good configuration."""
    from core.errors import TaperoomError

    try:
        titles = [disk.title for disk in site().disks]
    except (TaperoomError, OSError):
        return []
    return [title for title in titles if title.startswith(incomplete)]


def complete_host(incomplete: str) -> list[str]:
    """For the shell: clients that begin so."""
    from core.errors import TaperoomError

    try:
        return [name for name in site().hosts if name.startswith(incomplete)]
    except (TaperoomError, OSError):
        return []


def complete_target(incomplete: str) -> list[str]:
    """For the shell: clients that begin so, with the colon after which their directory comes."""
    from core.errors import TaperoomError

    try:
        names = dict.fromkeys(disk.host.name for disk in site().disks)
    except (TaperoomError, OSError):
        return []
    return [f"{name}:/" for name in names if name.startswith(incomplete)]


def complete_run(incomplete: str) -> list[str]:
    """For the shell: runs that begin so, newest first."""
    from core.client.runs import list_runs
    from core.errors import TaperoomError

    try:
        runs = list_runs(site().state_dir)
    except (TaperoomError, OSError):
        return []
    return [run.datestamp for run in reversed(runs) if run.datestamp.startswith(incomplete)]


