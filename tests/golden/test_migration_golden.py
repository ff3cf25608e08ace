"""A recorded site of a real Amanda 3.5.1 is taken over, and its dumps come back from its own volumes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.amanda.curinfo import history_of, parse_info
from core.catalogue.history import load_history
from core.config.load import load_site
from core.model.site import Site
from core.restore.browse import dates, ls
from core.restore.indexfile import index_file
from core.restore.recover import restore
from tests.support.amanda_golden import lay_out
from tests.support.cli import Said, call

KEYS = [("localhost", "/srv/amdata/alpha"), ("clienta", "/srv/amdata/beta"), ("clientb", "/srv/amdata/epsilon")]


def importing(base: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    return call(capsys, "import-amanda", str(base / "fixt"), str(base / "new" / "taperoom.toml"), "--state-dir",
                str(base / "new" / "state"), *words)


@pytest.fixture
def taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    lay_out(tmp_path)
    said = importing(tmp_path, capsys)
    assert said.code == 0, said.err
    return load_site(tmp_path / "new/taperoom.toml")


def test_the_configuration(taken: Site, tmp_path: Path) -> None:
    assert taken.org == "fixt" and [disk.key for disk in taken.disks] == KEYS
    [storage] = taken.storages.values()
    assert (storage.name, storage.address) == ("fixt", str(tmp_path / "amtest/vtapes"))
    assert (storage.capacity, storage.part_size, storage.slots) == (64 * 1024, 64 * 1024, 6)
    assert (storage.autolabel, storage.retention.tapes) == ("FIXT-%%%", 5)
    [holding] = taken.holding
    assert (holding.path, holding.use, holding.chunksize) == (tmp_path / "amtest/holding", 64 * 1024, 1024 * 1024)
    assert [(disk.dumptype.program, disk.dumptype.compress.value, disk.dumptype.holding.value) for disk in taken.disks] == [
        ("gnutar", "none", "auto"), ("gnutar", "client fast", "auto"), ("gnutar", "server fast", "auto")]
    assert (taken.run.dumpcycle, taken.run.inparallel, taken.run.netusage) == (7, 4, 800000)
    assert taken.hosts["localhost"].amandad[-2:] == ("/usr/lib/amanda/amandad", "-auth=local")


def test_the_history_is_curinfo_s(taken: Site, tmp_path: Path) -> None:
    ours = load_history(taken)
    for key in KEYS:
        name = key[1].replace("/", "_")
        theirs = history_of(parse_info((tmp_path / "amtest/curinfo" / key[0] / name / "info").read_text()))
        assert ours[key].last_level == theirs.last_level and ours[key].consecutive == theirs.consecutive
        assert {level: (stat.date, stat.labels) for level, stat in ours[key].levels.items()} == {
            level: (stat.date, stat.labels) for level, stat in theirs.levels.items()}
        assert [(stat.level, stat.size, stat.date) for stat in ours[key].recent] == [
            (stat.level, stat.size, stat.date) for stat in theirs.recent]


def test_every_dump_of_every_volume_comes_back(taken: Site, tmp_path: Path) -> None:
    count = 0
    for host, disk in KEYS:
        for dump in dates(taken, f"{host}:{disk}"):
            out = tmp_path / "out" / f"{host}-{dump.datestamp}"
            result = restore(taken, [f"{host}:{disk}"], dump.datestamp, out)
            assert result.good and result.files > 0, result
            count += 1
    assert count == 9
    latest = tmp_path / "out" / "clientb-20261123005222"
    assert (latest / "services").read_text().startswith("# Network services, Internet style")


def test_its_indexes_can_be_browsed(taken: Site) -> None:
    [newest] = [dump for dump in dates(taken, "clientb:/srv/amdata/epsilon") if dump.level == 0]
    path = index_file(taken, newest)
    assert path is not None and path.name == "20261123005205_0-unsorted.gz"
    assert [entry.path for entry in ls(taken, "clientb:/srv/amdata/epsilon").entries] == ["/protocols", "/services"]


def test_a_dry_run_shows_it_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay_out(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = importing(tmp_path, capsys, "--dry-run")
    assert said.code == 0 and '[storage.fixt]' in said.out and "would be written" in said.out
    assert sorted(tmp_path.rglob("*")) == before
    plain = json.loads(importing(tmp_path, capsys, "--dry-run", "--json").out)
    assert (plain["runs"], plain["dumps"], plain["held"]) == (4, 9, None)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_lost_has_a_line_and_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf = lay_out(tmp_path)
    with (conf / "amanda.conf").open("a") as file:
        file.write('mailto "ana"\ndefine script mail {\n plugin "script-email"\n}\ndefine dumptype lost {\n program "DUMP"\n}\n'
                   'define dumptype closed {\n base\n encrypt server\n}\ndefine dumptype told {\n base\n script "mail"\n}\n')
    with (conf / "disklist").open("a") as file:
        file.write("localhost /a lost\nlocalhost /b closed\nlocalhost /c told\n")
    (conf / "command_file").write_text(
        "VERSION 1\nID 1\n1 COPY fixt s p FIXT-001 1 x 0 localhost /a 20261123005205 0 vault WORKING:0 TODO\n")
    said = importing(tmp_path, capsys)
    assert said.code == 0
    lines = [line for line in said.out.splitlines() if line.startswith("AMA008 ")]
    for words in ("mailto (amanda.conf:110): Taperoom sends no mail", "dumptype told script (amanda.conf:",
                  "disk localhost:/a (disklist:4): it is dumped by the program DUMP",
                  "disk localhost:/b (disklist:5): it is encrypted", "command 1, a copy of localhost:/a"):
        assert sum(words in line for line in lines) == 1, words
    assert [disk.disk for disk in load_site(tmp_path / "new/taperoom.toml").disks][3:] == ["/c"]


@pytest.mark.parametrize(("org", "told"), [
    (b"Big Site", "org 'Big Site' (amanda.conf:111): it is called fixt, as the configuration is"),
    (b"d\xe4ily", "org 'd\\udce4ily' (amanda.conf:111): it is called fixt, as the configuration is"), (b"fixt", "")])
def test_an_org_of_another_name_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], org: bytes, told: str) -> None:
    conf = lay_out(tmp_path)
    with (conf / "amanda.conf").open("ab") as file:
        file.write(b'\norg "' + org + b'"\n')
    said = importing(tmp_path, capsys, "--dry-run")
    assert said.code == 0
    lines = [line for line in said.out.splitlines() if line.startswith("AMA008 not carried over: org ")]
    assert lines == ([f"AMA008 not carried over: {told}"] if told else [])


@pytest.mark.parametrize(("file", "more", "told"), [
    ("amanda.conf", b'\nlabelstr "^A.*"\nautolabel "A\xe4B-%%%" any\n',
     "amanda.conf:112: storage.fixt.autolabel: is 'A\\udce4B-%%%'; "),
    ("amanda.conf", b'\nholdingdisk inner {\n directory "@/vtapes/slot1"\n}\n', "amanda.conf:12: storage.fixt.changer: is "),
    ("disklist", b'"we b" /c base\n', "disklist:4: host.'\"we b\"': is ")])
def test_what_taperoom_cannot_do_is_told_by_amanda_s_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, more: bytes, told: str,
) -> None:
    conf = lay_out(tmp_path)
    with (conf / file).open("ab") as opened:
        opened.write(more.replace(b"@", bytes(tmp_path / "amtest")))
    said = importing(tmp_path, capsys)
    assert said.code == 2 and not (tmp_path / "new").exists()
    first, *faults, hint = said.err.splitlines()
    assert first == "AMA003 Taperoom cannot work so:" and hint.startswith("  Hint: ")
    assert len(faults) == 1 and faults[0].startswith(told), faults


CHANGERS = {
    "single": ("chg-single:tape:/dev/nst0", "it is one device without slots, and volumes are directories (chg-disk)"),
    "multi": ("chg-multi:{tape:/dev/nst0,tape:/dev/nst1}", "it is a list of devices"),
    "robot": ("chg-robot:/dev/sg2", "it is a library of tapes"),
    "joined": ("chg-aggregate:{robot,disks}", "it joins several changers"),
    "rait": ("chg-rait:{disks,disks}", "it spreads a volume over several devices"),
    "flat": ("chg-diskflat:/srv/flat", "its volumes are single files"), "ndmp": ("chg-ndmp:h@9", "there is no NDMP"),
    "nothing": ("chg-null:", "what is written to it is thrown away"), "old": ("chg-zd-mtx", "such a changer is not known here"),
    "cloud": ("s3:bucket/daily-", "it is a store in the cloud"), "drive": ("tape:/dev/nst0", "it is a tape drive"),
    "relative": ("chg-disk:vtapes", "it names no whole path"),
}


def test_every_changer_that_is_none_of_ours_has_a_line_and_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Used or not; what is used by another changer alone is part of that one."""
    conf = lay_out(tmp_path)
    (tmp_path / "disks").mkdir()
    defined = f'define changer disks {{\n tpchanger "chg-disk:{tmp_path}/disks"\n}}\n'
    for name, (uri, _) in CHANGERS.items():
        defined += f'define changer {name} {{\n tpchanger "{uri}"\n property "x" "y"\n}}\n'
        defined += f'define storage of-{name} {{\n tpchanger "{name}"\n}}\n'
    defined += ('define device bucket {\n tapedev "s3:b/"\n}\ndefine storage good {\n tpchanger "disks"\n}\n'
                'define changer spare {\n tpchanger "chg-robot:/dev/sg9"\n}\ndefine storage idle {\n tpchanger "spare"\n}\n'
                'define storage by-device {\n tapedev "bucket"\n}\n'
                'storage "good" "by-device" ' + " ".join(f'"of-{name}"' for name in CHANGERS) + "\n")
    with (conf / "amanda.conf").open("a") as file:
        file.write(defined)
    plain = json.loads(importing(tmp_path, capsys, "--dry-run", "--json").out)
    lost = [(loss["what"], loss["why"]) for loss in plain["not_carried_over"]]
    for name, (uri, why) in CHANGERS.items():
        found = [said for what, said in lost if what == f"storage of-{name} changer {uri}"]
        assert len(found) == 1 and found[0].startswith(why) and "cannot be read from here" in found[0], (name, found)
    assert sum(what == "storage by-device changer s3:b/" for what, _ in lost) == 1
    assert ("storage idle", "it is defined, but not in use") in lost
    assert [why for what, why in lost if what == "changer spare"] == [
        "it is defined, but not in use, and it is a library of tapes, and volumes are directories (chg-disk) in this version"]
    assert not [what for what, _ in lost if what.startswith(("changer ", "device ")) and what != "changer spare"]
    assert plain["text"].count("[storage.") == 2 and "[storage.good]" in plain["text"], "the good one, and its retention"


