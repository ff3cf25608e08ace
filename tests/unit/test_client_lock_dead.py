"""Runs that died: found, told in words, and closed without changing a fact."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from core.catalogue.rebuild import open_catalogue, rebuild
from core.client.lock import lock_run, lock_site, make_run_directory
from core.client.lock_dead import close_dead, close_run, dead_runs
from core.client.runs import Run, view_of
from core.codes import lookup
from core.driver.journal import Journal
from core.errors import WorldError
from core.events import event as e
from core.events.event import Choice, Event
from core.events.view import DiskState
from core.model.site import Site
from core.report.morning import report_text
from core.report.status import status_text
from tests.support.journals import site_of

DONE, WRITTEN, CUT, WAITS = ("a", "/done"), ("a", "/written"), ("b", "/cut"), ("b", "/waits")
NIGHT: tuple[Event, ...] = (
    e.RunBegan("20261123010000", "test", "/c.toml", "ana", 1, 2, 4, 2),
    *(e.DumpPlanned(*disk, 1, 0, 90, 90, 2, -1, 0, "due") for disk in (DONE, WRITTEN, CUT, WAITS)),
    e.DumpBegan("00-00001", *DONE, 0, "dumper0", "holding", "/h/done", 1, 90),
    e.DumpEnded("00-00001", *DONE, 0, "done", "", "/h/done", 90, 90, 1.0, "", "", "", ""),
    e.DumpBegan("00-00002", *WRITTEN, 0, "dumper0", "holding", "/h/written", 1, 90),
    e.DumpEnded("00-00002", *WRITTEN, 0, "done", "", "/h/written", 90, 90, 1.0, "", "", "", ""),
    e.VolumeBegan("taper0", "main", "A-1", 1),
    e.WriteBegan("90-00001", "taper0", "main", *WRITTEN, "20261123010000", 0, "/h/written", 90),
    e.PartWritten("90-00001", "main", "A-1", 1, 1, 90, ""),
    e.WriteEnded("90-00001", "main", *WRITTEN, "20261123010000", 0, "done", "", "/h/written", 90, 1, 1.0, ""),
    e.FileRemoved("/h/written", "on volume"),
    e.DumpBegan("00-00003", *CUT, 0, "dumper1", "holding", "/h/cut", 1, 90),
    e.QuestionAsked(1, "HLD003", "D", "b:/cut", "no room", (Choice("abort", "x"),), "abort", 9e9),
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_of(tmp_path, DONE, WRITTEN, CUT, WAITS)


def died(site: Site, *facts: Event) -> Run:
    """A run whose driver was killed after these facts."""
    run = Run(make_run_directory(site, "20261123010000"))
    journal = Journal(run.journal)
    for fact in facts:
        journal.add(fact)
    journal.close()
    lock = lock_run(run.path)
    assert dead_runs(site) == [], "it lives"
    os.close(lock)
    return run


def test_a_run_that_died_gets_its_last_words(site: Site) -> None:
    run = died(site, *NIGHT)
    said = close_dead(site, "cleanup")
    assert said == [
        "RUN040 run 20261123010000 died without a last word: its driver was killed, could write nothing any more, or the "
        "machine went down; dumped: a:/done, a:/written; not dumped: b:/cut, b:/waits"]
    view = view_of(run)
    assert {key: disk.state for key, disk in view.disks.items()} == {
        DONE: DiskState.DONE, WRITTEN: DiskState.DONE, CUT: DiskState.FAILED, WAITS: DiskState.FAILED}
    assert view.disks[DONE].message == "left on the holding disk: the run died"
    assert view.disks[CUT].message == "RUN040 its dump was cut off: the run died"
    assert view.ended == e.RunEnded(3, 2, 2, 1) and not view.open_questions
    assert [(volume.label, volume.closed, volume.size) for volume in view.volumes] == [("A-1", True, 90)]
    assert [notice.text.rpartition("; ")[2] for _, notice in view.notices] == ["closed by cleanup"]
    assert dead_runs(site) == [] and close_dead(site, "cleanup") == []
    for text in (report_text(view), status_text(view, _no_gauges(), 0.0, False)):
        assert "died without a last word" in " ".join(text.split()), text
    assert "b:/cut" in report_text(view) and "STOPPED" in report_text(view)


def _no_gauges():  # type: ignore[no-untyped-def]
    from core.events.gauges import Gauges

    return Gauges()


def test_half_a_line_is_no_fact_and_does_not_spoil_the_last_words(site: Site) -> None:
    run = died(site, *NIGHT)
    whole = run.journal.read_bytes()
    last = whole.rindex(b"\n", 0, len(whole) - 1) + 1
    for cut in (last + 1, last + 20, len(whole) - 1):
        run.journal.write_bytes(whole[:cut])
        before = view_of(run).seq
        close_dead(site, "the next run")
        assert view_of(run).ended is not None and not [n for _, n in view_of(run).notices if n.code == "RUN031"]
        assert run.journal.read_bytes().startswith(whole[:last]) and view_of(run).seq > before


def test_a_run_that_died_before_its_first_word_is_told_and_closed(site: Site) -> None:
    for made in range(2):
        run = died(site) if not made else Run(make_run_directory(site, "20261123020000"))
        empty = view_of(run)
        assert "ended before it wrote anything; 'taperoom cleanup'" in status_text(empty, _no_gauges(), 0.0, False)
        assert close_dead(site, "cleanup") == [f"RUN040 run {run.datestamp} died before it wrote anything"]
        assert view_of(run).ended == e.RunEnded(3, 0, 0, 0)


def test_the_catalogue_takes_the_last_words_in_and_equals_its_rebuild(site: Site) -> None:
    died(site, *NIGHT)
    with open_catalogue(site).catalogue as catalogue:
        assert catalogue.rows("SELECT code FROM runs") == [(-1,)]
    close_dead(site, "cleanup")
    with open_catalogue(site).catalogue as catalogue:
        assert catalogue.rows("SELECT code, done, failed FROM runs") == [(3, 2, 2)]
        assert catalogue.rows("SELECT closed FROM volumes") == [(1,)]
        kept = catalogue.dump()
    with rebuild(site) as catalogue:
        assert sorted(catalogue.dump()) == sorted(kept)


def test_a_journal_that_cannot_be_written_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    run = died(site, *NIGHT)
    before = run.journal.read_bytes()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(WorldError, match="20261123010000 died, and its journal cannot be closed: No space") as caught:
        close_run(site, dead_runs(site)[0], "cleanup")
    assert caught.value.code == "RUN041" and lookup("RUN041") is not None
    assert close_dead(site, "cleanup")[0].startswith("RUN041")
    assert run.journal.read_bytes() == before


def test_while_a_run_lives_nobody_else_has_the_site(site: Site) -> None:
    lock = lock_site(site.state_dir)
    with pytest.raises(Exception, match="another run"):
        lock_site(site.state_dir)
    os.close(lock)


def test_a_run_whose_work_was_done_ends_as_it_would_have(site: Site) -> None:
    run = died(site, *NIGHT, e.RunClosing(1, 4, 0, 2))
    close_dead(site, "cleanup")
    assert view_of(run).ended == e.RunEnded(1, 4, 0, 2)
