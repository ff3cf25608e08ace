"""`taperoom tape`: volumes and slots, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.catalogue.checked import VolumeChecks
    from core.devices.shelf import ShelfRow
    from core.model.site import Site, Storage

_STORAGE = typer.Option("--storage", metavar="NAME", help="Which storage; not needed when there is one.")


def _storages(site: Site, name: str) -> list[Storage]:
    from core.config.faults import nearest
    from core.errors import UsageError

    if not name:
        return list(site.storages.values())
    if name not in site.storages:
        raise UsageError("TAP001", f"there is no storage {name!r}{nearest(name, site.storages)}")
    return [site.storages[name]]


def _one(site: Site, name: str) -> Storage:
    from core.errors import UsageError

    found = _storages(site, name)
    if len(found) != 1:
        raise UsageError("CFG006", f"which storage? {', '.join(site.storages) or 'there is none'}", "name it with --storage")
    return found[0]


def list_(
    storage: Annotated[str, _STORAGE] = "",
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Every slot and every volume: what it holds, whether it may be overwritten, and which one is next.

    \b
    Examples:
      taperoom tape list
      taperoom tape list --storage offsite --json
    """
    from dataclasses import asdict

    from core.client.shelf import checks_of_volumes, inventory_of
    from core.model.units import show_kib
    from core.report.text import table

    site = where.site()
    shelves = [(chosen, inventory_of(site, chosen)) for chosen in _storages(site, storage)]
    checks = checks_of_volumes(site)
    if json:
        show.say_json([{"storage": chosen.name} | asdict(row) | _checked(checks.get((chosen.name, row.label)))
                       for chosen, rows in shelves for row in rows])
        return 0
    if not shelves:
        show.say("there is no storage in the configuration")
    for number, (chosen, rows) in enumerate(shelves):
        if number:
            show.say()
        full = f", volumes of {show_kib(chosen.capacity)}" if chosen.capacity else ""
        show.say(f"storage {chosen.name}: {chosen.changer}{full}")
        lines = [_cells(group) for group in _together(rows)]
        heads = ["slot", "", "label", "written", "used", "files", "state", "reason"]
        if checks:
            # A column that only says "never" tells nothing; without checks it is left away.
            heads.insert(6, "read again")
            for cells in lines:
                cells.insert(6, _read_again(checks.get((chosen.name, cells[2]))))
        last = len(heads) - 1
        show.say_lines(table(heads, lines, "    rr", columns=show.columns(), flexible=last, indent="  ", keep_end=False))
        if not any(row.next for row in rows):
            show.say("  NO VOLUME may be written; 'taperoom explain TAP012' says what to do")
    return 0


def _read_again(checks: VolumeChecks | None) -> str:
    """When what is on a volume was verified, the longest ago; the whole truth is in `taperoom verify --list`."""
    from core.report.text import moment

    if checks is None:
        return ""
    if checks.damaged:
        return "DAMAGED"
    return "never" if checks.never else moment(checks.oldest)[:10]


def _checked(checks: VolumeChecks | None) -> dict[str, float]:
    return {"verified": checks.oldest if checks else 0.0, "damaged": checks.damaged if checks else 0}


def _together(rows: list[ShelfRow]) -> list[list[ShelfRow]]:
    """Rows in groups: blank slots that stand beside each other are one, all others stand alone."""
    from core.devices.scan_policy import Standing

    groups: list[list[ShelfRow]] = []
    for row in rows:
        plain = row.standing is Standing.BLANK and not row.next
        before = groups[-1][-1] if groups else None
        if plain and before is not None and before.standing is Standing.BLANK and not before.next:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _cells(group: list[ShelfRow]) -> list[str]:
    from core.model.units import show_kib

    row = group[0]
    if len(group) > 1:
        return [f"{row.slot}-{group[-1].slot}", "", "", "", "", "", row.standing.value,
                f"{len(group)} slots {'without a label' if row.label else row.reason}"]
    size, files = (show_kib(row.used), str(row.files)) if row.files else ("", "")
    return [row.slot or "none", ">" if row.next else "", row.label, row.datestamp, size, files, row.standing.value, row.reason]