def test_a_site_that_has_only_a_robot_has_no_storage_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf = lay_out(tmp_path)
    with (conf / "amanda.conf").open("a") as file:
        file.write('tpchanger "chg-robot:/dev/sg2"\n')
    said = importing(tmp_path, capsys)
    assert said.code == 0, said
    [line] = [line for line in said.out.splitlines() if "chg-robot:/dev/sg2" in line]
    assert line.startswith("AMA008 not carried over: storage fixt changer chg-robot:/dev/sg2 (amanda.conf:")
    assert load_site(tmp_path / "new/taperoom.toml").storages == {}


def break_conf(conf: Path) -> str:
    (conf / "amanda.conf").write_text((conf / "amanda.conf").read_text().replace("inparallel 4", "inparallel four"))
    return "amanda.conf:16: inparallel: "


def break_disklist(conf: Path) -> str:
    (conf / "disklist").write_text("localhost /srv/amdata/alpha none\n")
    return "disklist:1: none is no dumptype"


def break_tapelist(conf: Path) -> str:
    (conf / "tapelist").write_text("20261123005205 FIXT-001\n")
    return "tapelist:1: "


def break_commands(conf: Path) -> str:
    (conf / "command_file").write_text("VERSION 1\n1 FLUSH\n")
    return "command_file:2: "


