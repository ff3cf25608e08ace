"""`ls`, `find`, `search`, `history` and `diff` over the nights of a real house, as an operator types them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli.show import moment
from tests.support.cli import Said, call
from tests.support.small_site import SmallSite

TREE = {"letter.txt": b"dear reader\n", "many/one": b"1", "many/two": b"22", "old/deep/Ünder": b"x" * 5000,
        "odd/new\nline": b"odd", "odd/a\nb": b"newline", "odd/a\\nb": b"backslash", "odd/lat\udce9n\t\x01": b"bytes",
        "odd/c:\\temp\\new\n/in": b"both"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallSite, list[str]]]:
    """A full and an incremental, with a change, a deletion, a new name and a rename between."""
    made = SmallSite(tmp_path_factory.mktemp("look"), {"alpha:/home": TREE})
    tree, stamps = made.data("alpha:/home"), []
    for night in range(2):
        if night:
            (tree / "letter.txt").write_bytes(b"changed, and longer\n")
            (tree / "many/one").unlink()
            (tree / "new").write_bytes(b"new")
            (tree / "old").rename(tree / "moved")
        ran = made.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
        stamps.append(made.run().datestamp)
    yield made, stamps


def said(house: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    made, _ = house
    spec = [word.replace("DISK", f"alpha:{made.data('alpha:/home')}") for word in words]
    return call(capsys, "--config", str(made.config), *spec)


def test_a_long_list(house: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    _, (first, second) = house
    out = said(house, capsys, "ls", "DISK", "--long", "-R").out
    head, *lines = out.splitlines()
    assert head.endswith(f"as it was on {moment(second)}")
    about = {line.rsplit("  ", 1)[1]: line.split("  ")[1:] for line in lines}
    assert re.search(rf"^  {moment(second)}  1  -      20 B \d{{4}}-\d\d-\d\d \d\d:\d\d  /letter.txt$", out, re.MULTILINE)
    assert re.search(rf"^  {moment(first)}  0  -       3 B \S+ \S+  /odd/new", out, re.MULTILINE)
    assert re.search(r"  -   4\.9 KiB \S+ \S+  /moved/deep/Ünder$", out, re.MULTILINE)
    assert re.search(rf"^  {moment(second)}  1  d +\S+ \S+  /moved/$", out, re.MULTILINE)
    assert set(about) == {"/letter.txt", "/many/", "/many/two", "/moved/", "/moved/deep/", "/moved/deep/Ünder", "/new",
                          "/odd/", "/odd/new\\nline", "/odd/a\\nb", "/odd/lat\\udce9n\\t\\x01",
                          "/odd/c:\\temp\\new\\n/", "/odd/c:\\temp\\new\\n/in"}


def test_versions_and_history(house: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    made, (first, second) = house
    found = said(house, capsys, "history", "DISK:/letter.txt")
    head, *rows = found.out.splitlines()
    assert head == f"alpha:{made.data('alpha:/home')}:/letter.txt" and found.err == "" and found.code == 0
    assert [re.split("  +", row)[1:4] for row in rows] == [[moment(second), "1", "changed"], [moment(first), "0", "new"]]
    assert rows[0].endswith(f"in level 1 of {moment(second)}, T-002") and "20 B" in rows[0]
    out = said(house, capsys, "ls", "DISK:/letter.txt", "--versions").out
    assert [re.sub(r" +", " ", line).split(" ")[2:4] for line in out.splitlines()[1:]] == [["20", "B"], ["12", "B"]]
    gone = said(house, capsys, "history", "DISK:many/one").out.splitlines()
    assert gone[1] == f"  {moment(second)}  1  deleted" and "new" in gone[2]
    plain = json.loads(said(house, capsys, "history", "DISK:many/one", "--json").out)
    assert [row["state"] for row in plain["rows"]] == ["deleted", "new"] and plain["path"] == "many/one"
    each = json.loads(said(house, capsys, "ls", "DISK:many/two", "--versions", "--json").out)
    assert [(version["size"], version["dates"]) for version in each] == [(2, [second, first])]
    none = said(house, capsys, "history", "DISK:nothing")
    assert none.code == 2 and none.err.startswith("RST013 no dump of alpha:")
    both = said(house, capsys, "ls", "DISK", "--versions", "--as-of", "yesterday")
    assert both.code == 2 and both.err.startswith("CFG006 --versions goes through all dates")


def test_where_and_when(house: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    made, (first, second) = house
    home = f"alpha:{made.data('alpha:/home')}"
    found = said(house, capsys, "find", "*nd?r")
    lines = found.out.splitlines()
    assert found.code == 0 and lines[0] == f"{home}:/moved/deep/Ünder" and lines[2] == f"{home}:/old/deep/Ünder"
    assert lines[1].endswith(f"on {moment(second)}") and lines[3].endswith(f"on {moment(first)}")
    twice = said(house, capsys, "find", "two", "--host", "al*").out.splitlines()
    assert twice[1].endswith(f"on 2 dates from {moment(first)} to {moment(second)}")
    then = json.loads(said(house, capsys, "find", "/*/one", "--as-of", first, "--json").out)
    assert [match["path"] for match in then["matches"]] == ["/many/one"] and then["more"] is False
    few = said(house, capsys, "find", "*", "--limit", "2")
    assert few.err == "there are more: narrow it down, or raise --limit\n" and few.out.count(home) == 2
    none = said(house, capsys, "find", "nowhere")
    assert (none.code, none.out, none.err) == (1, "", "no name is 'nowhere' there\n")


def test_a_search(house: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    made, (first, _) = house
    home = f"alpha:{made.data('alpha:/home')}"
    assert said(house, capsys, "search", "üNDE").out.splitlines()[0] == f"{home}:/moved/deep/Ünder"
    assert said(house, capsys, "search", "üNDE", "--case").code == 1
    then = said(house, capsys, "search", "one", "--as-of", first, "--disk", "*/home*").out
    assert then.splitlines()[0] == f"{home}:/many/one" and said(house, capsys, "search", "one").code == 1
    later = said(house, capsys, "search", "letter", "--as-of", "2999-01-01")
    assert later.code == 0 and later.err == "RST032 '2999-01-01' is still to come: it is understood as now\n"
    assert json.loads(said(house, capsys, "search", "nothing at all", "--json").out)["matches"] == []


def test_two_dates(house: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    made, (first, second) = house
    head, *lines = said(house, capsys, "diff", "DISK", "--from", first).out.splitlines()
    assert head == f"alpha:{made.data('alpha:/home')} from {moment(first)} to {moment(second)}"
    assert lines == ["  M /letter.txt  12 B -> 20 B", "  - /many/one  1 B", "  + /moved/", "  + /moved/deep/",
                     "  R /old/deep/Ünder -> /moved/deep/Ünder", "  + /new  3 B", "  - /old/", "  - /old/deep/"]
    assert said(house, capsys, "diff", "DISK:odd", "--from", first).out.splitlines()[1] == "  nothing differs"
    same = said(house, capsys, "diff", "DISK", "--from", second, "--to", "now")
    assert same.err == "both dates have the same dump\n"
    plain = json.loads(said(house, capsys, "diff", "DISK:many", "--from", first, "--json").out)
    assert [(change["what"], change["path"]) for change in plain["changes"]] == [("removed", "/many/one")]


@pytest.mark.parametrize(("shown", "content"), [
    ("new\\nline", b"odd"), ("a\\nb", b"backslash"), ("a\nb", b"newline"), ("lat\\udce9n\\t\\x01", b"bytes"),
    ("c:\\temp\\new\\n/in", b"both"),
])
def test_a_name_as_it_is_listed_can_be_pasted_back(
    house: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path, shown: str, content: bytes
) -> None:
    _, (first, second) = house
    listed = said(house, capsys, "ls", "DISK:odd", "-R").out
    assert "\n" in shown or any(line.endswith(f"  /odd/{shown}") for line in listed.splitlines())
    done = said(house, capsys, "restore", f"DISK:/odd/{shown}", "--to", str(tmp_path / "out"))
    assert done.code == 0, done.err
    assert [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()] == [content]
    for words in (("ls",), ("history",), ("ls", "--versions"), ("recipe", "--json"), ("ls", "--as-of", first)):
        assert said(house, capsys, *words, f"DISK:odd/{shown}").code == 0, words
    assert said(house, capsys, "diff", f"DISK:/odd/{shown}", "--from", first, "--to", second).out.endswith("nothing differs\n")
    last = shown.rpartition("/")[2]
    for words in (("find", last), ("find", f"/odd/{shown}"), ("find", "?" + last[1:]), ("search", last)):
        assert f":/odd/{shown}".replace("\n", "\\n") in said(house, capsys, *words).out, words


def test_a_name_that_is_not_there_is_told_of_as_it_was_typed(
    house: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    none = said(house, capsys, "ls", "DISK:odd/no\\nne\\ud83d")
    assert none.code == 2 and "had no /odd/no\\nne\\ud83d on " in none.err
    assert said(house, capsys, "find", "no\\nne\\ud83d").err == "no name is 'no\\nne\\ud83d' there\n"


def test_dates_that_mean_nothing(house: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("ls", "DISK", "--as-of", "soon"), ("find", "x", "--as-of", "soon"), ("search", "x", "--as-of", "soon"),
                  ("diff", "DISK", "--from", "soon"), ("restore", "DISK", "--to", "/nowhere", "--as-of", "soon")):
        found = said(house, capsys, *words)
        assert found.code == 2 and found.out == "" and found.err.startswith("RST010 'soon' is no date\n  Hint: write \"2026-")
    restore = ("restore", "DISK", "--to", "/nowhere")
    for words in (("ls", "DISK"), ("ls", "DISK", "--versions"), ("find", "x"), ("search", "x"), restore,
                  (*restore, "--dry-run"), ("recipe", "DISK"), ("diff", "DISK", "--from", "now")):
        for blank in ("", "  "):
            found = said(house, capsys, *words, "--to" if words[0] == "diff" else "--as-of", blank)
            assert found.code == 2 and found.out == "", words
            is_said = "CFG006" if "--versions" in words else f"RST010 {blank!r} is empty, which is no date\n"
            assert found.err.startswith(is_said), words
    assert said(house, capsys, "diff", "DISK", "--from", "").err.startswith("RST010 '' is empty")
    assert not Path("/nowhere").exists()


def test_a_search_of_one_date_names_the_one_of_all(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    none = said(house, capsys, "search", "no where")
    assert (none.code, none.err) == (1, "no name has 'no where' in it then; on all dates: taperoom find '*no where*'\n")
