"""Whatever a sequence of nights did: live, rebuilt and caught-up catalogues hold the same rows, and a record counts once."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue.protect import base_of
from core.catalogue.queries import dumps
from core.catalogue.rebuild import open_catalogue, rebuild
from core.catalogue.store import Catalogue
from core.events import event as e
from tests.support.journals import Night, site_of

NAMES = st.sampled_from(["/home", "/srv/a b", "/\udcff", "c:d\n"])
LABELS = st.sampled_from(["A-1", "A-2", "A-3"])
STEPS = st.lists(st.one_of(
    st.tuples(st.just("dump"), NAMES, st.integers(0, 3), st.sampled_from(["done", "strange", "failed", "try-again"])),
    st.tuples(st.just("volume"), LABELS),
    st.tuples(st.just("write"), NAMES, st.integers(0, 3), st.integers(1, 3), st.sampled_from(["done", "failed"])),
    st.tuples(st.just("flush"), NAMES, st.integers(0, 3)),
    st.tuples(st.just("skip"), NAMES),
    st.tuples(st.just("ask"), st.integers(1, 3)),
), max_size=12)


def night_of(stamp: str, steps: list[tuple[object, ...]], ended: bool) -> Night:
    night, label, fileno, files = Night(stamp), "", 0, dict[tuple[object, ...], str]()
    for step in steps:
        match step:
            case ("dump", str(disk), int(level), str(outcome)):
                file = f"/h/{stamp}/{disk}.{level}" if outcome in ("done", "strange") else ""
                night.dump("web1", disk, level, file=file, outcome=outcome)
                files[disk, level] = file
            case ("volume", str(name)):
                label, fileno = name, 0
                night.volume(label)
            case ("write", str(disk), int(level), int(count), str(outcome)) if label and files.get((disk, level)):
                parts = [(label, fileno + n, 10, "") for n in range(1, count + 1)]
                fileno += count
                night.write("web1", disk, level, parts, outcome=outcome, file=files.pop((disk, level)))
            case ("flush", str(disk), int(level)):
                night.say(e.FlushPlanned("web1", disk, "20251231010000", level, f"/h/old/{disk}.{level}", 5))
            case ("skip", str(disk)):
                night.say(e.DiskSkipped("web1", disk, "no estimate", True), e.DiskEnded("web1", disk, -1, "failed", "x"))
            case ("ask", int(number)):
                night.say(e.QuestionAsked(number, "HLD003", "D", "x", "y", (), "abort", 1.0),
                          e.QuestionClosed(number, "abort", "", "deadline"))
    if ended:
        night.end()
    return night


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(STEPS, st.booleans()), min_size=1, max_size=4), st.integers(0, 40))
def test_live_rebuilt_and_caught_up_are_the_same(plans: list[tuple[list[tuple[object, ...]], bool]], cut: int) -> None:
    base = Path(tempfile.mkdtemp())
    try:
        site = site_of(base, ("web1", "/home"))
        nights = [night_of(f"202601{day:02d}010000", steps, ended) for day, (steps, ended) in enumerate(plans, 1)]
        for night in nights:
            night.store(site)
        with Catalogue(base / "live.sqlite") as live:
            for night in nights:
                for record in night.records[:cut]:
                    live.apply(night.datestamp, record)
                with live.batch():
                    for record in night.records:
                        live.apply(night.datestamp, record)
            first = live.dump()
            for night in nights:
                assert not any(live.apply(night.datestamp, record) for record in night.records)
            assert live.dump() == first
        with rebuild(site) as rebuilt:
            assert rebuilt.dump() == first
        # One that stopped in the middle of the last night catches up when it is opened.
        site.catalogue.unlink()
        with Catalogue(site.catalogue) as behind:
            for night in nights[:-1]:
                for record in night.records:
                    behind.apply(night.datestamp, record)
            for record in nights[-1].records[:cut]:
                behind.apply(nights[-1].datestamp, record)
        with open_catalogue(site).catalogue as opened:
            assert opened.dump() == first
            bases = base_of([dump for dump in dumps(opened) if dump.disk == "/home"])
            assert all(low[3] < high[3] and low[2] <= high[2] for high, low in bases.items())
    finally:
        shutil.rmtree(base)
