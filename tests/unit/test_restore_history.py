"""Where and when a name is, one path over all dates, two dates compared: over made indexes of a small year."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from core.catalogue.rebuild import open_catalogue
from core.cli import browse as cli
from core.errors import UsageError, WorldError
from core.index.record import Mark
from core.index.writer import writing
from core.model.site import Site
from core.model.units import sanitise
from core.restore.browse import ls
from core.restore.difference import Difference, diff
from core.restore.history import Found, find, history, search
from tests.support.journals import Night, site_of

WEB, DB = ("web1", "/home"), ("db", "/var")
NOW = datetime(2026, 1, 10, 12).timestamp()
D1, D2, D3, D4 = (f"2026010{day}030000" for day in (1, 2, 3, 4))
FULL = {"": 0, "a/": 0, "a/one": (10, 100), "a/two": (20, 100), "old/": 0, "old/deep/": 0, "old/deep/f": (5, 50),
        "Invoice-Ü.txt": (7, 70)}
SECOND = {"": 0, "a/": 0, "a/one": (11, 200), "a/two": None, "new/": 0, "new/deep/": 0, "new/deep/f": None,
          "Invoice-Ü.txt": None}
THIRD = {"": 0, "a/": 0, "a/one": (12, 300), "new/": 0, "new/deep/": 0, "new/deep/f": None, "Invoice-Ü.txt": None}
FOURTH = {"": 0, "a/": 0, "a/one": (12, 300), "a/two": (21, 400), "new/": 0, "new/deep/": 0, "new/deep/f": (5, 50),
          "Invoice-Ü.txt": (7, 70)}


def dumped(site: Site, key: tuple[str, str], stamp: str, level: int, names: dict[str, object]) -> Path:
    """A night with an index: names to size and time, None for what was there and is in no dump of that night."""
    path = site.index_dir / key[0] / sanitise(key[1]) / f"{stamp}_{level}.tix"
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as writer:
        writer.exact = level > 0
        if level:
            writer.rename(b"old", b"new")
        for name, what in names.items():
            raw = name.strip("/").encode()
            match what:
                case None:
                    writer.add(raw, Mark.PRESENT)
                case (int(size), int(mtime)):
                    writer.add(raw, Mark.FILE, "f", size, mtime, 0)
                case _:
                    writer.add(raw, Mark.DIRECTORY, "d", 0, 9, 0)
    night = Night(stamp)
    night.dump(*key, level, file=f"/held/{stamp}")
    night.end()
    night.store(site)
    return path


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = site_of(tmp_path, WEB, DB)
    for stamp, level, names in ((D1, 0, FULL), (D2, 1, SECOND), (D3, 1, THIRD), (D4, 0, FOURTH)):
        dumped(made, WEB, stamp, level, names)
    dumped(made, DB, "20260102040000", 0, {"": 0, "one": (1, 1), "log/": 0, "log/two": (2, 2)})
    open_catalogue(made).catalogue.close()
    return made


def test_a_path_over_all_dates(site: Site) -> None:
    one = history(site, "web1:/home:/a/one")
    assert [(row.datestamp, row.level, row.state) for row in one.rows] == [
        (D4, 0, "unchanged"), (D3, 1, "changed"), (D2, 1, "changed"), (D1, 0, "new")]
    # It was dumped again with the same size and time: one version, in the newest dump that has it.
    assert [(v.datestamp, v.size, v.mtime, v.kind, v.dates) for v in one.versions] == [
        (D4, 12, 300, "f", (D4, D3)), (D2, 11, 200, "f", (D2,)), (D1, 10, 100, "f", (D1,))]
    two = history(site, "web1:/home:/a/two")
    assert [row.state for row in two.rows] == ["new", "deleted", "unchanged", "new"]
    assert [v.dates for v in two.versions] == [(D4,), (D2, D1)] and two.rows[1].version is None
    later = history(site, "web1:/home/new/deep/f")
    assert [(row.datestamp, row.state) for row in later.rows] == [(D4, "unchanged"), (D3, "unchanged"), (D2, "new")]
    assert [row.state for row in history(site, "web1:/home:old").rows] == ["absent", "absent", "deleted", "new"]
    with pytest.raises(UsageError, match="RST013 no dump of web1:/home has /never") as caught:
        history(site, "web1:/home:never")
    assert caught.value.hint.startswith("these dates can be restored: 2026-01-04 03:00:00 (level 0)")


def shown(found: Found) -> list[tuple[str, str, list[tuple[str, ...]]]]:
    return [(m.host, m.path, [v.dates for v in m.versions]) for m in found.matches]


def test_where_and_when_a_name_is(site: Site) -> None:
    assert shown(find(site, "two")) == [
        ("web1", "/a/two", [(D4,), (D2, D1)]), ("db", "/log/two", [("20260102040000",)])]
    assert shown(find(site, "f", host="w*")) == [("web1", "/new/deep/f", [(D4, D3, D2)]), ("web1", "/old/deep/f", [(D1,)])]
    assert shown(find(site, "/*/deep", disk="/home")) == [
        ("web1", "/new/deep/", [(D4, D3, D2)]), ("web1", "/old/deep/", [(D1,)])]
    assert [m.path for m in find(site, "o*", as_of="2026-01-01 23:00").matches] == ["/a/one", "/old/"]
    assert shown(find(site, "two", as_of="2026-01-03", now=NOW)) == [("db", "/log/two", [("20260102040000",)])]
    assert find(site, "nowhere") == Found((), False, ())
    few = find(site, "*", limit=3)
    assert len(few.matches) == 3 and few.more
    with pytest.raises(UsageError, match=r"RST011 no disk is web9:\*") as caught:
        find(site, "x", host="web9")
    assert caught.value.hint == "there are web1:/home, db:/var"


def test_a_part_of_a_name(site: Site) -> None:
    assert shown(search(site, "INVOICE-ü")) == [("web1", "/Invoice-Ü.txt", [(D4,)])]
    assert search(site, "invoice", fold=False).matches == ()
    assert [m.path for m in search(site, "o", as_of="2026-01-02 23:00", now=NOW).matches] == [
        "/Invoice-Ü.txt", "/a/one", "/a/two", "/log/", "/log/two", "/one"]
    assert [m.path for m in search(site, "two", as_of="2025-12-31", now=NOW).matches] == []
    assert search(site, "f", as_of="2030-01-01", now=NOW).warnings == (
        "RST032 '2030-01-01' is still to come: it is understood as now",)


def changes(found: Difference) -> list[tuple[str, str]]:
    return [(change.what, f"{change.old}>{change.path}" if change.old else change.path) for change in found.changes]


def test_two_dates_compared(site: Site) -> None:
    found = diff(site, "web1:/home", "2026-01-01", "2026-01-03", now=NOW)
    assert (found.before, found.after) == (D1, D3)
    assert changes(found) == [
        ("changed", "/a/one"), ("removed", "/a/two"), ("added", "/new/"), ("added", "/new/deep/"),
        ("renamed", "/old/deep/f>/new/deep/f"), ("removed", "/old/"), ("removed", "/old/deep/")]
    one, two = found.changes[:2]
    assert (one.size_before, one.size_after, one.mtime_after) == (10, 12, 300)
    assert (two.size_before, two.size_after) == (20, -1)
    assert changes(diff(site, "web1:/home:/a", "2026-01-03", now=NOW)) == [("added", "/a/two")]
    assert changes(diff(site, "web1:/home:/a/two", "2026-01-02", "20260103", now=NOW)) == [("removed", "/a/two")]
    assert diff(site, "web1:/home", "2026-01-03", "2026-01-03", now=NOW).changes == ()
    with pytest.raises(UsageError, match="had no /b") as caught:
        diff(site, "web1:/home:b", "2026-01-01", "2026-01-03", now=NOW)
    assert caught.value.code == "RST013"


def test_what_no_index_tells_may_have_changed(site: Site) -> None:
    dumped(site, WEB, "20260105030000", 0, {"": 0, "a/": 0, "a/one": (-1, -1), "a/two/": 0})
    open_catalogue(site).catalogue.close()
    assert changes(diff(site, "web1:/home:a", "2026-01-04", now=NOW)) == [("dumped", "/a/one"), ("changed", "/a/two/")]


def test_a_damaged_index_costs_its_dates_only(site: Site) -> None:
    index = site.index_dir / "web1/_home" / f"{D3}_1.tix"
    whole = index.read_bytes()
    for spoilt in (b"no index", whole[:20] + b"\xff\xff" + whole[22:]):
        index.write_bytes(spoilt)
        found = find(site, "one", host="web1")
        assert shown(found) == [("web1", "/a/one", [(D4,), (D2,), (D1,)])]
        [warning] = found.warnings
        assert warning.startswith(f"RST018 web1:/home level 1 of 2026-01-03 03:00:00: its index {index} cannot be read (")
        assert warning.endswith(": dates that need it are not looked through")
        assert [row.datestamp for row in history(site, "web1:/home:a/one").rows] == [D4, D2, D1]
        # ls would read the dump for it; that is not there.
        with pytest.raises(WorldError, match="RST024"):
            ls(site, "web1:/home:a", "2026-01-03", now=NOW)
    index.unlink()
    assert "has no index: dates that need it" in find(site, "one", host="web1").warnings[0]


def test_a_disk_whose_date_is_gone_is_told(site: Site) -> None:
    night = Night("20260106030000")
    night.dump(*WEB, 1)
    night.end()
    night.store(site)
    found = search(site, "one", as_of="2026-01-06 23:00", now=NOW)
    assert shown(found) == [("db", "/one", [("20260102040000",)])]
    assert found.warnings[0].startswith("RST014 web1:/home: level 1 of 2026-01-06 03:00:00 is neither on a volume")


def test_what_was_not_looked_through_and_what_is_lost_is_said(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.cli.where.site", lambda: site)
    (site.index_dir / "db/_var/20260102040000_0.tix").unlink()
    assert cli.find("two", host="db") == 1
    assert capsys.readouterr().err.endswith(
        ": dates that need it are not looked through\nno name is 'two' there as far as that was looked through; 'taperoom ls"
        " HOST:DISK -R' reads a dump that has no index\n")
    assert cli.find("nowhere", host="web1") == 1 and capsys.readouterr().err == "no name is 'nowhere' there\n"
    site.catalogue.unlink()
    assert cli.ls("web1:/home", dates=True) == 0
    assert capsys.readouterr().err == f"RST002 there is no catalogue {site.catalogue}; it was rebuilt from the journals\n"
    shutil.rmtree(site.state_dir)
    with pytest.raises(UsageError, match="RST013 web1:/home was never dumped") as caught:
        cli.ls("web1:/home", dates=True)
    assert caught.value.hint.endswith("'taperoom catalogue rebuild --from-volumes' reads it from the volumes")


def test_a_long_list(site: Site) -> None:
    entries = ls(site, "web1:/home", "2026-01-03", recursive=True, now=NOW).entries
    assert [(e.path, e.kind, e.size, e.mtime, e.level) for e in entries] == [
        ("/Invoice-Ü.txt", "f", 7, 70, 0), ("/a/", "d", -1, 9, 1), ("/a/one", "f", 12, 300, 1), ("/new/", "d", -1, 9, 1),
        ("/new/deep/", "d", -1, 9, 1), ("/new/deep/f", "f", 5, 50, 0)]


def test_a_second_name_has_no_size_of_its_own(site: Site) -> None:
    """Its bytes are under the first name, so 0 would be a lie: of two dumps nobody can tell whether it was changed."""
    stamps = ("20260107030000", "20260108030000")
    for stamp in stamps:
        path = dumped(site, WEB, stamp, 0, {"": 0, "first": (9, 90)})
        with writing(path) as writer:
            writer.add(b"", Mark.DIRECTORY, "d", 0, 9, 0)
            writer.add(b"first", Mark.FILE, "f", 9, 90, 0)
            writer.add(b"second", Mark.FILE, "h", 0, 90, 0)
    assert [(e.path, e.kind, e.size) for e in ls(site, "web1:/home").entries] == [("/first", "f", 9), ("/second", "h", -1)]
    versions = history(site, "web1:/home:second").versions
    assert [(version.size, version.dates) for version in versions] == [(-1, (stamp,)) for stamp in stamps[::-1]]
    assert changes(diff(site, "web1:/home", stamps[0], stamps[1])) == [("dumped", "/second")]
