"""Two nights of a real Amanda 3.5.1, then its site is taken over: restores, tonight's plan, a night of ours."""

from __future__ import annotations

import filecmp
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.runs import live_run
from core.config.load import load_site
from core.migration import planner
from core.restore.browse import dates, ls
from core.restore.recover import restore
from tests.support import amanda
from tests.support.amanda_to_import import AmandaSite, a_site
from tests.support.cli import Said, call, program
from tests.support.night import wait_for

pytestmark = pytest.mark.interop

TREES = {
    "home": {"letter.txt": b"dear reader\n" * 100, "deep/er/noise": os.urandom(2_500_000), "blank and ü": b"x",
             "old": b"o" * 9000},
    "etc": {"passwd": b"root:x:0:0\n" * 9000, "sub/conf": b"a = 1\n"},
    "two words": {"keep/a": b"a" * 70000, "skip/b": b"b"},
}
DISKLIST = """\
# what is backed up
localhost home {data}/home app
localhost {data}/etc tar 1
localhost "{data}/two words" {{
  app
  compress server fast
  exclude "./skip"
}} 1
"""
CHANGES = {"home": {"new": b"new\n" * 5000, "letter.txt": b"dear other reader\n" * 90}, "etc": {"sub/conf": b"a = 2\n" * 4000},
           "two words": {"keep/c": b"c" * 30000}}


def copy_of(tree: Path, target: Path) -> Path:
    shutil.copytree(tree, target, symlinks=True)
    return target


class Taken:
    """An Amanda with two nights behind it, its data as they were at each of them, and what we made of it."""

    def __init__(self, site: AmandaSite) -> None:
        self.site = site
        site.amdump()
        self.first = copy_of(site.root / "data", site.root / "first")
        for name, files in CHANGES.items():
            site.put(name, files)
        (site.root / "data/home/old").unlink()
        site.amdump()
        self.second = copy_of(site.root / "data", site.root / "second")
        self.before = site.snapshot()
        self.config = site.root / "ours/taperoom.toml"
        self.said = self.importing(self.config, "--state-dir", str(site.root / "ours/state"))

    def importing(self, file: Path, *words: str) -> Said:
        return program("import-amanda", self.site.name, str(file), *words)

    def taperoom(self, capsys: pytest.CaptureFixture[str], *words: str) -> Said:
        return call(capsys, "--config", str(self.config), *words)

    @property
    def disks(self) -> dict[str, str]:
        """The names of the disks by those of their trees."""
        return {"home": "localhost:home", "etc": f"localhost:{self.site.root}/data/etc",
                "two words": f"localhost:{self.site.root}/data/two words"}


def _taken() -> Iterator[Taken]:
    amanda.need("taking over a site of a real Amanda")
    with a_site(DISKLIST, TREES) as site:
        yield Taken(site)


taken = pytest.fixture(_taken, scope="module", name="taken")
spare = pytest.fixture(_taken, name="spare")
"""One for a test that adds to it: the others must find what Amanda left, in whichever order they come."""


def same(one: Path, other: Path) -> bool:
    """Whether two trees have the same names and bytes."""
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*"))
    files = [name for name in names if (one / name).is_file()]
    return names == sorted(str(path.relative_to(other)) for path in other.rglob("*")) and (
        sorted(filecmp.cmpfiles(one, other, files, shallow=False)[0]) == sorted(files))


def test_it_is_taken_over_and_amanda_is_not_touched(taken: Taken) -> None:
    assert taken.said.code == 0, taken.said
    site = load_site(taken.config)
    assert [disk.title for disk in site.disks] == list(taken.disks.values())
    assert [(disk.spindle, disk.dumptype.exclude, disk.dumptype.compress.value) for disk in site.disks] == [
        (-1, (), "none"), (1, (), "client fast"), (1, ("./skip",), "server fast")]
    now = taken.site.snapshot()
    assert {name: now[name] for name in taken.before} == taken.before
    added = {name for name in now if not name.startswith(("ours/", "first/", "second/"))} - {"ours", *taken.before}
    assert not added, added


def test_files_of_both_nights_come_back_byte_for_byte(taken: Taken, tmp_path: Path) -> None:
    site = load_site(taken.config)
    for name, title in taken.disks.items():
        found = dates(site, title)
        assert len(found) == 2, title
        for tree, dump in zip((taken.first, taken.second), found, strict=True):
            out = tmp_path / f"{name}-{dump.datestamp}"
            assert restore(site, [title], dump.datestamp, out).good
            wanted = copy_of(tree / name, tmp_path / f"wanted-{name}-{dump.datestamp}")
            shutil.rmtree(wanted / "skip", ignore_errors=True)
            # A stock client's index does not say what was deleted: such a file comes back with a restore of the whole.
            if name == "home" and dump.level > 0:
                (out / "old").unlink(missing_ok=True)
            assert same(out, wanted), (title, dump.datestamp)


