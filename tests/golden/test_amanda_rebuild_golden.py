"""A catalogue made from volumes and holding files of a real Amanda 3.5.1, which knows nothing of us."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.catalogue.queries import dumps
from core.catalogue.rebuild import open_catalogue, rebuild
from core.description.recover import Recovered, recover
from core.devices.scan_policy import Standing
from core.devices.shelf import inventory
from core.holding.header import HEADER_SIZE, build, parse
from core.holding.scan import scan
from core.model.site import HoldingDisk, Retention, Site, Storage
from core.prove.verify import Wish, choose, verify
from core.restore.recover import restore
from tests.support.journals import site_of

GOLDEN = Path(__file__).parent / "amanda-3.5.1"
ALPHA, BETA, EPSILON = (("localhost", "/srv/amdata/alpha"), ("clienta", "/srv/amdata/beta"), ("clientb", "/srv/amdata/epsilon"))


def site_with(tmp_path: Path, volumes: str, *disks: tuple[str, str]) -> Site:
    """Amanda's slots, which we may write on, too: they have blank ones, and our labels look like Amanda's."""
    shutil.copytree(GOLDEN / volumes, tmp_path / "vtapes")
    (tmp_path / "holding").mkdir()
    storage = Storage("main", f"disk:{tmp_path / 'vtapes'}", slots=6, autolabel="FIXT-%%%", retention=Retention(0, 0, 0))
    return replace(site_of(tmp_path, *disks), storages={"main": storage}, holding=(HoldingDisk(tmp_path / "holding"),))


def spool(site: Site, name: str) -> Path:
    """Amanda's holding files where they are now."""
    [source] = sorted((GOLDEN / name).iterdir())[-1:]
    target = site.holding[0].path / source.name
    shutil.copytree(source, target)
    for path in target.iterdir():
        block = path.read_bytes()
        header = parse(block[:HEADER_SIZE])
        if header.cont_filename:
            path.write_bytes(build(replace(header, cont_filename=str(target / Path(header.cont_filename).name)))
                             + block[HEADER_SIZE:])
    return target


def rebuilt(site: Site) -> Recovered:
    done = recover(site, lambda text: None)
    rebuild(site).close()
    return done


def test_fulls_incrementals_and_a_flush(tmp_path: Path) -> None:
    site = site_with(tmp_path, "vtapes-fixt", ALPHA, BETA, EPSILON)
    done = rebuilt(site)
    assert [warning.split()[0] for warning in done.warnings] == ["RST063", "RST063", "RST063", "RST067"]
    with open_catalogue(site).catalogue as catalogue:
        found = {(dump.host, dump.datestamp): (dump.level, dump.labels) for dump in dumps(catalogue)}
    assert found["clienta", "20261123005205"] == (0, ("FIXT-001",)) and len(found) == 9
    assert found["clienta", "20261123005222"] == (1, ("FIXT-003",)), "it was flushed by a later run"
    checked = verify(site, choose(site, Wish(), 4e9), "ana", lambda at: None, lambda result: None)
    assert checked.good and len(checked.results) == 9
    result = restore(site, ["clientb:/srv/amdata/epsilon"], "now", tmp_path / "out")
    assert result.good and [dump.level for dump in result.used] == [0, 1]


def test_amandas_volumes_are_not_ours_to_write_on_though_their_labels_look_so(tmp_path: Path) -> None:
    site = site_with(tmp_path, "vtapes-fixt", ALPHA)

    def standing() -> dict[str, Standing]:
        return {row.label: row.standing for row in inventory(site, site.storages["main"]) if row.slot in "123"}

    assert set(standing().values()) == {Standing.FOREIGN}
    rebuilt(site)
    assert set(standing().values()) == {Standing.ACTIVE}, "retention keeps none, and yet they stay"
    assert all(" no-reuse " in line for line in site.tapelist.read_text().splitlines())