def break_curinfo(conf: Path) -> str:
    info = conf.parent / "amtest/curinfo/clienta/_srv_amdata_beta/info"
    info.write_text(info.read_text().replace("last_level", "lost_level"))
    return "info:9: wanted is last_level:"


def cut_a_log(conf: Path) -> str:
    log = conf.parent / "amtest/log/log.20261123005214.0"
    log.write_text(log.read_text()[:-30])
    return "log.20261123005214.0:"


SOFT = [break_curinfo, cut_a_log]


@pytest.mark.parametrize("spoil", [break_conf, break_disklist, break_tapelist, break_commands, *SOFT])
def test_what_is_broken_is_told_with_its_line_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], str],
) -> None:
    fault = spoil(lay_out(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    said = importing(tmp_path, capsys)
    assert (said.code, said.out) == (2, "") and fault in said.err, said.err
    assert sorted(tmp_path.rglob("*")) == before
    again = importing(tmp_path, capsys, "--skip-damaged")
    assert again.code == (0 if spoil in SOFT else 2)
    assert (tmp_path / "new").exists() == (spoil in SOFT)


@pytest.mark.parametrize("there", ["taperoom.toml", "state/x"])
def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str) -> None:
    lay_out(tmp_path)
    (tmp_path / "new" / there).parent.mkdir(parents=True)
    (tmp_path / "new" / there).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    said = importing(tmp_path, capsys)
    assert said.code == 2 and said.err.startswith("AMA004 ")
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "new" / there).read_text() == "mine"