def test_its_dumps_can_be_browsed_and_read_from_the_command_line(
    taken: Taken, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    shown = taken.taperoom(capsys, "ls", "localhost:home")
    assert shown.code == 0 and "blank and ü" in shown.out and "deep/" in shown.out and "new" in shown.out
    one = taken.taperoom(capsys, "restore", "localhost:home:letter.txt", "--to", str(tmp_path / "out"))
    assert one.code == 0, one
    assert (tmp_path / "out/letter.txt").read_bytes() == CHANGES["home"]["letter.txt"]
    dates_ = [dump.datestamp for dump in dates(load_site(taken.config), "localhost:home")]
    old = taken.taperoom(capsys, "restore", "localhost:home:old", "--as-of", dates_[0], "--to", str(tmp_path / "old"))
    assert old.code == 0 and (tmp_path / "old/old").read_bytes() == TREES["home"]["old"]
    assert taken.taperoom(capsys, "verify", "--json").code == 0
    entries = ls(load_site(taken.config), "localhost:home", dates_[0], recursive=True).entries
    assert "/deep/er/noise" in {entry.path for entry in entries}


def test_the_next_night_is_planned_as_if_it_had_always_been_there(taken: Taken, capsys: pytest.CaptureFixture[str]) -> None:
    said = taken.taperoom(capsys, "plan", "--offline", "--json")
    assert said.code == 0, said
    lines = {line["disk"]: line for line in json.loads(said.out)}
    assert len(lines) == 3
    assert any(line["level"] > 0 for line in lines.values())
    assert not any("new disk" in line["why"] or "no volume holds" in line["why"] for line in lines.values())
    shelf = taken.taperoom(capsys, "tape", "list")
    assert shelf.code == 0 and "T-001" in shelf.out and "T-002" in shelf.out


def test_both_plans_next_to_each_other(taken: Taken, capsys: pytest.CaptureFixture[str]) -> None:
    before = taken.site.snapshot()
    said = call(capsys, "plan", "--beside", taken.site.name, "--json")
    assert said.code == 0, said
    assert taken.site.snapshot() == before, "shadow mode touched something"
    plain = json.loads(said.out)
    assert plain["missing"] == "" and len(plain["disks"]) == 3
    for row in plain["disks"]:
        assert row["ours"] is not None and row["amanda"] is not None and row["words"]
        # Where both differ it is for a reason that is said.
        assert row["same"] or "Taperoom" in row["words"]


@pytest.mark.parametrize("absent", [
    pytest.param("planner", id="amadmin balance instead"), pytest.param("both", id="neither of them")])
def test_without_a_plan_of_amanda_s(
    taken: Taken, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, absent: str,
) -> None:
    monkeypatch.setattr(planner, "PLANNER", Path("/nonexistent/planner"))
    if absent == "both":
        monkeypatch.setattr(planner, "AMADMIN", Path("/nonexistent/amadmin"))
    before = taken.site.snapshot()
    said = call(capsys, "plan", "--beside", taken.site.name, "--json")
    assert said.code == 1 and taken.site.snapshot() == before, "shadow mode touched something"
    plain = json.loads(said.out)
    assert plain["missing"] == "/nonexistent/planner is not installed on this machine"
    assert all(row["ours"] and not row["amanda"] for row in plain["disks"]) and len(plain["disks"]) == 3
    if absent == "both":
        assert plain["balance"] == []
        return
    nights = plain["balance"]
    assert sum(night["amanda"]["fulls"] for night in nights) == 3 == sum(night["ours"]["fulls"] for night in nights)
    assert [night["ours"]["fulls"] for night in nights] == [night["amanda"]["fulls"] for night in nights]
    assert all(not night["words"] and night["ours"]["kib"] == night["amanda"]["kib"] for night in nights)
    said = call(capsys, "plan", "--beside", taken.site.name)
    assert "AMA009 Amanda's planner: /nonexistent/planner is not installed" in said.out
    assert "fulls that are due, here and by 'amadmin balance'" in said.out


@pytest.mark.slow
def test_both_plans_as_an_operator_reads_them(taken: Taken, capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, "plan", "--beside", str(taken.site.conf))
    assert said.code == 0, said
    assert re.search(r"^localhost:home +\d +\S+ \w+ +\d +\S+ \w+", said.out, re.MULTILINE), said.out
    assert re.search(r"^Amanda: +3 dumps", said.out, re.MULTILINE)


def test_its_disklist_is_edited_like_any_other(taken: Taken, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "taperoom.toml"
    copy.write_bytes(taken.config.read_bytes())
    assert call(capsys, "--config", str(copy), "disk", "add", "localhost:/srv/more", "--dumptype", "app").code == 0
    assert call(capsys, "--config", str(copy), "disk", "remove", "localhost:home").code == 0
    assert [disk.title for disk in load_site(copy).disks] == [*list(taken.disks.values())[1:], "localhost:/srv/more"]


@pytest.mark.slow
def test_a_night_of_ours_goes_on_where_amanda_s_ended(spare: Taken, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (spare.site.root / "data/home/third").write_bytes(b"third\n" * 3000)
    amanda.give(spare.site.root / "data")
    for path in (spare.site.root, spare.config.parent):
        path.chmod(0o755)
    ran = spare.taperoom(capsys, "run", "--batch", "localhost:home")
    assert ran.code == 0, ran
    site = load_site(spare.config)
    # Its lines end with the run's last fact; the process itself still puts its things in order, and must not find them gone.
    wait_for(lambda: live_run(site.state_dir) is None)
    found = dates(site, "localhost:home")
    assert len(found) == 3 and found[-1].level == 1, found
    out = tmp_path / "out"
    assert restore(site, ["localhost:home"], "now", out).good
    assert (out / "third").read_bytes() == b"third\n" * 3000
    assert filecmp.cmp(out / "deep/er/noise", spare.first / "home/deep/er/noise", shallow=False)


@pytest.mark.slow
def test_the_clients_are_asked_when_that_is_wanted(taken: Taken, capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, "plan", "--beside", taken.site.name, "--ask", "--json")
    assert said.code == 0, said
    plain = json.loads(said.out)
    assert plain["missing"] == "" and all(row["ours"] and row["amanda"] for row in plain["disks"])
    assert all(row["ours"]["level"] == row["amanda"]["level"] for row in plain["disks"] if row["same"])
