"""The planner over what earlier runs left: dumps in holding, history, the operator's orders; and its arguments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.holding.header import HEADER_SIZE, Header, Kind, build
from core.model.units import dumpdate_of, seconds_of_datestamp
from core.protocol.planner import DumpLine, EndFlush, EndPlan, Estimate, Flush
from tests.support.journals import Night
from tests.support.planner import STAMP, PlannerSite, Spoken

WELL = {"steps": [["all", 5000]]}
DEAD = {"noop": "die"}


def leave(site: PlannerSite, stamp: str, host: str, disk: str, level: int, *, name: str = "", tmp: str = "") -> str:
    """A dump of 64 KiB that an earlier run left; its file."""
    path = site.holding / stamp / (name or f"{host}.{disk.replace('/', '_')}.{level}{tmp}")
    path.parent.mkdir(exist_ok=True)
    header = Header(Kind.FILE, datestamp=stamp, host=host, disk=disk, level=level, program="GNUTAR", comp="N")
    path.write_bytes(build(header, size=HEADER_SIZE) + bytes(65536))
    return str(path)


def journal(site: PlannerSite, *nights: Night) -> None:
    """What the catalogue is made of."""
    from core.events.codec import encode

    for night in nights:
        path = site.state / "runs" / night.datestamp / "journal.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(encode(record) for record in night.end()))


def full(site: PlannerSite, stamp: str, *disks: tuple[str, str], level: int = 0, size: int = 4000) -> None:
    """A run that dumped these and wrote them to a volume."""
    night = Night(stamp)
    label = f"T-{stamp[6:8]}"
    night.volume(label)
    for number, (host, disk) in enumerate(disks, 1):
        file = f"{site.holding}/{stamp}/{host}.{disk.replace('/', '_')}.{level}"
        night.dump(host, disk, level, file=file, size=size, orig=size)
        night.write(host, disk, level, [(label, number, size, "")], file=file)
    journal(site, night)


def test_flushes_come_first(tmp_path: Path) -> None:
    """Whole dumps of earlier runs, oldest first; not this run's own, not unfinished ones, not what is no dump."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    newer = leave(site, "20261122010000", "web1", "/home", 1)
    older = leave(site, "20261121010000", "gone", "/was here", 0)
    leave(site, STAMP, "web1", "/home", 0)
    leave(site, "20261122010000", "web1", "/var", 0, tmp=".tmp")
    (site.holding / "20261122010000" / "README").write_text("not ours\n")
    found = site.plan()
    assert found.said[1:4] == (
        Flush("gone", "/was here", "20261121010000", 0, older),
        Flush("web1", "/home", "20261122010000", 1, newer), EndFlush())
    assert "web1._var.0.tmp: not flushed: " in found.log


def test_flushes_alone_are_a_plan(tmp_path: Path) -> None:
    """Every disk is held, but something waits: exit code 0; without it there is nothing to do."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    site.state.mkdir()
    (site.state / "orders.json").write_text('{"web1:/home": "hold"}')
    nothing = site.plan()
    assert (nothing.code, nothing.verdicts) == (1, {"web1:/home": "PLN011 held back by the operator"})
    assert nothing.log.endswith(
        "planner: PLN002 nothing to do: no disk is to be dumped, no dump waits on the holding disk\n")
    assert site.seen("web1") == ""
    leave(site, "20261122010000", "web1", "/home", 1)
    assert site.plan().code == 0


def test_no_autoflush(tmp_path: Path) -> None:
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])}, run={"autoflush": False})
    leave(site, "20261122010000", "web1", "/home", 1)
    assert site.plan().of(Flush) == []


def test_no_dump(tmp_path: Path) -> None:
    """Only flushes, also without autoflush; no client is asked; with names only theirs."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home", "/var"])}, run={"autoflush": False})
    home = leave(site, "20261122010000", "web1", "/home", 1)
    leave(site, "20261122010000", "gone", "/old", 1)
    found = site.plan("--no-dump")
    assert (found.code, len(found.of(Flush)), found.said[-2:]) == (0, 2, (EndFlush(), EndPlan(4)))
    assert site.seen("web1") == ""
    assert [flush.file for flush in site.plan("--no-dump", "web1").of(Flush)] == [home]
    nothing = site.plan("--no-dump", "web1:/var")
    assert (nothing.code, nothing.log) == (1, "planner: PLN002 nothing to do: no dump waits on the holding disk\n")