def test_a_volume_that_the_tapelist_has_no_more_is_not_believed_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf = lay_out(tmp_path)
    lines = (conf / "tapelist").read_text().splitlines(keepends=True)
    (conf / "tapelist").write_text("".join(line for line in lines if "FIXT-001" not in line))
    shutil.rmtree(tmp_path / "amtest/index")
    assert importing(tmp_path, capsys).code == 0
    site = load_site(tmp_path / "new/taperoom.toml")
    assert [dump.datestamp for dump in dates(site, "localhost:/srv/amdata/alpha")] == ["20261123005214", "20261123005222"]
    assert dates(site, "clientb:/srv/amdata/epsilon") == []


def test_a_volume_whose_log_is_gone_tells_of_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay_out(tmp_path)
    (tmp_path / "amtest/log/log.20261123005205.0").unlink()
    assert importing(tmp_path, capsys).code == 0
    site = load_site(tmp_path / "new/taperoom.toml")
    found = dates(site, "clienta:/srv/amdata/beta")
    assert [dump.datestamp for dump in found] == ["20261123005205", "20261123005214", "20261123005222"]
    assert restore(site, ["clienta:/srv/amdata/beta"], "now", tmp_path / "out").good


def test_a_volume_whose_log_is_gone_and_that_is_nowhere_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay_out(tmp_path)
    (tmp_path / "amtest/log/log.20261123005205.0").unlink()
    shutil.rmtree(tmp_path / "amtest/vtapes/slot1")
    said = importing(tmp_path, capsys)
    assert said.code == 0 and "volume FIXT-001 of 20261123005205: its log is gone" in said.out
    assert "clienta:/srv/amdata/beta level 0 of 20261123005205 on volume FIXT-001" in said.out
    site = load_site(tmp_path / "new/taperoom.toml")
    assert dates(site, "clienta:/srv/amdata/beta") == [] and load_history(site)["clienta", "/srv/amdata/beta"].levels == {}
