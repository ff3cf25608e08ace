"""Dates, specs, chains, listings and trees: what a restore judges, without a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from core.catalogue.queries import Copy, Dump, Part
from core.codes import PAGES
from core.codes.restore import PAGES as OURS
from core.errors import UsageError, WorldError
from core.index.names import clean_path
from core.index.record import Mark
from core.model.dump import NO_CRC
from core.restore.asof import NEWEST, parse_as_of, show_stamp
from core.restore.chain import choose, restorable, show_dates
from core.restore.listing import Listing, of_directory
from core.restore.spec import Spec, parse_spec
from core.restore.tree import Directory, File, source_of, walk
from core.wire.tar_quoting import unquote_name
from tests.support.indexes import listing_of
from tests.support.whole_tree import Tree, build

NOW = datetime(2026, 2, 10, 12, 0, 0).timestamp()


@pytest.mark.parametrize(("text", "stamp"), [
    ("now", NEWEST), ("level 1", f"{NEWEST}_1"), ("2026-01-31", "20260131235959"), ("2026-01-31 03:15", "20260131031559"),
    ("2026-01-31 03:15:07", "20260131031507"), ("2026-01-31T03:15:07", "20260131031507"),
    ("20260131031507", "20260131031507"), ("20260131", "20260131235959"), ("today", "20260210235959"),
    ("Yesterday", "20260209235959"), ("2 days ago", "20260208120000"), ("90 min ago", "20260210103000"),
    ("1 week ago", "20260203120000"), ("1 month ago", "20260111120000"), ("2 years ago", "20240211120000"),
])
def test_moments(text: str, stamp: str) -> None:
    assert parse_as_of(text, NOW) == stamp


# The tenth of February 2026 is a Tuesday.
@pytest.mark.parametrize(("text", "stamp"), [
    ("tuesday", "20260210235959"), ("last tuesday", "20260203235959"), ("Last Mon", "20260209235959"),
    ("on friday", "20260206235959"), ("monday noon", "20260209120059"), ("yesterday 14:00", "20260209140059"),
    ("yesterday at 2pm", "20260209140059"), ("today 9:30", "20260210093059"), ("11:00", "20260210110059"),
    ("midnight", "20260210000059"), ("12 am", "20260210000059"), ("last monday 03:15:07", "20260209031507"),
    ("3 days ago 14:00", "20260207140059"), ("last night", "20260210235959"), ("day before yesterday", "20260208235959"),
    ("last week", "20260203235959"), ("last month", "20260111235959"), ("last year", "20250210235959"),
    ("20 nov", "20251120235959"), ("Nov 20, 2024", "20241120235959"), ("31st january", "20260131235959"),
    ("10 february", "20260210235959"), ("29 feb", "20240229235959"), ("29 february 2024 10:00", "20240229100059"),
    ("  yesterday   14:00 ", "20260209140059"), ("2026-02-09 2:05pm", "20260209140559"), ("0001-01-01", "00010101235959"),
])
def test_moments_in_words(text: str, stamp: str) -> None:
    assert parse_as_of(text, NOW) == stamp


@pytest.mark.parametrize(("text", "stamp"), [
    ("14:00", NEWEST), ("2026-02-11", NEWEST), ("20261120", NEWEST), ("tuesday 13:00", NEWEST), ("-1 day ago", NEWEST),
    ("20270101000000", "20270101000000"), ("2027-01-01 00:00:00", "20270101000000"), ("tuesday 13:00 level 1", f"{NEWEST}_1"),
    ("2027-01-01 00:00:00 level 0", "20270101000000_0"),
])
def test_what_is_still_to_come_is_now_and_that_is_said(text: str, stamp: str) -> None:
    told: list[str] = []
    assert parse_as_of(text, NOW, told.append) == stamp
    what = "dumps that are dated up to then count" if stamp < "9" else "it is understood as now"
    assert told == [f"RST032 {text!r} is still to come: {what}"]
    told.clear()
    assert parse_as_of("today", NOW, told.append) == "20260210235959" and told == []


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "202601", "2026013103150", "25:00", "13pm", "0am",
                                  "yesterday 24:01", "feb 30", "29 feb 2025", "may", "last", "ago", "mo", "31 foo",
                                  "last last monday", "level", "level x", "soon level 0",
                                  "level 0 level 1", "two days ago", "5 ago", "³ days ago",
                                  "99999999999 years ago", "9999 years ago", "٢٠٢٦-٠١-٣١"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(UsageError, match="is no date") as caught:
        parse_as_of(text, NOW)
    assert caught.value.code == "RST010" and all(one in caught.value.hint for one in ("2 days ago", "last tuesday"))


@pytest.mark.parametrize("text", ["", " ", "\t \n"])
def test_an_empty_date_is_not_the_newest(text: str) -> None:
    with pytest.raises(UsageError, match="is empty, which is no date") as caught:
        parse_as_of(text, NOW)
    assert caught.value.code == "RST010" and caught.value.hint.startswith("write now for the newest")


def test_stamps_are_shown() -> None:
    assert [show_stamp(s) for s in ("20260131031507", "20260131", "x")] == ["2026-01-31 03:15:07", "2026-01-31", "x"]


KNOWN = [("web1", "/"), ("web1", "/home"), ("web1", "/home: old"), ("db", "a disk")]


@pytest.mark.parametrize(("text", "spec"), [
    ("web1:/home", Spec("web1", "/home")), ("web1:/home:/ana//x/./y/", Spec("web1", "/home", "ana/x/y")),
    ("web1:/home:ana", Spec("web1", "/home", "ana")), ("web1:/home/ana", Spec("web1", "/home", "ana")),
    ("web1:/home: old", Spec("web1", "/home: old")), ("web1:/home: old:x:y", Spec("web1", "/home: old", "x:y")),
    ("web1:/homer", Spec("web1", "/", "homer")), ("web1:/", Spec("web1", "/")), ("web1:/:etc", Spec("web1", "/", "etc")),
    ("db:a disk:p", Spec("db", "a disk", "p")),
])
def test_specs(text: str, spec: Spec) -> None:
    assert parse_spec(text, KNOWN) == spec


@pytest.mark.parametrize(("text", "code", "hint"), [
    ("db:a dsk", "RST011", "there are db:a disk"), ("web2:/hom", "RST011", "web1:/home"), ("zzz", "RST011", "web1:/"),
    ("db:qqqqqq", "RST011", "there are db:a disk"), ("db:a disk:x/../y", "RST012", "without .."),
])
def test_specs_that_are_none(text: str, code: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(text, KNOWN)
    assert caught.value.code == code and hint in caught.value.hint
    with pytest.raises(UsageError, match=r"RST011 .*there is no disk yet"):
        parse_spec(text, [])


def dump(day: int, level: int, held: bool = True) -> Dump:
    copy = Copy("main", "r", (Part("A-1", 1, 1, NO_CRC),), 1, NO_CRC)
    return Dump("web1", "/home", f"202601{day:02d}030000", level, "done", "r", 0.0, 0.0, 1.0, 1, 1, NO_CRC, NO_CRC, NO_CRC, "",
                (copy,) if held else ())


def levels(chain: tuple[Dump, ...]) -> list[tuple[int, int]]:
    return [(int(d.datestamp[6:8]), d.level) for d in chain]


def test_a_chain_goes_down_to_the_full() -> None:
    good = [dump(1, 0), dump(2, 1), dump(3, 2), dump(4, 1), dump(5, 2), dump(6, 3), dump(7, 0), dump(8, 1)]
    expected = {1: [1], 2: [1, 2], 3: [1, 2, 3], 4: [1, 4], 5: [1, 4, 5], 6: [1, 4, 5, 6], 7: [7], 8: [7, 8]}
    for day, days in expected.items():
        chain, warnings = choose("d", good, f"202601{day:02d}235959", NOW)
        assert [d for d, _ in levels(chain)] == days and warnings == []
    assert choose("d", good, NEWEST, NOW)[0][-1] == good[-1]
    for as_of, days in ((f"{NEWEST}_2", [4, 5]), ("20260104235959_2", [1, 2, 3]), ("20260106235959_0", [1])):
        chain, warnings = choose("d", good, as_of, NOW)
        assert [(d, n) for d, n in levels(chain)][-1][1] == int(as_of[-1]) and warnings == []
        assert [d for d, _ in levels(chain)][-len(days):] == days


def test_without_a_date_the_newest_that_is_held_is_taken_and_said() -> None:
    good = [dump(1, 0), dump(2, 1), dump(3, 2, held=False)]
    chain, warnings = choose("web1:/home", good, NEWEST, NOW)
    assert levels(chain) == [(1, 0), (2, 1)]
    assert warnings == ["RST014 web1:/home: level 2 of 2026-01-03 03:00:00 is neither on a volume nor on the holding disk any"
                        " more; this is the state of 2026-01-02 03:00:00"]


@pytest.mark.parametrize(("good", "as_of", "code", "text", "hint"), [
    ([], NEWEST, "RST013", "d was never dumped", "taperoom run"),
    ([dump(5, 0)], "20260101000000", "RST013", "d has no dump as old as 2026-01-01 00:00:00", "2026-01-05 03:00:00 (level 0)"),
    ([dump(1, 0, False), dump(2, 1), dump(3, 0)], "20260102235959", "RST014",
     "d: level 1 of 2026-01-02 03:00:00 needs level 0 of 2026-01-01 03:00:00, which is neither", "2026-01-03"),
    ([dump(2, 1)], NEWEST, "RST014", "needs a full that the catalogue does not know", "no date can be restored any more"),
])
def test_what_cannot_be_restored_says_what_can(good: list[Dump], as_of: str, code: str, text: str, hint: str) -> None:
    with pytest.raises((UsageError, WorldError)) as caught:
        choose("d", good, as_of, NOW)
    assert caught.value.code == code and text in caught.value.message and hint in caught.value.hint


def test_many_dates_are_cut() -> None:
    good = [dump(day, 0) for day in range(1, 21)]
    assert restorable(good) == good
    assert show_dates(good).endswith("2026-01-09 03:00:00 (level 0) and 8 older")


def test_names_are_read_as_tar_prints_them() -> None:
    assert unquote_name(rb"a\n\t\\b\303\274\a\b\v\f\r\"") == b"a\n\t\\b\xc3\xbc\a\b\v\f\r\""
    assert [clean_path(n) for n in (b"./a/", b"/", b"./", b".", b"a//b/./c", b"../x", b"a/..", b".hidden", b"./..x")] == [
        b"a", b"", b"", b"", b"a/b/c", None, None, b".hidden", b"..x"]


def test_a_listing_of_ours_and_of_a_stock_client() -> None:
    ours = listing_of([b"/\n", b"\t/\n", b"\t/a\t/b\n", b"\t/b/kept\n", b"/b/\n", b"/b/new\n", b"/b/kept\n", b"junk\n",
                          b"/../x\n"])
    assert ours.exact and ours.renames == [(b"a", b"b")] and ours.listed == {b"", b"b"}
    assert ours.names == {b"": {b"b": Mark.DIRECTORY}, b"b": {b"kept": Mark.FILE, b"new": Mark.FILE}}
    stock = listing_of([b"/", b"/b/", b"/b/new"])
    assert not stock.exact and stock.renames is None
    assert listing_of([b"/", b"\t/x"]).renames is None


def test_an_endless_index_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.index.writer.MAX_NAMES", 3)
    with pytest.raises(WorldError, match="more than 3 names") as caught:
        listing_of([b"/a", b"/b", b"/c", b"/d"])
    assert caught.value.code == "RST015"


def test_a_dumpdir_is_read() -> None:
    found = Listing()
    of_directory(found, b"", b"Ynew\0Nkept\0Dsub\0X./tmp\0R./a\0T\0R\0T./c\0R../x\0T./y\0T./z\0\0")
    assert found.exact and found.renames == [(b"a", b""), (b"", b"c")]
    assert found.names == {b"": {b"kept": Mark.PRESENT}}


def tree_of(*indexes: str) -> Tree:
    return build([listing_of(line.encode() for line in index.split()) if not index.startswith("+") else
                  listing_of([b"\t/"] + [line.replace(">", "\t").encode() for line in index[1:].split()])
                  for index in indexes])


def shown(tree: Tree) -> dict[str, tuple[int, str]]:
    return {path.decode(): (node.dump, source_of(path, node).decode()) for path, node in walk(tree.top, b"")}


def test_deleted_and_changed_names() -> None:
    tree = tree_of("/ /a/ /a/x /a/y /a/z /gone/ /gone/f", "+/ /a/ >/a/x /a/y /new/ /new/n")
    assert shown(tree) == {"": (1, ""), "a": (1, "a"), "a/x": (0, "a/x"), "a/y": (1, "a/y"), "new": (1, "new"),
                           "new/n": (1, "new/n")}
    assert tree.missing == [] and tree.inexact == []


def test_a_stock_index_is_laid_on_top() -> None:
    tree = tree_of("/ /a/ /a/x /a/y", "/ /a/ /a/y /b/ /b/c")
    assert set(shown(tree)) == {"", "a", "a/x", "a/y", "b", "b/c"} and tree.inexact == [1]


def test_renames_keep_where_the_data_is() -> None:
    tree = tree_of("/ /a/ /a/s/ /a/s/f /b/ /b/g", "+/ >/a> >/b>/a >>/b /a/ >/a/g /b/ /b/s/ >/b/s/f",
                   "+/ >/b>/c /a/ >/a/g /c/ /c/s/ >/c/s/f /c/t")
    found = shown(tree)
    assert found["c/s/f"] == (0, "a/s/f") and found["a/g"] == (0, "b/g") and found["c/t"] == (2, "c/t")
    assert found["c"] == (2, "c") and "b" not in found and tree.missing == []


def test_a_directory_that_came_out_of_a_renamed_one() -> None:
    later = "/n/ >/n/f /lib/ >/lib/g"
    for told in (f"+/ >/n/b>/lib >/a>/n {later}", f"+/ >/a>/n >/n/b>/lib {later}", f"+/ >/a/b>/lib >/a>/n {later}"):
        found = shown(tree_of("/ /a/ /a/f /a/b/ /a/b/g", told))
        assert found["lib/g"] == (0, "a/b/g") and found["n/f"] == (0, "a/f"), told
    # There were both: the order decides which it is.
    both = "/ /a/ /a/b/ /a/b/g /n/ /n/b/ /n/b/g"
    assert shown(tree_of(both, "+/ >/n/b>/lib >/a>/n /n/ >/n/b /n/b/ >/n/b/g /lib/ >/lib/g"))["lib/g"] == (0, "n/b/g")
    assert shown(tree_of(both, f"+/ >/a>/n >/n/b>/lib {later}"))["lib/g"] == (0, "a/b/g")


def test_a_name_that_changes_its_kind() -> None:
    tree = tree_of("/ /x/ /x/f /y", "+/ /x /y/ /y/g", "/ /x/h")
    assert isinstance(tree.find(b"x"), Directory) and tree.find(b"x/h") == File(2) and tree.find(b"y/g") == File(1)
    assert tree.find(b"x/f") is None and tree.find(b"y/g/deeper") is None


def test_odd_renames_do_no_harm() -> None:
    tree = tree_of("/ /a/ /a/f", "+/ >/none>/x >/a/f/q>/z >/a>/a/b /a/ /a/b/ >/a/b/f")
    assert tree.find(b"a/b/f") == File(0, b"a/f")
    assert tree_of("/ /f", "+/ >/f>/g >/g").find(b"g") == File(0, b"f")


def test_what_no_dump_has_is_told() -> None:
    tree = tree_of("/ /a/", "+/ /a/ >/a/hole >/top")
    assert tree.missing == [b"top", b"a/hole"]


@pytest.mark.parametrize("area", [lambda: OURS])
def test_every_code_has_its_page(area: Callable[[], tuple[object, ...]]) -> None:
    assert len(area()) == len({page.code for page in OURS}) and all(PAGES[page.code] is page for page in OURS)
    assert all(page.meaning.endswith((".", "there.")) and page.action for page in OURS)