def test_history_decides_the_level(tmp_path: Path) -> None:
    """The day after a full: level 1; a week later the full is due, with plan B and its dumpdate."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    full(site, "20261122010000", ("web1", "/home"))
    found = site.plan()
    assert found.verdicts == {"web1:/home": "1: incremental, full due in 6 days"}
    assert {(e.level, e.size) for e in found.of(Estimate)} == {(0, 5000), (1, 500)}
    later = site.plan(datestamp="20261130010000")
    [line] = later.of(DumpLine)
    assert line.plan_b is not None
    assert later.verdicts == {"web1:/home": "0: full overdue 1 day"}
    assert (line.plan_b.level, line.plan_b.size) == (1, 500)
    assert line.plan_b.dumpdate in [dumpdate_of(seconds_of_datestamp("20261122010000") + n) for n in range(1, 9)]


def test_a_dead_client_is_planned_from_history(tmp_path: Path) -> None:
    """So that it is dumped when it comes back while the run lasts; its new disk fails."""
    site = PlannerSite(tmp_path, {"web1": (DEAD, ["/home", "/new"])})
    full(site, "20261122010000", ("web1", "/home"))
    found = site.plan()
    assert found.verdicts["web1:/home"] == (
        "1: incremental, full due in 6 days; client did not answer; size guessed")
    assert found.verdicts["web1:/new"].startswith("!CLT001 ")


def test_offline(tmp_path: Path) -> None:
    """Sizes from history; no client is bothered."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    full(site, "20261121010000", ("web1", "/home"))
    full(site, "20261122010000", ("web1", "/home"), level=1, size=40)
    found = site.plan("--offline", "--dry-run")
    assert found.verdicts == {"web1:/home": "1: incremental, full due in 5 days; size from history"}
    assert found.of(DumpLine)[0].size == 40
    assert site.seen("web1") == ""


def test_orders(tmp_path: Path) -> None:
    """A forced full, with its incremental as plan B."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home", "/var"])})
    full(site, "20261122010000", ("web1", "/home"), ("web1", "/var"))
    (site.state / "orders.json").write_text(json.dumps({"web1:/home": "full", "web1:/gone": "full", "odd": 7}))
    found = site.plan()
    assert found.verdicts["web1:/home"] == "0: full forced by the operator"
    assert found.of(DumpLine)[0].plan_b.level == 1
    assert found.of(DumpLine)[0].priority == 8


def test_a_broken_catalogue_is_made_again(tmp_path: Path) -> None:
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    full(site, "20261122010000", ("web1", "/home"))
    site.plan()
    (site.state / "catalogue.sqlite").write_bytes(b"this is no database" * 500)
    assert site.plan().verdicts == {"web1:/home": "1: incremental, full due in 6 days"}


def test_an_unreadable_history_is_said(tmp_path: Path) -> None:
    """No state can be made there: every disk is planned like a new one, loudly."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    site.state.mkdir()
    (site.state / "runs").mkdir()
    (site.state / "catalogue.sqlite").mkdir()
    found = site.plan()
    assert found.code == 0
    assert "planner: PLN008 " in found.log
    assert "every disk is planned like a new one" in found.log
    assert found.verdicts == {"web1:/home": "0: new disk, first full"}


def test_some_disks_only(tmp_path: Path) -> None:
    """A host, or a disk by its full name."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home", "/var"]), "db1": (WELL, ["/srv"])})
    assert set(site.plan("web1").verdicts) == {"web1:/home", "web1:/var"}
    assert set(site.plan("db1", "web1:/var").verdicts) == {"db1:/srv", "web1:/var"}
    wrong = site.plan("web1:/vra", "db2")
    assert (wrong.code, wrong.said) == (2, ())
    assert wrong.log == "planner: PLN001 not in the configuration: web1:/vra, db2  Hint: do you mean web1:/var?\n"
    assert site.plan("nothing-like-it").log.endswith("Hint: see taperoom disk list\n")


@pytest.mark.parametrize(("words", "message"), [
    (["--bogus=1"], "PLN010 the planner has no option --bogus"),
    (["--datestamp"], "PLN010 --datestamp needs a value"),
    (["--datestamp=tomorrow"], "PLN010 --datestamp takes 14 digits, YYYYMMDDhhmmss"),
    (["--datestamp", "2026112301"], "PLN010 --datestamp takes 14 digits, YYYYMMDDhhmmss"),
    (["--", "--datestamp"], "PLN001 not in the configuration: --datestamp"),
])
def test_wrong_arguments(tmp_path: Path, words: list[str], message: str) -> None:
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    found = run(site, *words)
    assert found.code == 2
    assert found.log.startswith(f"planner: {message}")
    assert found.said == ()


def test_eight_digits_are_midnight(tmp_path: Path) -> None:
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    assert site.plan(datestamp="20261123").said[0].datestamp == "20261123000000"  # type: ignore[union-attr]


def test_a_wrong_configuration(tmp_path: Path) -> None:
    """Exit code 2, the faults on stderr, nothing on stdout."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    site.config.write_text(site.config.read_text() + "[bogus]\n")
    found = site.plan()
    assert (found.code, found.said) == (2, ())
    assert "CFG003" in found.log
    site.config.unlink()
    assert site.plan().code == 2


def run(site: PlannerSite, *words: str) -> Spoken:
    """A planner with these arguments and no others."""
    with site.start(*words) as process:
        out, log = process.communicate(timeout=60)
    assert not out
    return Spoken(process.returncode, (), log.decode())