def label(
    name: Annotated[str, typer.Argument(metavar="LABEL", help="The label; autolabel makes one if it is missing.")] = "",
    storage: Annotated[str, _STORAGE] = "",
    slot: Annotated[str, typer.Option("--slot", metavar="N", help="Which slot; the first blank one if missing.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is in the slot, whatever it is.")] = False,
) -> int:
    """Label a volume for later use. A volume that is still needed, or foreign, is refused.

    \b
    Examples:
      taperoom tape label
      taperoom tape label DAILY-007 --slot 7
    """
    from core.client.act import label as give

    site = where.site()
    show.say(give(site, _one(site, storage).name, name, slot, insist=force).text)
    return 0


_LABEL = typer.Argument(metavar="LABEL", help="Which volume.")


def load(
    what: Annotated[str, typer.Argument(metavar="SLOT|LABEL", help="A slot, or the volume in one.")],
    storage: Annotated[str, _STORAGE] = "",
) -> int:
    """Make a slot the current one, for people and for Amanda's tools.

    A run finds the volumes that it needs by itself; nothing is written.

    \b
    Examples:
      taperoom tape load 7
      taperoom tape load DAILY-007
    """
    from core.client.act import load as make_current

    site = where.site()
    show.say(make_current(site, _one(site, storage).name, what).text)
    return 0


def unload(storage: Annotated[str, _STORAGE] = "") -> int:
    """Have no current slot any more.

    \b
    Example:
      taperoom tape unload
    """
    from core.client.act import unload as clear

    site = where.site()
    show.say(clear(site, _one(site, storage).name).text)
    return 0


def erase(
    name: Annotated[str, _LABEL],
    storage: Annotated[str, _STORAGE] = "",
    confirm: Annotated[str, typer.Option(
        "--confirm", metavar="LABEL", help="The label again: lose what retention still keeps.")] = "",
) -> int:
    """Erase what is on a volume. Its label stays, and it may be written next.

    A volume that retention still needs is refused, unless its label is given twice. A foreign volume is never erased.

    \b
    Examples:
      taperoom tape erase DAILY-007
      taperoom tape erase DAILY-007 --confirm DAILY-007
    """
    from core.client.act import erase as wipe

    site = where.site()
    show.say(wipe(site, _one(site, storage).name, name, confirm=confirm).text)
    return 0


def retire(
    name: Annotated[str, _LABEL],
    storage: Annotated[str, _STORAGE] = "",
    undo: Annotated[bool, typer.Option("--undo", help="It may be overwritten again.")] = False,
) -> int:
    """Never overwrite a volume again, until --undo.

    \b
    Examples:
      taperoom tape retire DAILY-007
      taperoom tape retire DAILY-007 --undo
    """
    from core.client.act import retire as keep

    site = where.site()
    show.say(keep(site, _one(site, storage).name, name, undo=undo).text)
    return 0


def show_(
    name: Annotated[str, _LABEL],
    storage: Annotated[str, _STORAGE] = "",
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """What a volume holds, read from the volume itself, not from the catalogue.

    \b
    Example:
      taperoom tape show DAILY-007
    """
    from core.devices.shelf import open_volume
    from core.errors import WorldError
    from core.model.units import show_kib
    from core.report.text import name_of, table

    site = where.site()
    fault: WorldError | None = None
    for chosen in _storages(site, storage):
        try:
            volume = open_volume(chosen, name)
        except WorldError as missing:
            fault = missing
            continue
        headers = [(number, volume.read_header(number)) for number in volume.filenos()]
        if json:
            show.say_json([
                {"file": number, "host": h.host, "disk": h.disk, "datestamp": h.datestamp, "level": h.level,
                 "part": h.part, "orig_kib": h.orig_kib, "compression": h.comp} for number, h in headers])
            return 0
        view = volume.view()
        show.say(f"volume {name} in slot {view.slot} of storage {chosen.name}, {show_kib(view.used // 1024)}")
        rows = [[str(number), name_of(h.host, h.disk), h.datestamp, str(h.level), str(h.part)] for number, h in headers]
        show.say_lines(table(["file", "disk", "dumped", "L", "part"], rows, "r  rr", flexible=1, indent="  "))
        return 0
    raise fault or WorldError("TAP018", f"volume {name} is in no slot", "'taperoom tape list' shows what is")
