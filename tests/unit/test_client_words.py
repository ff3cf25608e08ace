"""amrecover's words: each one, what it answers, and what it says when it cannot."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.client.browse import Date
from core.client.recall import amanda_date, completions
from core.client.standing import Standing, beside, command_line, newest_before, restore_words
from core.client.words import ELSEWHERE, TABLE, WORDS, Effect, Outcome, is_word, names_of_words, obey
from core.errors import TaperoomError
from tests.support.recorded_run import BEGAN
from tests.support.recorded_site import TREE, RecordedBrowser, RecordedSite


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield


class World:
    """The recorded site, as the words ask it."""

    def __init__(self) -> None:
        self.site = RecordedSite(BEGAN)

    def now(self) -> float:
        return BEGAN

    def disks(self) -> list[tuple[str, str]]:
        return self.site.disks()

    def dates(self, host: str, disk: str) -> list[Date]:
        return self.site.dates(host, disk)

    def tree(self, host: str, disk: str, date: str) -> RecordedBrowser:
        return self.site.browse(host, disk, date)


DB = Standing("db01", "/srv", "20261201001500")


def say(line: str, at: Standing = DB) -> Outcome:
    return obey(line, at, World())


def fault(line: str, at: Standing = DB) -> str:
    with pytest.raises(TaperoomError) as caught:
        say(line, at)
    return f"{caught.value.code} {caught.value.message}"


# ---- host, disk, date --------------------------------------------------------------------


def test_sethost_with_one_disk_takes_it_and_its_newest_dump() -> None:
    found = say("sethost db01", Standing(target="/back"))
    assert found.standing == replace(DB, target="/back")
    assert found.lines == ("disk db01:/srv as of 2026-12-01 00:15:00, the newest of 6 dumps",)


def test_sethost_with_more_disks_names_them() -> None:
    world = World()
    world.site.disks = lambda: [("a", "/x"), ("a", "/y"), ("b", "/z")]  # type: ignore[method-assign]
    found = obey("sethost a", replace(DB, marks=("etc",)), world)
    assert found.standing == Standing("a")
    assert found.lines == ("host a has 2 disks: setdisk chooses one of /x, /y; what was marked on db01:/srv is not any more",)
    assert obey("listhost", Standing(), world).lines == ("a", "b")
    assert obey("listdisk", Standing("a"), world).lines == ("/x", "/y")
    assert obey("setdisk /y", Standing("a"), world).standing.disk == "/y"
    assert obey("setdisk b:/z", Standing("a"), world).standing.title == "b:/z"
    with pytest.raises(TaperoomError, match="RST011 host a has no disk '/q'"):
        obey("setdisk /q", Standing("a"), world)


def test_setdate_takes_the_newest_dump_that_is_not_younger() -> None:
    assert say("setdate 2026-11-28").standing.date == "20261128001500"
    assert say("setdate yesterday").standing.date == "20261130001500"
    assert say("setdate 2026-11-29-00-15").standing.date == "20261129001500"
    assert say("setdate 2026-11-29-00-14").standing.date == "20261128001500"
    kept = say("setdate ---01", replace(DB, path="etc", marks=("etc/passwd",)))
    assert kept.standing == replace(DB, path="etc", marks=("etc/passwd",))
    assert kept.lines == ("db01:/srv as of 2026-12-01 00:15:00, level 1",)
    assert say("setdate 2030-01-01").lines[0].startswith("RST032")


def test_a_dump_that_is_dated_later_than_the_clock_is_not_the_newest() -> None:
    world = World()
    for days, date, fate in ((3.0, "20261130001500", "it is passed over"),
                             (99.0, "20261201001500", "it is taken all the same, since there is no other")):
        world.now = lambda days=days: BEGAN - days * 86400.0  # type: ignore[method-assign,misc]
        for line in ("setdisk db01:/srv", "setdate now"):
            found = obey(line, DB, world)
            assert found.standing.date == date
            assert found.lines[0] == ("RST028 the dump of 2026-12-01 00:15:00 is dated later than this machine's clock, which"
                                      f" was wrong then, or is now; {fate}")
    assert obey("setdate 2026-12-01 00:15:00", DB, world).standing.date == "20261201001500"


@pytest.mark.parametrize(("text", "is_said"), [
    ("2026-01-31-03-15", "2026-01-31 03:15"), ("2026-1-3-3-5-9", "2026-01-03 03:05:09"), ("2026-1-3", "2026-01-03"),
    ("--02-09", "2026-02-09"), ("---9", "2026-12-09"), ("last tuesday", "last tuesday"), ("-9", "-9"),
])
def test_dates_as_amanda_writes_them(text: str, is_said: str) -> None:
    assert amanda_date(text, BEGAN) == is_said


@pytest.mark.parametrize(("line", "at", "is_said"), [
    ("sethost nobody", DB, "RST011 no host 'nobody' was ever dumped or is configured"),
    ("setdisk /nothing", DB, "RST011 host db01 has no disk '/nothing'"),
    ("setdisk /srv", Standing(), "RST052 setdisk needs a host first"),
    ("setdisk db01:/nothing", Standing(), "RST011 no disk 'db01:/nothing' was ever dumped or is configured"),
    ("cd etc", Standing("db01", "/srv"), "RST052 cd needs a date first"),
    ("setdisk build7:/work", DB, "RST013 no dump of build7:/work can be restored"),
    ("setdate 2020-01-01", DB, "RST013 db01:/srv has no dump as old as 2020-01-01 23:59:59"),
    ("setdate never", DB, "RST010 'never' is no date"),
    ("setdate ''", DB, "RST010 '' is empty, which is no date"),
    ("setdate now", Standing("db01"), "RST052 setdate needs a disk first"),
    ("setdate now", Standing(), "RST052 setdate needs a host and a disk first"),
    ("cd etc", Standing(), "RST052 cd needs a host and a disk first"),
    ("cd etc", Standing("db01"), "RST052 cd needs a disk first"),
    ("setdate", DB, "RST051 setdate is written so: setdate DATE"),
    ("pwd x", DB, "RST051 pwd takes nothing after it"),
    ("cd a b", DB, "RST051 cd is written so: cd DIR"),
    ("add 'etc", DB, "RST051 a quotation mark in \"add 'etc\" has no second one"),
    ("ad etc", DB, "RST050 'ad' is no word here; did you mean add?"),
    ("xyzzy", DB, "RST050 'xyzzy' is no word here"),
    ("settape file:/x", DB, "RST050 settape is not needed here: the volumes are found by the changers of the configuration"),
    ("cd README", DB, "RST054 there is no directory 'README' in / of db01:/srv"),
    ("cd *", DB, "RST054 '*' fits 2 directories"),
    ("ls nothing", DB, "RST054 nothing is called 'nothing' in / of db01:/srv"),
    ("add etc nothing", DB, "RST054 nothing is called 'nothing' in / of db01:/srv"),
    ("addx (", DB, "RST057 '(' is no regular expression: missing ), unterminated subpattern"),
    ("find xyzzy", DB, "RST054 no name on db01:/srv has 'xyzzy' in it"),
    ("extract", DB, "RST056 nothing is marked, so there is nothing to extract"),
])
def test_what_cannot_be_done_is_said_in_one_sentence(line: str, at: Standing, is_said: str) -> None:
    assert fault(line, at) == is_said


def test_every_word_without_a_disk_works_or_says_what_is_missing() -> None:
    for word in names_of_words():
        for line in (word, f"{word} x", f"{word} x y"):
            try:
                say(line, Standing())
            except TaperoomError as found:
                assert found.code in ("RST050", "RST051", "RST052", "RST011"), line


# ---- walking -----------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "path", "after"), [
    ("cd etc", "", "etc"), ("cd srv/www", "", "srv/www"), ("cd ..", "srv/www", "srv"), ("cd ..", "", ""),
    ("cd /", "srv/www", ""),
    ("cd", "srv", ""), ("cd .", "etc", "etc"), ("cd ../../etc", "srv/www", "etc"), ("cd /etc/", "srv", "etc"),
    ("cd e*", "", "etc"), ("cd /srv/www/site-a", "etc", "srv/www/site-a"), ("cd s?v/w*", "", "srv/www"), ("CD etc", "", "etc"),
])
def test_cd(line: str, path: str, after: str) -> None:
    found = say(line, replace(DB, path=path))
    assert found.standing == replace(DB, path=after) and found.lines == (f"/{after}",)


def test_a_path_as_it_is_on_the_host_is_understood() -> None:
    assert say("cd /home/etc", Standing("web", "/home", "20261201001500")).standing.path == "etc"
    assert say("add /home", Standing("web", "/home", "20261201001500")).standing.marks == ("",)


def test_pwd_and_ls() -> None:
    assert say("pwd", replace(DB, path="etc")).lines == ("/etc of db01:/srv as of 2026-12-01 00:15:00",)
    here = say("ls", replace(DB, path="etc"))
    assert here.effect is Effect.NAMES
    assert here.lines == ("2026-12-01 00:15:00  nginx.conf", "2026-12-01 00:15:00  passwd")
    there = say("ls srv")
    assert (there.effect, there.lines) == (Effect.NONE, ("2026-12-01 00:15:00  www/",))
    assert [line.split()[-1] for line in say('ls *').lines] == ['README', 'etc/', 'srv/']


def test_find_and_history() -> None:
    found = say("find site")
    assert (found.effect, found.text) == (Effect.FOUND, "site")
    assert found.lines == ("/srv/www/site-a/", "/srv/www/site-b/")
    dates = say("history")
    assert dates.effect is Effect.DATES and len(dates.lines) == 6
    assert dates.lines[0] == "2026-12-01 00:15:00  level 1   40.0 GiB  the holding disk  < here"
    assert dates.lines[-1] == "2026-11-26 00:15:00  level 0    800 GiB  DailySet1-02"


# ---- marking -----------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "path", "before", "after"), [
    ("add etc", "", (), ("etc",)),
    ("add README etc/passwd", "", (), ("README", "etc/passwd")),
    ("add *", "etc", (), ("etc/nginx.conf", "etc/passwd")),
    ("add */*", "", (), ("etc/nginx.conf", "etc/passwd", "srv/www")),
    ("add .", "etc", (), ("etc",)),
    ("add /", "etc", ("etc/passwd",), ("",)),
    ("add etc", "", ("etc/passwd", "README"), ("README", "etc")),
    ("add passwd", "etc", ("etc",), ("etc",)),
    ("addx 'site-[a-z]' index.*", "srv/www", (), ("srv/www/site-a", "srv/www/site-b", "srv/www/index.html")),
    ("addx ng", "etc", ("README",), None),
    ("delete etc", "", ("etc", "README"), ("README",)),
    ("delete passwd", "etc", ("etc",), ("etc/nginx.conf",)),
    ("delete /srv/www/site-*", "etc", ("srv",), ("srv/www/index.html",)),
    ("delete README", "", ("etc",), ("etc",)),
    ("deletex '.*conf'", "etc", ("etc",), ("etc/passwd",)),
    ("clear", "", ("etc", "README"), ()),
    ("clear", "", (), ()),
])
def test_marks(line: str, path: str, before: tuple[str, ...], after: tuple[str, ...] | None) -> None:
    at = replace(DB, path=path, marks=before)
    if after is None:
        assert fault(line, at).startswith("RST054 nothing is called 'ng'")
    else:
        found = say(line, at)
        assert found.standing == replace(at, marks=after) and found.lines and found.effect is Effect.NONE


def test_what_marking_answers() -> None:
    assert say("add etc README", replace(DB, marks=("README",))).lines == ("added /etc", "marked already: /README")
    assert say("delete etc README", replace(DB, marks=("README",))).lines == (
        "not marked any more: /README", "not marked: /etc")


def test_very_many_names_are_told_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TREE, "srv/www/site-b", [f"srv/www/site-b/{n:02}" for n in range(50)])
    found = say("add *", replace(DB, path="srv/www/site-b"))
    assert len(found.standing.marks) == 50 and len(found.lines) == 21 and found.lines[-1] == "and 30 more"


def test_a_name_that_looks_like_a_pattern_is_meant_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TREE, "srv/www/site-b", [f"srv/www/site-b/{name}" for name in ("a*", "ab", "with blank", "o'clock")])
    at = replace(DB, path="srv/www/site-b")
    assert say("add 'a*'", at).standing.marks == ("srv/www/site-b/a*",)
    assert say("add a?", at).standing.marks == ("srv/www/site-b/a*", "srv/www/site-b/ab")
    assert say('add "with blank" "o\'clock"', at).standing.marks == ("srv/www/site-b/with blank", "srv/www/site-b/o'clock")
    assert say(r"add with\ blank", at).standing.marks == ("srv/www/site-b/with blank",)


def test_list() -> None:
    assert say("list").lines == ("nothing is marked: add NAME marks",)
    assert say("list", replace(DB, marks=("etc", "README"))).lines == (
        "312 files, 1.2 MiB and 1 of unknown size, of db01:/srv as of 2026-12-01 00:15:00; it is read from",
        "  DailySet1-02 level 0 of 2026-11-26 00:15:00, slot 2",
        "  DailySet1-06 level 1 of 2026-12-01 00:15:00, NOT HERE: bring it", "/etc", "/README")


# ---- target and the rest -------------------------------------------------------------------


def test_lcd_and_lpwd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    assert say("lpwd").lines == ("no directory is chosen: lcd DIR chooses one",)
    at = say("lcd /srv/back").standing
    assert at.target == "/srv/back" and say("lpwd", at).lines == ("files are restored to /srv/back",)
    assert say("lcd ../other", at).standing.target == "/srv/other"
    assert say("lcd ~/x", at).standing.target == "/home/ana/x"
    assert say("lcd web1:/srv/back", at).standing.target == "web1:/srv/back"
    assert say("lcd here").standing.target == os.path.join(os.getcwd(), "here")


def test_effects() -> None:
    assert say("extract", replace(DB, marks=("etc",))).effect is Effect.EXTRACT
    assert say("quit").effect is say("exit").effect is Effect.QUIT
    told = say("help")
    assert told.effect is Effect.HELP and len(told.lines) == len(TABLE) and all(len(line) <= 90 for line in told.lines)
    assert say("") == say("   ") == Outcome(DB)


def test_is_word() -> None:
    assert is_word("setdate x") and is_word("SETDATE") and is_word("settape") and not is_word("tapes") and not is_word("")
    assert not set(WORDS) & set(ELSEWHERE)


# ---- completion --------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "path", "lines"), [
    ("se", "", ["sethost", "setdisk", "setdate"]),
    ("SETH", "", ["sethost"]),
    ("sethost d", "", ["sethost db01", "sethost db02"]),
    ("setdisk /s", "", ["setdisk /srv"]),
    ("setdisk build", "", ["setdisk build7:/work"]),
    ("setdate 2026-12", "", ["setdate 2026-12-01"]),
    ("setdate 2026-11-2", "", [f"setdate 2026-11-2{n}" for n in (9, 8, 7, 6)]),
    ("cd ", "", ["cd etc/", "cd srv/"]),
    ("cd s", "", ["cd srv/"]),
    ("cd srv/", "", ["cd srv/www/"]),
    ("add e", "", ["add etc/"]),
    ("add README /etc/p", "srv", ["add README /etc/passwd"]),
    ("add ../etc/n", "srv", ["add ../etc/nginx.conf"]),
    ("ls nothing/", "", []),
    ("add */x", "", []),
    ("lcd /tm", "", []),
    ("find x", "", []),
    ("nonsense x", "", []),
])
def test_completions(line: str, path: str, lines: list[str]) -> None:
    assert completions(line, replace(DB, path=path), World(), names_of_words()) == lines


def test_completions_quote_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TREE, "srv/www/site-b", ["srv/www/site-b/with blank", "srv/www/site-b/wo'od"])
    at = replace(DB, path="srv/www/site-b")
    assert completions("add w", at, World(), []) == ["add 'with blank'", "add 'wo'\"'\"'od'"]
    assert completions("add 'with b", at, World(), []) == ["add 'with blank'"]
    for line in completions("add w", at, World(), []):
        assert say(line, at).standing.marks
    assert completions("add w", Standing(), World(), []) == []


def test_names_as_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["new\nline", "lat\udce9n", "a\\nb", "a\nb", "plain"]
    monkeypatch.setitem(TREE, "srv/www/site-b", [f"srv/www/site-b/{name}" for name in names])
    at = replace(DB, path="srv/www/site-b")
    for typed, meant in (("new\\nline", "new\nline"), ("lat\\udce9n", "lat\udce9n"), ("'a\\nb'", "a\\nb"), ("a\\nb", "a\\nb"),
                         ("new\\\\nline", "new\nline"), ("'new\\nl*'", "new\nline"), ("p\\lain", "plain")):
        assert say(f"add {typed}", at).standing.marks == (f"srv/www/site-b/{meant}",), typed
    assert say("add plain new\\nline", at).standing.marks == ("srv/www/site-b/plain", "srv/www/site-b/new\nline")
    for line in completions("add ", at, World(), []):
        assert line.isprintable()
        assert len(say(line, at).standing.marks) == 1, line
    assert completions("add 'new\\n", at, World(), []) == ["add 'new\\nline'"]
    monkeypatch.setitem(TREE, "srv/www/site-b", ["srv/www/site-b/d\te"])
    monkeypatch.setitem(TREE, "srv/www/site-b/d\te", ["srv/www/site-b/d\te/f"])
    assert say("cd d\\te", at).standing.path == say("cd 'd\\te/'", at).standing.path == "srv/www/site-b/d\te"
    with pytest.raises(TaperoomError, match=r"RST054 nothing is called 'nonone' in /"):
        say("add no\\none", at)


def test_completion_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.errors import WorldError

    world = World()
    world.site.fault = WorldError("RST001", "no catalogue")
    assert completions("sethost d", DB, world, []) == completions("add x", DB, world, []) == []


# ---- what stands under it ------------------------------------------------------------------


def test_dumps_beside_each_other() -> None:
    dates = World().dates("db01", "/srv")
    assert beside(dates, "20261130001500", 1) == dates[0] and beside(dates, "20261130001500", -1) == dates[2]
    assert beside(dates, dates[0].datestamp, 1) is beside(dates, dates[-1].datestamp, -1) is beside(dates, "1", 1) is None
    assert newest_before(dates, "20261130001500") == dates[1] and newest_before(dates, "2020") is None


def test_the_command_of_what_is_marked() -> None:
    at = replace(DB, marks=("etc", ""), target="")
    assert restore_words(at, "20261130001500", "--overwrite") == [
        "taperoom", "restore", "db01:/srv:/etc", "db01:/srv", "--as-of", "2026-11-30 00:15:00", "--to", "DIR", "--overwrite"]


def test_a_command_that_is_shown_is_a_command() -> None:
    marks = ("a b", "new\nline", os.fsdecode(b"latin\xe9"), "it's \\ \x1b[31m", "ü")
    words = restore_words(Standing("web1", "/home", marks=marks, target="/back"), "20261130011328")
    line = command_line(words)
    assert line.isprintable() and "'web1:/home:/a b'" in line
    ran = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    assert [os.fsdecode(word) for word in ran.stdout.split(b"\0")[:-1]] == words
