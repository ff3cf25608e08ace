"""Two dumps of one second: told apart in every list, chosen by their level, and never taken for each other."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from core.catalogue.queries import dumps
from core.catalogue.rebuild import open_catalogue, rebuild
from core.description.recover import recover
from core.errors import UsageError, WorldError
from core.restore.browse import dates, ls
from core.restore.byhand import recipe_for
from core.restore.difference import diff
from core.restore.history import find, history
from core.restore.recover import restore
from tests.support.dumps import Client, pause, touch

STAMP = "20260102030000"
SHOWN = "2026-01-02 03:00:00"
TITLE = "web1:/home"


def names(out: Path) -> list[str]:
    return sorted(path.name for path in out.rglob("*") if path.is_file())


@pytest.fixture
def two_levels(tmp_path: Path) -> Client:
    """A full of the day before; then, of one second, a level 1 and after it a full with other content."""
    (tmp_path / "site").mkdir()
    client = Client(tmp_path / "site")
    touch(client.tree / "a", "first")
    client.night(0, "volume")
    pause(client.tree)
    touch(client.tree / "b", "second")
    client.night(1, "volume")
    aside(client, "20260102025959")
    pause(client.tree)
    (client.tree / "b").unlink()
    touch(client.tree / "c", "third")
    client.nights -= 1
    client.night(0, "volume")
    return client


def aside(client: Client, name: str) -> None:
    """The last run gets another name, as if another server had made it; what it and its volume say of themselves stays."""
    (client.site.runs_dir / f"202601{client.nights:02d}030000").rename(client.site.runs_dir / name)


def test_levels_of_one_second(two_levels: Client, tmp_path: Path) -> None:
    site = two_levels.site
    told = (f"RST029 {TITLE} has dumps of level 1 of the same second, {SHOWN}, too: that of level 0, which ended last, is"
            f" taken; --as-of '{SHOWN} level 1' takes another")
    assert [(dump.datestamp, dump.level) for dump in dates(site, TITLE)] == [("20260101030000", 0), (STAMP, 1), (STAMP, 0)]
    for as_of, warnings, files in (
        ("now", (told,), ["a", "c"]), (STAMP, (told,), ["a", "c"]), (f"{SHOWN} level 1", (), ["a", "b"]),
        (f"{STAMP} level 0", (), ["a", "c"]), ("level 1", (), ["a", "b"]),
    ):
        shown = ls(site, TITLE, as_of)
        assert shown.warnings == warnings, as_of
        assert [entry.path for entry in shown.entries] == [f"/{name}" for name in files]
        result = restore(site, [TITLE], as_of, tmp_path / "out")
        assert result.good and tuple(result.warnings) == warnings and names(tmp_path / "out") == files
        shutil.rmtree(tmp_path / "out")
        recipe = recipe_for(site, TITLE, as_of)
        assert recipe.warnings == warnings and len(recipe.steps) == (2 if "b" in files else 1)
    with pytest.raises(UsageError, match=f"RST013 {TITLE} has no dump of level 2"):
        ls(site, TITLE, "level 2")
    # Every date is looked through on its own, though two of them are written alike.
    by_name = {match.path: [version.dates for version in match.versions] for match in find(site, "?").matches}
    assert by_name == {"/a": [(STAMP, STAMP, "20260101030000")], "/b": [(STAMP,)], "/c": [(STAMP,)]}
    assert [(row.level, row.state) for row in history(site, f"{TITLE}:b").rows] == [(0, "deleted"), (1, "new")]
    found = diff(site, TITLE, f"{SHOWN} level 1", f"{SHOWN} level 0")
    assert [(change.what, change.path) for change in found.changes] == [("removed", "/b"), ("added", "/c")]


def test_a_catalogue_made_again_has_both_levels(two_levels: Client, tmp_path: Path) -> None:
    site = two_levels.site
    with rebuild(site) as catalogue:
        before = [(dump.key, dump.labels) for dump in dumps(catalogue)]
    shutil.rmtree(site.state_dir)
    done = recover(site, lambda text: None)
    assert not [warning for warning in done.warnings if warning.startswith("RST029")], "nothing had to be left out"
    with open_catalogue(site).catalogue as catalogue:
        assert sorted((dump.key, dump.labels) for dump in dumps(catalogue)) == sorted(before)
    assert restore(site, [TITLE], f"{SHOWN} level 1", tmp_path / "out").good and names(tmp_path / "out") == ["a", "b"]


@pytest.fixture
def two_fulls(tmp_path: Path) -> Client:
    """Two fulls of one second, on a volume each: the work of two servers."""
    (tmp_path / "site").mkdir()
    client = Client(tmp_path / "site")
    client.nights = 1
    touch(client.tree / "mine", os.urandom(50_000))
    client.night(0, "volume")
    aside(client, "20260102025959")
    (client.tree / "mine").unlink()
    touch(client.tree / "yours", os.urandom(50_000))
    client.nights -= 1
    client.night(0, "volume")
    return client


def test_data_of_another_dump_is_not_taken(two_fulls: Client, tmp_path: Path) -> None:
    site = two_fulls.site
    told = (f"RST029 {TITLE} level 0 of {SHOWN} was dumped more than once in that second, with other data each time: one of"
            " them counts; another, on volume TEST-001 of storage main, is never read for it, and its header says how to read"
            " it by hand")
    assert ls(site, TITLE).warnings == (told,) and find(site, "yours").warnings == (told,)
    assert told in history(site, f"{TITLE}:yours").warnings and told in recipe_for(site, TITLE).warnings
    result = restore(site, [TITLE], "now", tmp_path / "out")
    assert result.good and result.warnings == [told] and names(tmp_path / "out") == ["yours"]
    (two_fulls.base / "vtapes/slot2").rename(tmp_path / "shelf")
    with pytest.raises(WorldError, match="volume TEST-002 is in no slot"):
        restore(site, [TITLE], "now", tmp_path / "other")
    # Once the later one is gone for good, the earlier one is what there is.
    with open_catalogue(site).catalogue as catalogue, catalogue.batch():
        catalogue.change("DELETE FROM parts WHERE label='TEST-002'")
    with open_catalogue(site).catalogue as catalogue:
        [dump] = dumps(catalogue)
        assert dump.labels == ("TEST-001",) and dump.others == ()


def test_a_catalogue_made_from_both_says_which_it_left_out(two_fulls: Client, tmp_path: Path) -> None:
    site = two_fulls.site
    shutil.rmtree(site.state_dir)
    done = recover(site, lambda text: None)
    [told] = [warning for warning in done.warnings if warning.startswith("RST029")]
    assert told.startswith(f"RST029 volume TEST-001 file 1: {TITLE} level 0 of {STAMP} is there more than once, with other")
    assert restore(site, [TITLE], "now", tmp_path / "out").good and names(tmp_path / "out") == ["yours"]
