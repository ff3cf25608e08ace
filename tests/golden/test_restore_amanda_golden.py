"""Dumps that a real Amanda 3.5.1 wrote to its vtapes, read back and restored by us."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from core.events import event as e
from core.holding.header import parse
from core.model.site import Site, Storage
from core.restore.browse import ls
from core.restore.byhand import recipe
from core.restore.recover import restore
from tests.support.journals import Night, site_of

GOLDEN = Path(__file__).parent / "amanda-3.5.1"


def site_with(tmp_path: Path, volumes: Path, *disks: tuple[str, str]) -> Site:
    shutil.copytree(volumes, tmp_path / "vtapes")
    shutil.copytree(GOLDEN / "index", tmp_path / "state/index")
    site = site_of(tmp_path, *disks)
    return replace(site, storages={"main": Storage("main", f"disk:{tmp_path / 'vtapes'}")})


def tell(site: Site, run: str, *files: Path) -> None:
    """The journal that a run of ours would have had that wrote these files."""
    night, label = Night(run), ""
    heads = [parse(file.read_bytes()) for file in files]
    for file in files:
        [found] = file.parent.glob("00000.*")
        if found.name.partition(".")[2] != label:
            label = found.name.partition(".")[2]
            night.volume(label)
    if heads[0].datestamp == run:
        night.dump(heads[0].host, heads[0].disk, heads[0].level, file="/gone", crc=str(heads[0].server))
    else:
        night.say(e.FlushPlanned(heads[0].host, heads[0].disk, heads[0].datestamp, heads[0].level, "/gone", 180))
    parts = [(next(file.parent.glob("00000.*")).name.partition(".")[2], int(file.name[:5]), 1, "00000000:0") for file in files]
    night.write(heads[0].host, heads[0].disk, heads[0].level, parts, file="/gone", datestamp=heads[0].datestamp)
    night.end()
    night.store(site)


def test_a_full_and_an_incremental_of_a_stock_client(tmp_path: Path) -> None:
    site = site_with(tmp_path, GOLDEN / "vtapes-fixt", ("clientb", "/srv/amdata/epsilon"))
    tell(site, "20261123005205", *sorted((tmp_path / "vtapes/slot1").glob("00003.*")))
    tell(site, "20261123005214", *sorted((tmp_path / "vtapes/slot2").glob("00001.*")))
    shown = ls(site, "clientb:/srv/amdata/epsilon")
    assert [(entry.path, entry.level) for entry in shown.entries] == [("/protocols", 0), ("/services", 0)]
    result = restore(site, ["clientb:/srv/amdata/epsilon"], "now", tmp_path / "out")
    assert result.good and [dump.level for dump in result.used] == [0, 1]
    # Its index does not tell which files were deleted; what is shown says so, what is restored comes from the dump itself.
    assert shown.warnings[-1].startswith("RST016 ") and not [text for text in result.warnings if "RST016" in text]
    assert (tmp_path / "out/services").read_text().startswith("# Network services, Internet style")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["services"], "protocols was deleted in between"


def test_a_dump_in_parts_over_two_volumes(tmp_path: Path) -> None:
    site = site_with(tmp_path, GOLDEN / "vtapes-split-span", ("localhost", "/srv/amdata/beta"))
    slots = tmp_path / "vtapes"
    files = [*sorted((slots / "slot1").glob("0000[123].*")), *sorted((slots / "slot2").glob("00001.*"))]
    tell(site, "20261123012231", *files)
    # The dump was made by an earlier run, which this journal does not have; its CRC is in the headers.
    result = restore(site, ["localhost:/srv/amdata/beta"], "now", tmp_path / "out")
    assert result.good and result.files > 0 and result.size == 184320
    [command] = recipe(site, "localhost", "/srv/amdata/beta", "")
    assert command.count("dd if=") == 4 and command.endswith(" --acls --listed-incremental=/dev/null -f - .")
