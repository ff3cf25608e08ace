"""Datestamps that are later than the clock: what counts as now, as young, as the last, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.catalogue.checked import fold_checks
from core.catalogue.history import load_history
from core.catalogue.protect import protected_labels
from core.catalogue.queries import dumps
from core.catalogue.rebuild import open_catalogue, rebuild
from core.client.checks import server
from core.client.runs import ahead_runs, find_run, list_runs
from core.client.standing import beside
from core.events import event as e
from core.model.history import DiskHistory
from core.model.site import Site
from core.model.units import datestamp_of, is_ahead, seconds_of_datestamp
from core.planning.explain import MISDATED
from core.planning.plan import plan, stand_all
from core.planning.sizing import Answer
from core.prove.targets import sampled, targets_of
from core.prove.verify import ahead_of
from core.restore.asof import NEWEST
from core.restore.chain import choose
from tests.support.cli import call
from tests.support.journals import Night, site_of
from tests.unit.test_prove_pure import a_copy, a_dump, checked_at
from tests.unit.test_restore_pure import dump

WEB = ("web1", "/home")
NOW = seconds_of_datestamp("20260110120000")
LATE = "20310101030000"


def test_two_days_are_no_fault_of_a_clock() -> None:
    assert not is_ahead("20260112115959", NOW) and is_ahead("20260112120001", NOW)
    assert is_ahead("20270101", NOW) and not is_ahead("20260111", NOW) and not is_ahead("X", NOW)


def test_without_a_date_what_the_clock_can_explain_is_taken() -> None:
    late = replace(dump(1, 0), datestamp=LATE)
    chain, said = choose("web1:/home", [dump(1, 0), dump(2, 1), late], NEWEST, NOW)
    assert [found.datestamp for found in chain] == ["20260101030000", "20260102030000"]
    assert said == ["RST028 web1:/home: 1 dump is dated later than this machine's clock (2026-01-10 12:00:00), the newest"
                    " 2031-01-01 03:00:00: the clock was wrong then, or is now; passed over, --as-of '2031-01-01 03:00:00'"
                    " takes it"]
    assert choose("web1:/home", [dump(1, 0), late], LATE, NOW) == ((late,), []), "who names it gets it"
    assert choose("web1:/home", [dump(1, 0), replace(late, copies=())], NEWEST, NOW)[1] == [], "it cannot be had anyway"


def test_where_all_are_dated_later_the_newest_is_taken_and_that_is_said() -> None:
    chain, [said] = choose("d", [dump(1, 0), dump(2, 1)], NEWEST, seconds_of_datestamp("20000101000000"))
    assert [found.level for found in chain] == [0, 1]
    assert said.startswith("RST028 d: 2 dumps are dated later than this machine's clock (2000-01-01 00:00:00)")
    assert said.endswith("taken all the same, since nothing older can be restored")
    # What is not dated later is gone: then the later one, which can be had.
    late = replace(dump(1, 0), datestamp=LATE)
    chain, [said] = choose("d", [dump(1, 0, held=False), late], NEWEST, NOW)
    assert chain == (late,) and "taken all the same" in said


def nights(site: Site, *each: tuple[str, int, str]) -> None:
    """Nights with one dump: datestamp, level and why it was planned, each on a volume of its own."""
    for number, (stamp, level, why) in enumerate(each, 1):
        night = Night(stamp)
        night.say(e.DumpPlanned(*WEB, 1, level, 100, 100, 1, -1, 0, why))
        night.dump(*WEB, level)
        night.volume(f"A-{number}")
        night.write(*WEB, level, [(f"A-{number}", 1, 100, "")])
        night.end()
        night.store(site)


def test_a_volume_of_the_future_is_kept_and_takes_no_place(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB, tapes=1, days=0, full=1)
    nights(site, ("20260101030000", 0, ""), (LATE, 0, ""), ("20260102030000", 0, ""), ("20260103030000", 1, ""))
    assert protected_labels(site, "main", NOW) == {
        "A-4": "one of the 1 newest volumes", "A-3": "has a last full of web1:/home (20260102030000)",
        "A-2": f"dated {LATE}, later than this machine's clock: the clock was wrong then, or is now"}


def test_nothing_builds_on_a_dump_of_the_future(tmp_path: Path) -> None:
    """Its date tells nothing of when it was made, so the client's snapshot may be of it: a full is made, once."""
    site = site_of(tmp_path, WEB)
    nights(site, ("20260101030000", 0, ""), (LATE, 0, ""))
    found = load_history(site, NOW)[WEB]
    assert (found.levels, found.last_level, found.misdated) == ({}, -1, LATE)
    answers = {WEB: Answer({0: 100, 1: 10})}
    for history in (found, replace(found, forced="full")):
        [line] = plan(site, stand_all(site.disks, {WEB: history}, NOW), answers).dumps
        assert line.level == 0 and line.why.startswith(f"{MISDATED}{LATE} is dated later than the clock")
    why = f"{MISDATED}{LATE} is dated later than the clock"
    nights(site, ("20260101030000", 0, ""), (LATE, 0, ""), ("20260109030000", 0, why))
    after = load_history(site, NOW)[WEB]
    assert after.misdated == "" and after.levels[0].datestamp == "20260109030000"
    assert load_history(site, seconds_of_datestamp(LATE))[WEB].levels[0].datestamp == LATE
    assert DiskHistory() == DiskHistory(misdated="")


