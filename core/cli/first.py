"""`taperoom init`: a first configuration, asked step by step on a terminal or given as options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show

if TYPE_CHECKING:
    from core.config.first import Answers


def init(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What to write.")] = "taperoom.toml",
    org: Annotated[str, typer.Option("--org", metavar="NAME", help="A name for the whole, in labels and reports.")] = "",
    disks: Annotated[list[str] | None, typer.Option(
        "--disk", metavar="HOST:DIR", help="What to back up; may come again. HOST 'localhost' is this machine.")] = None,
    state_dir: Annotated[str, typer.Option("--state-dir", metavar="DIR", help="Journals, indexes, tapelist.")] = "",
    holding: Annotated[str, typer.Option("--holding", metavar="DIR", help="Holding disk; 'none' for none.")] = "",
    volumes: Annotated[str, typer.Option("--volumes", metavar="DIR", help="Directory for the volumes.")] = "",
    capacity: Annotated[str, typer.Option("--capacity", metavar="SIZE", help="Of one volume.")] = "",
    slots: Annotated[int, typer.Option("--slots", min=2, max=9999, metavar="N", help="How many volumes.")] = 20,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take options and defaults.")] = False,
) -> int:
    """Write a first configuration, asked step by step.

    It has comments, and the directories that it names are made. On a terminal each value is asked for; Enter takes
    what is proposed. A file that is there is never overwritten.

    \b
    Examples:
      taperoom init
      taperoom init --yes --org daily --disk localhost:/etc --disk web1:/home
    """
    import os

    from core.config.first import first_config, places_for
    from core.config.load import load_text
    from core.errors import UsageError
    from core.report.text import count

    path = Path(file)
    if os.path.lexists(path):
        raise UsageError("CFG005", f"{path} is there already", "name another file, or move it away")
    ask = not yes
    if ask and not show.on_terminal():
        raise UsageError("CFG006", "there is no terminal to ask on", "give --yes and options; see 'taperoom init --help'")
    chosen_org = _org(org, ask)
    places = places_for(chosen_org, os.geteuid() == 0, Path.home())
    answers = _answers(chosen_org, places, disks or [], (state_dir, holding, volumes), capacity, slots, ask)
    text = first_config(answers)
    site = load_text(text, path)
    _make([Path(site.state_dir), *(disk.path for disk in site.holding),
           *(Path(storage.address) for storage in site.storages.values())])
    _write(path, text)
    show.say(f"wrote {path}: {count(len(site.disks), 'disk')}")
    config = [] if file == "taperoom.toml" else ["--config", file]
    show.say(f"now: {show.command_line('taperoom', *config, 'check')}")
    return 0


def _org(given: str, ask: bool) -> str:
    name: str = given
    if not name:
        name = typer.prompt("Name of this backup, for labels and reports", default="daily") if ask else "daily"
    return name


def _answers(
    org: str, places: tuple[str, str, str], disks: list[str], given: tuple[str, str, str], capacity: str, slots: int,
    ask: bool,
) -> Answers:
    from core.config import values
    from core.config.first import Answers
    from core.errors import UsageError

    def value(question: str, said: str, proposed: str, check: Callable[[str], object] = str) -> str:
        if said or not ask:
            return said or proposed
        while True:
            answer: str = typer.prompt(question, default=proposed)
            try:
                check(answer)
            except ValueError as fault:
                show.say(f"  that {fault}")
            else:
                return answer

    state = value("Directory for journals, indexes and the tapelist", given[0], places[0])
    holding = value("Holding disk, where dumps wait for a volume ('none' for none)", given[1], places[1])
    volumes = value("Directory for the volumes (best on another disk)", given[2], places[2])
    size = value("Size of one volume", capacity, "100 GiB", values.size(1024))
    cycle = value("Every disk gets a full dump at least every", "", "7 days", values.days)
    found = [_split(disk) for disk in disks]
    while ask and not disks:
        said: str = typer.prompt("What to back up, as HOST:DIRECTORY (Enter: no more)", default="", show_default=False)
        if not said:
            break
        try:
            found.append(_split(said))
        except UsageError as fault:
            show.say(f"  {fault.message}, {fault.hint}")
    if not found and not ask:
        found = [("localhost", "/etc")]
    hosts = {host for host, _ in found}
    return Answers(
        org=org, state_dir=state, holding="" if holding == "none" else holding, holding_use=_use(Path(holding)),
        volumes=volumes, slots=slots,
        capacity=size, part_size=_tenth(size), dumpcycle=cycle, disks=tuple(dict.fromkeys(found)),
        local=frozenset(hosts & _own_names()))


def _split(disk: str) -> tuple[str, str]:
    from core.cli.disk import split

    return split(disk)


def _own_names() -> set[str]:
    import socket

    return {"localhost", socket.gethostname(), socket.gethostname().partition(".")[0]}


def _use(holding: Path) -> str:
    """All of its file system but 10 GiB, or a tenth where that is less: a small one would have nothing left."""
    import os
    import shutil

    place = next(path for path in (holding.absolute(), *holding.absolute().parents) if os.path.exists(path))
    keep = min(10 * 1024, max(1, shutil.disk_usage(place).total // 10 >> 20))
    return f"-{keep // 1024} GiB" if keep % 1024 == 0 else f"-{keep} MiB"


def _tenth(size: str) -> str:
    """A tenth of a volume, in whole MiB: few enough parts, and little is lost at a volume's end."""
    from core.model.units import parse_size

    try:
        return f"{max(1, parse_size(size) // 10 >> 20)} MiB"
    except ValueError:
        return size  # the fault is told with the others, when the file is checked


def _make(directories: list[Path]) -> None:
    from core.errors import WorldError

    for directory in directories:
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        except OSError as fault:
            raise WorldError("CFG008", f"{directory} cannot be made: {fault.strerror}",
                             "make it, or name another") from None


def _write(path: Path, text: str) -> None:
    import os

    from core.errors import UsageError, WorldError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise UsageError("CFG005", f"{path} is there already", "name another file") from None
    except OSError as fault:
        raise WorldError("CFG008", f"{path} cannot be written: {fault.strerror}") from None