def test_a_dump_in_parts_over_two_volumes_and_one_that_was_cut_off(tmp_path: Path) -> None:
    site = site_with(tmp_path, "vtapes-split-span", ("localhost", "/srv/amdata/beta"))
    rebuilt(site)
    with open_catalogue(site).catalogue as catalogue:
        whole = [dump for dump in dumps(catalogue) if dump.copies]
        failed = catalogue.rows("SELECT datestamp, message FROM writes WHERE outcome='failed'")
    assert whole[0].labels == ("FIXSPLIT-001", "FIXSPLIT-002")
    assert len(whole) + len(failed) >= 1
    assert restore(site, ["localhost:/srv/amdata/beta"], whole[0].datestamp, tmp_path / "out").good
    # Without its second volume the dump is not whole, and nothing pretends that it is.
    shutil.rmtree(tmp_path / "state")
    shutil.rmtree(tmp_path / "vtapes/slot2")
    rebuilt(site)
    with open_catalogue(site).catalogue as catalogue:
        [message] = [row[0] for row in catalogue.rows("SELECT message FROM writes WHERE datestamp=?", whole[0].datestamp)]
        assert message == "it has 163840 of 184320 bytes" and not [d for d in dumps(catalogue) if d.key == whole[0].key]


@pytest.mark.parametrize("name", ["holding-multichunk", "holding-leftover"])
def test_holding_files(tmp_path: Path, name: str) -> None:
    site = site_with(tmp_path, "vtapes-fixt", ("localhost", "/srv/amdata/beta"), ALPHA, BETA, EPSILON)
    spool(site, name)
    held = scan(site.holding)
    assert held and all(dump.complete for dump in held)
    assert not [warning for warning in rebuilt(site).warnings if warning.startswith("RST066")]
    with open_catalogue(site).catalogue as catalogue:
        files = {dump.file for dump in dumps(catalogue) if dump.file}
    assert files == {str(dump.path) for dump in held}
    header = held[0].header
    result = restore(site, [f"{header.host}:{header.disk}"], header.datestamp, tmp_path / "out")
    assert result.good and result.used[-1].file == str(held[0].path)


def test_what_is_not_whole_is_told_and_left(tmp_path: Path) -> None:
    site = site_with(tmp_path, "vtapes-fixt", ALPHA)
    chunks = spool(site, "holding-multichunk")
    (chunks / "localhost._srv_amdata_beta.0.3").unlink()
    leftover = spool(site, "holding-leftover")
    one, two, three = sorted(path for path in leftover.iterdir() if path.name != "pid")
    block = one.read_bytes()
    one.write_bytes(build(replace(parse(block[:HEADER_SIZE]), partial=True)) + block[HEADER_SIZE:])
    two.rename(f"{two}.tmp")
    done = rebuilt(site)
    told = [warning for warning in done.warnings if warning.startswith("RST066")]
    assert len(told) == 3 and sum("is missing" in warning for warning in told) == 1
    assert sum("marked as partial" in warning for warning in told) == 1
    assert sum("not finished" in warning for warning in told) == 1
    with open_catalogue(site).catalogue as catalogue:
        assert {dump.file for dump in dumps(catalogue) if dump.file} == {str(three)}


def test_a_partial_dump_on_a_volume_is_none(tmp_path: Path) -> None:
    site = site_with(tmp_path, "vtapes-fixt", ALPHA)
    [part] = (tmp_path / "vtapes/slot1").glob("00002.*")
    block = part.read_bytes()
    part.write_bytes(build(replace(parse(block[:HEADER_SIZE]), partial=True)) + block[HEADER_SIZE:])
    told = [warning for warning in rebuilt(site).warnings if warning.startswith("RST066")]
    assert len(told) == 1 and "volume FIXT-001 file 2: localhost:/srv/amdata/alpha level 0 of 20261123005205" in told[0]
    with open_catalogue(site).catalogue as catalogue:
        assert not [dump for dump in dumps(catalogue) if dump.host == "localhost" and dump.datestamp == "20261123005205"]
