"""What the planner is called with: a configuration, perhaps some disks, and when the run begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import UsageError
from core.model.disk import Disk
from core.model.site import Site
from core.model.units import seconds_of_datestamp

USAGE = (
    "python -P -m core.planner CONFIG [--datestamp YYYYMMDDhhmmss] [--offline] [--no-dump] [--dry-run]"
    " [HOST[:DISK] ...]"
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """``datestamp`` empty: now.  ``offline``: no client is asked, sizes come from history.

    ``no_dump``: only flushes, also without autoflush; with ``wanted`` only theirs.  ``dry_run`` is taken for clearness
    and changes nothing, as the planner itself changes nothing.
    """

    config: Path
    datestamp: str = ""
    offline: bool = False
    no_dump: bool = False
    dry_run: bool = False
    wanted: tuple[str, ...] = ()


def parse(words: Sequence[str]) -> Arguments:
    """The arguments of a command line.  UsageError PLN010."""
    config, stamp = "", ""
    flags = dict.fromkeys(("--offline", "--no-dump", "--dry-run"), False)
    wanted: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name == "--datestamp":
            if not equals and not rest:
                raise UsageError("PLN010", "--datestamp needs a value", USAGE)
            stamp = _stamp(value if equals else rest.pop(0))
        elif word in flags:
            flags[word] = True
        elif word == "--":
            wanted += rest
            break
        elif word.startswith("--"):
            raise UsageError("PLN010", f"the planner has no option {name}", USAGE)
        elif config:
            wanted.append(word)
        else:
            config = word
    if not config:
        raise UsageError("PLN010", "the planner needs a configuration", USAGE)
    offline, no_dump, dry_run = flags.values()
    return Arguments(Path(config), stamp, offline, no_dump, dry_run, tuple(wanted))


def _stamp(text: str) -> str:
    try:
        seconds_of_datestamp(text)
    except ValueError:
        text = ""
    if len(text) not in (8, 14):
        raise UsageError("PLN010", "--datestamp takes 14 digits, YYYYMMDDhhmmss", USAGE)
    return text.ljust(14, "0")


def select(site: Site, wanted: Sequence[str]) -> tuple[Disk, ...]:
    """The disks that are meant by ``HOST`` or ``HOST:DISK``, in the order of the configuration; all without any.

    UsageError PLN001 names every one that does not exist.
    """
    if not wanted:
        return site.disks
    known = {disk.host.name for disk in site.disks} | {disk.title for disk in site.disks}
    missing = [name for name in wanted if name not in known]
    if missing:
        from difflib import get_close_matches

        near = get_close_matches(missing[0], sorted(known), 1)
        hint = f"do you mean {near[0]}?" if near else "see taperoom disk list"
        raise UsageError("PLN001", f"not in the configuration: {', '.join(missing)}", hint)
    names = set(wanted)
    return tuple(disk for disk in site.disks if disk.title in names or disk.host.name in names)
