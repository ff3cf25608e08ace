"""How much of a holding disk is taken while a run writes dumps, and while it flushes those of earlier runs."""

from __future__ import annotations

from pathlib import Path

from core.client.spool import AreaRow, DumpRow, Spool
from core.events import event as e
from core.events.gauges import Gauges
from core.events.room import taken
from core.events.view import RunView
from core.report.status import status_text
from tui.look import Look
from tui.moment import Link, Moment
from tui.panes import spool
from tui.panes.status import plain

MIB = 1024
OLD, NOW = "20260101010000", "20260102010000"
FREE = 12 * MIB + 100
FILES = {f"/h/{OLD}/web1._{n}.0": 14 * MIB for n in range(2)}


def run(use: int) -> RunView:
    view = RunView()
    view.apply_all([e.Record(1, 1.0, e.RunBegan(NOW, "test", "", "", 1, 1, 1, 1)),
                    e.Record(2, 1.0, e.HoldingFound("/h", 100 * MIB, use, 0))])
    return view


def flushing(files: dict[str, int]) -> RunView:
    view = run(FREE)
    view.apply_all([e.Record(3 + n, 2.0, e.FlushPlanned("web1", f"/{n}", OLD, 0, file, size))
                    for n, (file, size) in enumerate(files.items())])
    return view


def test_what_a_flush_has_not_written_yet_is_taken() -> None:
    view, all_of_it = flushing(FILES), FREE + 28 * MIB
    assert taken(view, Gauges(holding={"/h": (FREE, 0, 28 * MIB)}), "/h") == (28 * MIB, all_of_it)
    view.apply_all([e.Record(9, 3.0, e.FileRemoved(next(iter(FILES)), "on volume T-1"))])
    assert taken(view, Gauges(holding={"/h": (FREE + 14 * MIB, 0, 14 * MIB)}), "/h") == (14 * MIB, all_of_it)
    assert taken(view, Gauges(), "/h") == (14 * MIB, all_of_it)  # of a run that is over, or replayed


def test_of_a_run_that_dumps_what_is_promised_and_what_is_whole_is_taken() -> None:
    view = run(40 * MIB)
    assert taken(view, Gauges(holding={"/h": (30 * MIB, 10 * MIB, 4 * MIB)}), "/h") == (10 * MIB, 40 * MIB)
    assert taken(view, Gauges(holding={"/h": (40 * MIB, 0, 0)}), "/h") == (0, 40 * MIB)
    assert taken(view, Gauges(), "/h") == (0, 40 * MIB)
    assert taken(RunView(), Gauges(), "/h") == (0, 0)


def test_the_screen_and_the_status_agree() -> None:
    """Also before the planner has named what is flushed: it lies there, whoever knows of it."""
    gauges = Gauges(holding={"/h": (FREE, 0, 28 * MIB)})
    dumps = tuple(DumpRow(Path(file), "/h", "web1", "/", OLD, 0, size, 1, "whole", "", 1.0, "GNUTAR", "", 0, "")
                  for file, size in FILES.items())
    found = Spool((AreaRow("/h", 100 * MIB, FREE, FREE, 28 * MIB),), dumps, ())
    rows = set()
    for view, link in ((RunView(), Link.NONE), (run(FREE), Link.LIVE), (flushing(FILES), Link.LIVE)):
        now = Moment(view, gauges, now=5.0, look=Look(), link=link)
        rows.add(plain(spool.area_rows(now, found, 120)[0]))
    assert len(rows) == 1 and " 69%  28.0M/40.1M" in rows.pop()
    said = status_text(flushing(FILES), gauges, alive=True, now=5.0)
    assert "holding /h: 40.1 MiB to use, 28.0 MiB of dumps, 12.1 MiB free" in said
