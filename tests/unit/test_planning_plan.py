"""One night: levels, what does not fit, promotion, order and the sentence for each disk."""

from __future__ import annotations

from typing import Any

import pytest

from core.model.disk import Compression, Disk, Dumptype, Host, Strategy
from core.model.history import DiskHistory
from core.model.site import Storage
from core.model.units import EPOCH_DUMPDATE, Kib
from core.planning.plan import Use, plan, stand_all, to_ask, totals
from core.planning.sizing import Answer
from core.protocol.planner import DumpLine, PlanB, Skip
from tests.support.planning import NOW, dumpdate, lines, make_disk, make_site, past, shown, stat, tonight

H = "web1"


def due(days_ago: float = 7, size: int = 1000) -> DiskHistory:
    """A disk whose last full is so old, with incrementals since."""
    return past(stat(0, size, days_ago), stat(1, 100, 2), stat(1, 100, 1))


def test_one_line_in_full() -> None:
    """Every field of a dump line: a full that is due, with its incremental as plan B."""
    disk = make_disk(compress=Compression.CLIENT_FAST, priority=2)
    history = past(stat(0, 4000, 9, 2000, 10.0), stat(1, 400, 1, 100, 1.0))
    found = tonight(make_site([disk]), {disk.key: history}, {"/home": {0: 5000, 1: 800}})
    assert found.dumps == (DumpLine(
        H, "/home", 4, 0, Kib(2500), 12, PlanB(1, Kib(200), 2, dumpdate(9)), Kib(5000), 200, EPOCH_DUMPDATE, "ff",
        "full overdue 2 days",
    ),)
    assert (found.full_kib, found.incremental_kib, found.total_kib) == (2500, 0, 2500)
    assert found.uses == (Use("main", 64 + 32 + 2500, None, 1),)
    assert totals(found) == (
        "1 dumps, 1 full 2.4 MiB, 0 incremental 0 B, 0 skipped, balanced size 357 KiB"
    )


def test_dumpdate_is_that_of_the_newest_lower_level() -> None:
    disk = make_disk()
    history = past(stat(0, 90_000, 4), stat(1, 50_000, 3), stat(2, 100, 1))
    # A lone full may not be promoted: nothing would be left for its day.
    assert lines(tonight(make_site([disk]), {disk.key: history}, {"/home": {2: 100}}))["/home"].dumpdate == dumpdate(3)


@pytest.mark.parametrize(("kind", "history", "sizes", "expected"), [
    ({}, DiskHistory(), {0: 10}, "0: new disk, first full"),
    ({}, DiskHistory({}, (stat(0, 10, 1),)), {0: 10}, "0: no volume holds its last full any more, a new one"),
    ({}, due(7), {0: 10, 1: 1}, "0: full due today"),
    ({}, due(8), {0: 10, 1: 1}, "0: full overdue 1 day"),
    ({}, due(3), {1: 1}, "1: incremental, full due in 4 days"),
    ({}, due(6), {1: 1}, "1: incremental, full due in 1 day"),
    ({"dumpcycle": 0}, due(1), {0: 10, 1: 1}, "0: full every run"),
    ({"strategy": Strategy.NOINC}, due(1), {0: 10}, "0: full every run"),
    ({"strategy": Strategy.NOINC}, DiskHistory(), {0: 10}, "0: full every run"),
    ({"strategy": Strategy.NOFULL}, DiskHistory(), {1: 10}, "1: incremental, never a full"),
    ({"strategy": Strategy.INCRONLY}, due(9), {1: 10}, "1: incremental, never a full"),
    ({"strategy": Strategy.SKIP}, due(9), {}, "PLN011 strategy skip: never dumped"),
    ({"strategy": Strategy.INCRONLY}, DiskHistory(), {},
     "!PLN005 strategy incronly needs an earlier full, and none is known"),
    ({"skip_full": True}, due(7), {}, "PLN011 skip_full: the full of today is made elsewhere"),
    ({"skip_full": True}, DiskHistory(), {},
     "!PLN005 skip_full is set, but no full is known; force one or unset skip_full"),
    ({"skip_incr": True}, due(3), {}, "PLN011 skip_incr: only fulls are dumped, none is due"),
    ({}, past(stat(0, 10, 1), forced="full"), {0: 10, 1: 1}, "0: full forced by the operator"),
    ({}, past(stat(0, 10, 1), forced="no-bump"), {0: 10}, "0: level kept by the operator"),
    ({}, past(stat(0, 10, 9), stat(1, 1, 1), forced="level-1"), {1: 1}, "1: level 1 forced by the operator"),
    ({}, past(stat(0, 10, 9), stat(1, 1, 1), forced="bump"), {2: 1}, "2: level raised by the operator"),
    ({}, past(stat(0, 10, 3), stat(1, 1, 1), forced="no-bump"), {1: 1}, "1: level kept by the operator"),
    ({}, past(stat(0, 900_000, 3), stat(1, 50_000, 2), stat(1, 50_000, 1)), {1: 60_000, 2: 19_040},
     "2: bumped 1>2, saves 40.0 MiB"),
    ({}, past(stat(0, 900_000, 3), stat(1, 50_000, 2), stat(1, 50_000, 1)), {1: 60_000, 2: 59_000},
     "1: incremental, full due in 4 days"),
    ({}, past(stat(0, 900_000, 3), stat(1, 50_000, 2), stat(1, 50_000, 1)), {0: 900_000, 2: 59_000},
     "1: incremental, full due in 4 days; size from history"),
])
def test_levels_and_why(kind: dict[str, Any], history: DiskHistory, sizes: dict[int, int], expected: str) -> None:
    """The level of one disk alone, and its sentence.  The tape is small enough that nothing is promoted."""
    disk = make_disk(**kind)
    other = make_disk("/other")
    site = make_site([disk, other])
    found = tonight(site, {disk.key: history, other.key: due(7)}, {"/home": sizes, "/other": {0: 10**7, 1: 1}})
    assert shown(found)["/home"] == expected


