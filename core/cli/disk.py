"""`taperoom disk`: the disklist, and what is asked of a disk's coming nights."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import show, where

_DISK = typer.Argument(metavar="HOST:DISK", help="Which disk.", autocompletion=where.complete_disk)
_NEW = typer.Argument(metavar="HOST:DISK", help="What is to be backed up.")


def split(name: str) -> tuple[str, str]:
    """Host and disk of ``HOST:DISK``.  UsageError CFG006."""
    from core.errors import UsageError

    host, colon, disk = name.partition(":")
    if not colon or not host or not disk:
        raise UsageError("CFG006", f"{name!r} is not HOST:DISK", "such as web1:/home")
    return host, disk


def list_(
    names: Annotated[list[str] | None, typer.Argument(
        metavar="HOST[:DISK]", help="Only these.", autocompletion=where.complete_disk)] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """The disklist, with the last good backup of each disk and what was ordered for it.

    \b
    Examples:
      taperoom disk list
      taperoom disk list web1 --json
    """
    import time

    from core.catalogue.history import load_history
    from core.catalogue.orders import load_orders
    from core.model.units import show_duration
    from core.report.text import count, name_of, table

    site = where.site()
    disks, histories, orders = where.matching(site, names or []), load_history(site), load_orders(site)
    rows, plain = [], []
    for disk in disks:
        history = histories.get(disk.key)
        last = max(history.recent, key=lambda stat: stat.date) if history and history.recent else None
        order = orders.get(disk.title, "")
        plain.append({
            "host": disk.host.name, "disk": disk.disk, "device": disk.device or disk.disk,
            "dumptype": disk.dumptype.name, "auth": disk.dumptype.auth, "compress": disk.dumptype.compress.value,
            "storage": list(site.storages_of(disk)), "order": order,
            "last_level": last.level if last else None, "last_at": last.date if last else None})
        age = f"{show_duration(max(0.0, time.time() - last.date))} ago" if last else "never"
        rows.append([name_of(*disk.key), disk.dumptype.name, " ".join(site.storages_of(disk)),
                     str(last.level) if last else "", age, order])
    if json:
        show.say_json(plain)
        return 0
    if rows:
        show.say_lines(table(["disk", "dumptype", "storage", "L", "dumped", "order"], rows, "   rr ", columns=show.columns()))
    show.say(f"{count(len(disks), 'disk')} on {count(len({disk.host.name for disk in disks}), 'client')}")
    return 0


def add(
    name: Annotated[str, _NEW],
    dumptype: Annotated[str, typer.Option("--dumptype", metavar="NAME", help="A dumptype of the configuration.")] = "",
    device: Annotated[str, typer.Option("--device", metavar="DIR", help="What is read, when DISK is only a name.")] = "",
    exclude: Annotated[list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="May come again.")] = None,
    include: Annotated[list[str] | None, typer.Option("--include", metavar="PATTERN", help="May come again.")] = None,
    auth: Annotated[str, typer.Option("--auth", metavar="AUTH", help="ssh, tls, bsdtcp or local.")] = "",
) -> int:
    """Add a disk to the configuration; comments and everything else stay as they are.

    \b
    Examples:
      taperoom disk add web1:/home
      taperoom disk add 'db2:/var/lib/my data' --exclude './tmp'
    """
    from core.config.edit import add_disk

    host, disk = split(name)
    keys: dict[str, str | int | list[str]] = {
        key: value for key, value in (("dumptype", dumptype), ("device", device), ("auth", auth), ("include", include),
                                      ("exclude", exclude)) if value}
    file = where.config_file()
    add_disk(file, host, disk, keys)
    show.say(f"{name} is in {file} now; 'taperoom check {host}' tries it")
    return 0


def remove(name: Annotated[str, _DISK]) -> int:
    """Take a disk out of the configuration. Its backups stay until their volumes are overwritten.

    \b
    Example:
      taperoom disk remove web1:/home
    """
    from core.config.edit import remove_disk

    host, disk = split(name)
    file = where.config_file()
    remove_disk(file, host, disk)
    show.say(f"{name} is no longer in {file}; its backups stay until their volumes are overwritten")
    return 0


def force(
    name: Annotated[str, _DISK],
    level_1: Annotated[bool, typer.Option("--level-1", help="An incremental against the last full instead.")] = False,
    bump: Annotated[bool, typer.Option("--bump", help="The next higher level instead.")] = False,
    no_bump: Annotated[bool, typer.Option("--no-bump", help="The same level again instead.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take an order back.")] = False,
) -> int:
    """Ask the next run for a full dump of a disk, or for another level.

    \b
    Examples:
      taperoom disk force db2:/var
      taperoom disk force db2:/var --undo
    """
    from core.errors import UsageError

    chosen = [order for order, wanted in (("level-1", level_1), ("bump", bump), ("no-bump", no_bump), ("", undo)) if wanted]
    if len(chosen) > 1:
        raise UsageError("CFG006", "--level-1, --bump, --no-bump and --undo exclude each other")
    from core.client import act

    show.say(act.force(where.site(), name, chosen[0] if chosen else "full").text)
    return 0


def hold(
    name: Annotated[str, _DISK],
    undo: Annotated[bool, typer.Option("--undo", help="Dump it again from now on.")] = False,
) -> int:
    """Leave a disk out of all coming runs until --undo.

    \b
    Examples:
      taperoom disk hold web1:/scratch
      taperoom disk hold web1:/scratch --undo
    """
    from core.client import act

    show.say(act.leave_out(where.site(), name, undo=undo).text)
    return 0
