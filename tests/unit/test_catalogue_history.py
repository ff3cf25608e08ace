"""History rules, orders and retention, by hand-made nights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.catalogue.history import history_of, load_history
from core.catalogue.orders import load_orders, save_order, settle
from core.catalogue.protect import protected_labels
from core.catalogue.queries import dumps
from core.catalogue.rebuild import open_catalogue
from core.catalogue.traces import Trace, by_disk
from core.errors import WorldError
from core.model.history import DiskHistory
from core.model.site import Site
from core.model.units import seconds_of_datestamp
from tests.support.journals import Night, site_of

WEB = ("web1", "/home")
DB = ("db1", "/var")


def dump(day: int, level: int, *, size: int = 100, orig: int = 200, file: str = "/h/x") -> Trace:
    return Trace(*WEB, f"202601{day:02d}010000", level, day * 86400.0, 2.0, size, orig, file)


def history(*good: Trace, there: bool = True) -> DiskHistory:
    return history_of(good, lambda file: there)


def test_a_dump_makes_the_levels_above_it_void() -> None:
    found = history(dump(1, 0), dump(2, 1), dump(3, 2), dump(4, 1))
    assert sorted(found.levels) == [0, 1] and found.levels[1].datestamp == "20260104010000"
    assert (found.last_level, found.consecutive) == (1, 1)
    assert [stat.level for stat in found.recent] == [1, 2, 1, 0]


def test_nights_at_one_level_are_counted() -> None:
    found = history(dump(1, 0), dump(2, 1), dump(3, 1), dump(4, 1))
    assert (found.last_level, found.consecutive) == (1, 3)
    assert history(dump(1, 0), dump(2, 0)).consecutive == 2


def test_sizes_and_times_are_the_dumps() -> None:
    stat = history(dump(5, 0)).levels[0]
    assert (stat.size, stat.csize, stat.seconds, stat.date, stat.labels) == (200, 100, 2.0, 5 * 86400.0, ())


@pytest.mark.parametrize(("size", "orig"), [(0, 10), (10, 0)])
def test_an_empty_dump_counts_as_dumped_but_keeps_the_sizes(size: int, orig: int) -> None:
    found = history(dump(1, 0), dump(2, 1), dump(3, 1, size=size, orig=orig))
    stat = found.levels[1]
    assert (stat.size, stat.csize, stat.datestamp) == (200, 100, "20260103010000") and found.consecutive == 2
    assert history(dump(1, 0, size=size, orig=orig)).levels[0].csize == size


def test_a_dump_that_is_nowhere_is_no_base() -> None:
    found = history(dump(1, 0, file=""), dump(2, 1), dump(3, 2))
    assert found.levels == {} and (found.last_level, found.consecutive) == (-1, 0) and len(found.recent) == 3
    found = history(dump(1, 0), dump(2, 1, file=""), dump(3, 2))
    assert sorted(found.levels) == [0] and (found.last_level, found.consecutive) == (0, 1)
    assert history(dump(1, 0), there=False).levels == {}


def test_at_most_a_hundred_are_kept() -> None:
    assert len(history(*[dump(1 + n % 28, 0) for n in range(120)]).recent) == 100


def test_traces_come_disk_by_disk_and_say_what_the_queries_say(tmp_path: Path) -> None:
    names = ["/b", "/a", "/\udcff", "/\U0001f4be", "/\uffee", "/z: \n"]
    site = site_of(tmp_path, *[("web1", name) for name in names])
    for day in (1, 2, 3):
        night = Night(f"2026010{day}010000")
        night.volume(f"A-{day}")
        for number, name in enumerate(names):
            night.dump("web1", name, 0 if day == 1 else 1, file="/h/x" if number == 2 else "")
            parts = [(f"A-{day}", number * 2 + n, 10, f"0000000{n}:5000") for n in (1, 2)]
            night.write("web1", name, 0 if day == 1 else 1, parts, crc="000000ff:10000" if number != 3 else "000000ff:9999")
        night.write("web1", "/never dumped", 0, [(f"A-{day}", 99, 1, "")])
        night.write("web1", names[0], 5, [(f"A-{day}", 98, 1, "")], outcome="failed")
        night.end()
        night.store(site)
    with open_catalogue(site).catalogue as catalogue:
        found = {traces[0].disk: traces for traces in by_disk(catalogue)}
        assert found.keys() == set(names)
        for dump in dumps(catalogue):
            [trace] = [trace for trace in found[dump.disk] if trace.key == dump.key]
            assert trace.labels == dump.labels and (trace.file, trace.size, trace.began) == (dump.file, dump.size, dump.began)
            assert bool(trace.places) is (dump.disk != names[3])
        assert [len(traces) for traces in by_disk(catalogue, 1)] == [2] * len(names)


def test_load_history_of_nothing(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB)
    assert load_history(site) == {} and not site.catalogue.exists()


def test_load_history_has_orders_and_labels(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB, DB)
    night = Night("20260101010000")
    night.dump(*WEB, 0)
    night.volume("A-1")
    night.write(*WEB, 0, [("A-1", 1, 100, "")])
    night.end()
    night.store(site)
    save_order(site, "db1:/var", "full")
    save_order(site, "web1:/home", "hold")
    found = load_history(site)
    assert found[WEB].levels[0].labels == ("A-1",) and found[WEB].forced == ""
    assert found[DB] == DiskHistory(forced="full")


def test_orders_come_and_go(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB)
    assert load_orders(site) == {}
    for title, order in (("a:/", "full"), ("b:/", "bump"), ("c:/", "hold"), ("d:/", "full")):
        save_order(site, title, order)
    settle(site, [("a:/", 1), ("b:/", 1), ("c:/", 0), ("d:/", 0), ("e:/", 0)])
    assert load_orders(site) == {"a:/": "full", "c:/": "hold"}
    settle(site, [("e:/", 0)])
    save_order(site, "a:/", "")
    assert load_orders(site) == {"c:/": "hold"}


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"a": 1, "b": "nonsense"})])
def test_odd_orders_are_none(tmp_path: Path, text: str) -> None:
    site = site_of(tmp_path, WEB)
    site.state_dir.mkdir()
    (site.state_dir / "orders.json").write_text(text)
    assert load_orders(site) == {}


def test_an_order_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB)
    (tmp_path / "state").write_text("a file")
    with pytest.raises(WorldError, match=r"orders\.json cannot be written") as caught:
        save_order(site, "a:/", "full")
    assert caught.value.code == "RST003"


def nights(site: Site, *levels: int) -> None:
    """A night a day, each on a volume of its own."""
    for number, level in enumerate(levels, 1):
        night = Night(f"202601{number:02d}010000")
        night.dump(*WEB, level)
        night.volume(f"A-{number}")
        night.write(*WEB, level, [(f"A-{number}", 1, 100, "")])
        night.end()
        night.store(site)


NOW = seconds_of_datestamp("20260110010000")


def test_the_newest_and_the_young_are_kept(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB, tapes=1, days=8, full=0)
    nights(site, 0, 0, 0, 0)
    assert protected_labels(site, "main", NOW) == {
        "A-4": "one of the 1 newest volumes", "A-3": "written 7d00h ago, kept for 8 days"}


def test_the_last_fulls_are_kept_with_all_on_top(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB, tapes=0, days=0, full=1)
    nights(site, 0, 1, 0, 1, 2)
    assert protected_labels(site, site.storages["main"], NOW) == {
        "A-3": "has a last full of web1:/home (20260103010000)",
        "A-4": "has level 1 of web1:/home on top of a last full",
        "A-5": "has level 2 of web1:/home on top of a last full"}


def test_what_a_kept_incremental_stands_on_is_kept(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB, tapes=1, days=0, full=0)
    nights(site, 0, 1, 1, 2)
    assert protected_labels(site, "main", NOW) == {
        "A-4": "one of the 1 newest volumes",
        "A-3": "web1:/home level 2 of 20260104010000 needs it", "A-1": "web1:/home level 2 of 20260104010000 needs it"}


def test_another_storage_has_its_own_rules(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB)
    nights(site, 0)
    night = Night("20260105010000")
    night.dump(*WEB, 0, file="/h/a")
    night.end()
    night.store(site)
    with open_catalogue(site).catalogue as catalogue:
        assert len(dumps(catalogue)) == 2
    assert list(protected_labels(site, "main", NOW)) == ["A-1"]