def test_a_check_of_the_future_counts_as_none() -> None:
    one, two = a_dump("20260101", a_copy("A", run="1")), a_dump("20260102", a_copy("B", run="2"))
    checked = fold_checks([checked_at(NOW + 1e8, one, one.copies[0]), checked_at(NOW - 5.0, two, two.copies[0])])
    targets = targets_of([one, two], checked, {"main"}, now=NOW)
    assert [target.dump for target in sampled(targets, 0.01, 200)] == [one], "it comes first, not last"
    stamp = datestamp_of(NOW + 1e8)
    assert ahead_of(targets, NOW) == [
        f"VFY016 1 copy was read later than this machine's clock says, the last on {stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} "
        f"{stamp[8:10]}:{stamp[10:12]}:{stamp[12:]}: the clock was wrong then, or is now; they count as never read, and so come"
        " first"]
    assert ahead_of(targets, NOW + 2e8) == []


def test_the_last_run_is_one_that_the_clock_can_explain(tmp_path: Path) -> None:
    site = site_of(tmp_path, WEB)
    nights(site, ("20260101030000", 0, ""), ("20260102030000", 0, ""), (LATE, 0, ""))
    assert [run.datestamp for run in ahead_runs(list_runs(site.state_dir), NOW)] == [LATE]
    found = [find_run(site.state_dir, name, now) for name, now in (("", NOW), ("2031", NOW), ("", 0.0))]
    assert [run.datestamp if run else "" for run in found] == ["20260102030000", LATE, LATE]


def test_status_and_check_say_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vtapes/slot1").mkdir(parents=True)
    config = tmp_path / "taperoom.toml"
    config.write_text(f"org = 't'\nstate_dir = '{tmp_path}/state'\n[storage.main]\nchanger = 'disk:{tmp_path}/vtapes'\n")
    site = replace(site_of(tmp_path, WEB), file=config)
    nights(site, ("20260101030000", 0, ""), ("20991231030000", 0, ""))
    said = call(capsys, "--config", str(config), "status")
    assert said.code == 0 and "run 20260101030000" in said.out
    assert said.err.startswith("RUN043 1 run is dated later than this machine's clock (") and said.err.count("\n") == 1
    assert "the newest 2099-12-31 03:00:00: the clock was wrong then, or is now; 'taperoom status 20991231030000'" in said.err
    assert "RUN043" not in call(capsys, "--config", str(config), "status", "2099").err
    said = call(capsys, "--config", str(config), "check", "--no-clients")
    assert "RUN043 clock: this machine's clock says" in " ".join(said.out.split()), said.out
    assert "but 1 run is dated later, the newest 2099-12-31 03:00:00: correct the clock" in " ".join(said.out.split())
    site.tapelist.write_text("20991231030000 A-2 reuse BLOCKSIZE:32 POOL:main STORAGE:main CONFIG:t\n")
    [found] = [finding for finding in server(site) if finding.subject == "clock"]
    assert (found.severity, found.code) == ("W", "RUN043") and "but 1 run and 1 volume are dated later" in found.text


def test_one_steps_past_dumps_of_one_second() -> None:
    from core.client.browse import Date

    found = [Date(stamp, level, 1, (), 0.0) for stamp, level in (("3", 0), ("2", 1), ("2", 0), ("1", 0))]
    assert [beside(found, stamp, by) for stamp, by in (("3", -1), ("2", -1), ("1", 1), ("1", -1))] == [
        found[1], found[3], found[1], None]


def test_a_volume_of_the_future_that_was_written_anew_has_the_new_dumps(tmp_path: Path) -> None:
    """Also after a rebuild, and a run meanwhile does not have the whole catalogue made again."""
    site = site_of(tmp_path, WEB)
    nights(site, ("20260101030000", 0, ""), ("20990101030000", 0, ""))
    rebuild(site).close()
    night = Night("20260103030000")
    night.dump(*WEB, 0)
    night.volume("A-2")
    night.write(*WEB, 0, [("A-2", 1, 100, "")])
    night.store(site)
    assert open_catalogue(site).warnings == []
    site.tapelist.write_text("20260103030000 A-2 reuse BLOCKSIZE:32 POOL:main STORAGE:main CONFIG:t\n")
    for catalogue in (open_catalogue(site).catalogue, rebuild(site)):
        with catalogue:
            assert [dump.labels for dump in dumps(catalogue)] == [("A-1",), ("A-2",), ()]
    # One that took over a volume of an earlier run, as it does before anybody notices the clock, has it still.
    site.tapelist.write_text("20990101030000 A-1 reuse BLOCKSIZE:32 POOL:main STORAGE:main CONFIG:t\n")
    late = Night("20990101030000")
    late.dump(*WEB, 0)
    late.volume("A-1")
    late.write(*WEB, 0, [("A-1", 1, 100, "")])
    late.store(site)
    with rebuild(site) as catalogue:
        assert [dump.labels for dump in dumps(catalogue)] == [(), ("A-2",), ("A-1",)]
