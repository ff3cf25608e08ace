"""What is verified and in which order, what checks say afterwards, names in bounded memory, and drills over months."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from core.catalogue.checked import DAMAGED, GOOD, NAME, by_volume, fold_checks, keep_check, read_checks
from core.catalogue.queries import Copy, Dump, Part
from core.errors import UsageError, WorldError
from core.events.event import CopyVerified, DiskDrilled, Record
from core.model.dump import NO_CRC
from core.prove import names as names_module
from core.prove.history import BAR, bar, by_disk, months, slower
from core.prove.names import Names, difference
from core.prove.sample import some
from core.prove.targets import Target, due, parse_share, sampled, targets_of

DAY = 86400.0
RUN = "20260110010000"


def a_dump(stamp: str, *copies: Copy, file: str = "", size: int = 100, host: str = "web1") -> Dump:
    return Dump(host, "/home", stamp, 0, "done", stamp, 0.0, 0.0, 1.0, size, size, NO_CRC, NO_CRC, NO_CRC, file, copies)


def a_copy(*labels: str, run: str = RUN, storage: str = "main", size: int = 100) -> Copy:
    parts = tuple(Part(label, number, size // len(labels), NO_CRC) for number, label in enumerate(labels, 1))
    return Copy(storage, run, parts, size, NO_CRC)


def checked_at(at: float, dump: Dump, copy: Copy | None, label: str = "", outcome: str = GOOD) -> Record:
    fact = CopyVerified("ana", dump.host, dump.disk, dump.datestamp, dump.level, copy.storage if copy else "",
                        copy.run if copy else "", label, 1, 1.0, outcome, "stored")
    return Record(1, at, fact)


def order(found: list[Target]) -> list[tuple[str, str]]:
    return [(target.dump.datestamp, target.place) for target in found]


def test_the_longest_unread_comes_first_and_what_was_never_read_before_all() -> None:
    old, new = a_dump("20260101", a_copy("A", run="1")), a_dump("20260102", a_copy("B", run="2"), file="/h/x")
    checked = fold_checks([checked_at(900.0, old, old.copies[0]), checked_at(100.0, new, None)])
    found = targets_of([old, new], checked, {"main"})
    assert order(found) == [("20260102", "volume B of storage main"), ("20260102", "holding file /h/x"),
                            ("20260101", "volume A of storage main")]
    assert [target.at for target in found] == [0.0, 100.0, 900.0]
    assert order(due(found, 500.0, 1000.0)) == order(found)[:2]
    assert order(due(found, 500.0, 1400.0)) == order(found)
    assert order(due(found, 500.0, 800.0)) == order(found), "a check in the future of a wrong clock counts for nothing"
    assert targets_of([old], checked, {"offsite"}) == [], "a storage that is not configured any more"


def test_a_copy_that_was_written_anew_is_new() -> None:
    dump = a_dump("20260101", a_copy("A", run="1"))
    again = a_dump("20260101", a_copy("A", run="2"))
    checked = fold_checks([checked_at(900.0, dump, dump.copies[0])])
    assert [t.at for t in targets_of([dump], checked, {"main"})] == [900.0]
    assert [t.at for t in targets_of([again], checked, {"main"})] == [0.0]


def test_a_copy_on_two_volumes_read_one_by_one() -> None:
    copy = a_copy("A", "B")
    dump = a_dump("20260101", copy)
    first = checked_at(100.0, dump, copy, "A")
    assert fold_checks([first]).of(dump, copy) is None, "half of it was read"
    both = fold_checks([first, checked_at(300.0, dump, copy, "B")])
    last = both.of(dump, copy)
    assert last is not None and last.at == 100.0
    bad = fold_checks([first, checked_at(200.0, dump, copy, "B", DAMAGED)]).of(dump, copy)
    assert bad is not None and (bad.at, bad.outcome) == (200.0, DAMAGED)
    mended = fold_checks([checked_at(200.0, dump, copy, "B", DAMAGED), checked_at(400.0, dump, copy)])
    last = mended.of(dump, copy)
    assert last is not None and (last.at, last.outcome) == (400.0, GOOD)
    [target] = targets_of([dump], both, {"main"}, "B")
    assert (target.at, target.size, target.whole, [part.label for part in target.parts]) == (300.0, 50, False, ["B"])
    [alone] = targets_of([a_dump("1", a_copy("C"), file="/h/y")], both, {"main"}, "C")
    assert alone.whole and not alone.label, "a dump that is whole on the volume is verified as a whole"


def test_a_sample_is_a_share_of_all_bytes_and_never_nothing() -> None:
    found = targets_of([a_dump(f"2026010{n}", file=f"/h/{n}") for n in range(1, 10)], fold_checks([]), ())
    sizes = [len(sampled(found, share, 900)) for share in (0.001, 0.1, 0.5, 1.0)]
    assert sizes == [1, 1, 5, 9]
    assert sampled([], 0.5, 0) == []


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), (" 100% ", 1.0), ("0.5%", 0.005)])
def test_a_share(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["5", "0%", "101%", "-1%", "x%", "nan%", "inf%", "%", ""])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(UsageError, match="VFY014"):
        parse_share(text)


def test_a_volume_is_as_good_as_what_is_on_it() -> None:
    one, two = a_dump("20260101", a_copy("A")), a_dump("20260102", a_copy("A", "B"))
    checked = fold_checks([checked_at(100.0, one, one.copies[0]), checked_at(200.0, two, two.copies[0], "B", DAMAGED)])
    found = by_volume([one, two], checked)
    assert (found["main", "A"].oldest, found["main", "A"].never, found["main", "A"].damaged) == (0.0, 1, 0)
    assert (found["main", "B"].oldest, found["main", "B"].never, found["main", "B"].damaged) == (200.0, 0, 1)


def test_checks_are_kept_and_a_torn_line_costs_nothing_else(tmp_path: Path) -> None:
    dump = a_dump("20260101", file="/h/x")
    assert read_checks(tmp_path).whole == {}
    fact = checked_at(1.0, dump, None).event
    drill = DiskDrilled("ana", "web1", "/home", "20260101", 3, 10, 20, 1.5, "frames", 7, GOOD)
    assert isinstance(fact, CopyVerified)
    assert keep_check(tmp_path / "state", fact, 5.0) == "" and keep_check(tmp_path / "state", drill, 6.0) == ""
    with open(tmp_path / "state" / NAME, "ab") as journal:
        journal.write(b'{"seq":3,"at":1.0,"event":"CopyVer')
    assert keep_check(tmp_path / "state", fact, 9.0) == ""
    found = read_checks(tmp_path / "state")
    last = found.of(dump, None)
    assert last is not None and last.at == 9.0 and found.drills == [(6.0, drill)]
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / NAME).mkdir()
    assert keep_check(tmp_path / "blocked", fact, 1.0).startswith("VFY013 ")
    with pytest.raises(WorldError, match="VFY013"):
        read_checks(tmp_path / "blocked")


def heap(*found: str) -> Names:
    names = Names()
    for name in found:
        names.add(name.rstrip("/").encode(), name.endswith("/"))
    return names


def test_names_are_the_same_in_any_order_and_a_difference_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    one = heap("a", "b/", "b/c")
    assert difference(one, heap("b/c", "a", "b/")) == ""
    assert difference(one, heap("a", "b/")) == "1 in the index and not in the archive: /b/c"
    assert difference(heap("a", "b"), heap("a", "b/")) == (
        "1 in the index and not in the archive: /b; 1 in the archive and not in the index: /b/")
    assert difference(heap("a"), heap("a", "a")) == "1 in the archive and not in the index: /a", "as often, too"
    monkeypatch.setattr(names_module, "FEW", 2)
    many, other = heap("a", "b", "c"), heap("a", "b", "d")
    assert difference(many, heap("c", "b", "a")) == ""
    assert difference(many, other) == "the index has 3 names, the archive 3, and they are not the same"


def test_each_file_is_chosen_as_often_as_any_other_and_a_seed_chooses_again() -> None:
    assert some(range(1000), 10, random.Random(4)) == some(range(1000), 10, random.Random(4))
    assert some(range(3), 10, random.Random(4)) == [0, 1, 2]
    counts = Counter(one for seed in range(2000) for one in some(range(20), 5, random.Random(seed)))
    assert min(counts.values()) > 400 and max(counts.values()) < 600, counts


def test_drills_over_months() -> None:
    def at(day: float, seconds: float, outcome: str = GOOD, disk: str = "/a") -> tuple[float, DiskDrilled]:
        return day * DAY, DiskDrilled("ana", "h", disk, "1", 5, 10, 1000, seconds, "frames", 1, outcome)

    grouped = by_disk([at(45, 8.0), at(10, 2.0), at(12, 4.0), at(14, 3.0), at(50, 99.0, "failed"), at(1, 1.0, disk="/b")])
    assert list(grouped) == [("h", "/a"), ("h", "/b")]
    found = months(grouped["h", "/a"])
    assert [(m.month, m.drills, m.failed, m.seconds) for m in found] == [("1970-01", 3, 0, 3.0), ("1970-02", 2, 1, 8.0)]
    assert slower(found) == pytest.approx(8 / 3)
    assert slower(found[:1]) == 0.0
    assert bar(8.0, 8.0) == "#" * BAR and bar(0.001, 8.0) == "#" and bar(0.0, 8.0) == ""