def test_held_disks_rest() -> None:
    disk = make_disk()
    found = plan(make_site([disk]), stand_all([disk, disk], {}, NOW, {disk.key}), {})
    assert found.skips == (Skip(H, "/home", "PLN011 held back by the operator"),)
    assert to_ask(stand_all([disk], {}, NOW, {disk.key})[0]) == ()
    assert to_ask(stand_all([disk], {}, NOW)[0]) == (0,)


def test_a_full_without_size_becomes_an_incremental() -> None:
    """And an incremental without size a full."""
    disk = make_disk()
    lost = DiskHistory({0: stat(0, 500, 8)}, (), 0, 1)  # small enough that no size is believed
    assert shown(tonight(make_site([disk]), {disk.key: lost}, {"/home": {1: 10}})) == {
        "/home": "1: full due, but it has no size; incremental instead"}
    fresh = DiskHistory({0: stat(0, 500, 1)}, (), 0, 1)
    assert shown(tonight(make_site([disk]), {disk.key: fresh}, {"/home": {0: 10}})) == {
        "/home": "0: full, because no incremental has a size"}


def answer_of(answer: Answer, history: DiskHistory) -> dict[str, str]:
    disk = make_disk()
    site = make_site([disk])
    return shown(plan(site, stand_all([disk], {disk.key: history}, NOW), {disk.key: answer}))


def test_clients_that_fail() -> None:
    """A known disk is planned from history and says so; a new one fails with the client's reason."""
    dead = Answer(error="CLT009 web1: connection refused", reached=False)
    assert answer_of(dead, due(7)) == {"/home": "0: full due today; client did not answer; size from history"}
    assert answer_of(dead, past(stat(0, 9000, 1))) == {
        "/home": "1: incremental, full due in 6 days; client did not answer; size guessed"}
    assert answer_of(dead, DiskHistory()) == {
        "/home": "!CLT009 web1: connection refused; no earlier dump tells how big it is"}
    assert answer_of(Answer(error="nobody there", reached=False), DiskHistory()) == {
        "/home": "!PLN003 new disk, and its client did not answer: nobody there"}
    missing = Answer(error="no such directory")
    assert answer_of(missing, DiskHistory()) == {"/home": "!PLN003 no size: no such directory"}
    assert answer_of(missing, due(7)) == {
        "/home": "0: full due today; no estimate from the client (no such directory); size from history"}
    assert answer_of(Answer({1: 5}), DiskHistory()) == {
        "/home": "!PLN003 the client gave no size, and no earlier dump tells one"}


def test_sizes_that_nobody_needs_are_no_size() -> None:
    """A level-1 order of a disk whose level 1 has no size at all."""
    disk = make_disk()
    history = DiskHistory({0: stat(0, 9000, 1)}, (), 0, 1, "bump")
    found = plan(make_site([disk]), stand_all([disk], {disk.key: history}, NOW), {disk.key: Answer({0: 7})})
    assert shown(found) == {"/home": "!PLN003 the client gave no size, and no earlier dump tells one"}


def test_order_is_priority_then_size() -> None:
    disks = [make_disk("/a"), make_disk("/b", priority=3), make_disk("/c"), make_disk("/d")]
    found = tonight(
        make_site(disks), {d.key: due(7) for d in disks},
        {"/a": {0: 10}, "/b": {0: 1}, "/c": {0: 30}, "/d": {0: 10}})
    assert [line.disk for line in found.dumps] == ["/b", "/c", "/a", "/d"]


def test_storages() -> None:
    """A disk that goes to two storages needs room on both; one that names an unknown storage needs none."""
    stores = {name: Storage(name, "disk:/x", capacity=capacity, part_size=10)
              for name, capacity in (("main", 10_000), ("offsite", 1000))}
    both, one = make_disk("/both", storage=("main", "offsite")), make_disk("/one")
    odd = Disk(Host(H), "/odd", Dumptype(compress=Compression.NONE, storage=("nowhere",)))
    site = make_site([both, one, odd], storages=stores, runtapes=2)
    found = tonight(site, {d.key: due(7) for d in site.disks}, {n: {0: 3000, 1: 10} for n in ("/both", "/one", "/odd")})
    assert shown(found) == {
        "/both": "1: PLN012 delayed full: full of 2.9 MiB needs 3 volumes of offsite, you allow 2",
        "/one": "0: full due today", "/odd": "0: full due today"}
    assert found.uses == (Use("main", 64 + 42 + 3032, 20_000, 1), Use("offsite", 64 + 42, 2000, 1))


def test_a_site_without_storages() -> None:
    """Everything stays on the holding disk: nothing limits it."""
    disk = make_disk()
    found = tonight(make_site([disk], storages={}), {}, {"/home": {0: 4000}})
    assert (shown(found), found.uses) == ({"/home": "0: new disk, first full"}, ())


def test_runtapes_of_a_storage_win() -> None:
    store = Storage("main", "disk:/x", capacity=1000, part_size=10, runtapes=5)
    disk = make_disk()
    found = tonight(make_site([disk], storages={"main": store}), {}, {"/home": {0: 4000}})
    assert found.uses[0].room == 5000
    assert found.uses[0].volumes == 5
