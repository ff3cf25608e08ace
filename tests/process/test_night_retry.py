"""TRY-AGAIN with real processes and a client that follows a script: busy, unreachable, lost in mid-dump, and what is said."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from core.events import event as e
from core.events.view import DiskState
from core.protocol import dumper
from tests.support.fake_amandad import INFO
from tests.support.night import Client, Night
from tests.support.small_site import SmallSite

GOOD: list[list[Any]] = [["mesg", INFO], ["data", 200_000, 1], ["end"]]
PLAN_B = "5 1 50 2"
"""More of a plan line: five seconds, and level 1 of 50 KiB as plan B."""


def site_of(root: Path, client: Client | None, *, retry: int = 2, delay: str = "10 min", amandad: list[str] | None = None,
            inparallel: int = 2) -> SmallSite:
    """One disk on a scripted client."""
    command = client.command if client is not None else amandad
    return SmallSite(root, {"alpha:/home": {"letter": b"x"}}, run={"retry_delay": delay, "inparallel": inparallel},
                     dumptype={"retry": retry}, hosts={"alpha": {"amandad": command, "connect_timeout": "10 s"}})


def request(night: Night) -> int:
    """The number of the open DMP007, once its disk waits to be tried again."""
    return night.until(lambda v: next((q.asked.id for q in v.open_questions if q.asked.code == "DMP007"), 0))


def levels(night: Night) -> list[int]:
    return [f.level for f in night.facts(e.DumpBegan)]


@pytest.mark.parametrize("where", ["reply", "mesg"])
def test_a_busy_client_names_time_and_level_and_the_queue_shows_it(tmp_path: Path, where: str) -> None:
    client = Client(tmp_path, "alpha")
    site = site_of(tmp_path, client, retry=1)
    said = 'delay 400 level 1 message "2 dumps running"'
    if where == "reply":
        client.plays(GOOD, reply=f"OPTIONS features=;\nRETRY {said}\n")
    else:
        client.plays([["mesg", INFO], ["data", 50_000, 1], ["mesg", f"sendbackup: retry {said}\n"], ["end"]])
    with Night(site) as night:
        night.plan(night.line("alpha:/home", 300, more=PLAN_B))
        number = request(night)
        retried = night.facts(e.DumpRetried)[0]
        assert "2 dumps running" in retried.reason and "it wants level 1 instead of 0" in retried.reason
        assert retried.attempt == 0 and retried.attempts == 1, "it is no attempt"
        night.gauge(lambda g: "alpha" in "".join(g.waiting))
        status = night.status()
        queue = status["retries"]
        assert len(queue) == 1 and 300 < queue[0]["at"] - time.time() <= 400 and "2 dumps running" in queue[0]["reason"]
        assert queue[0]["waits_for"].startswith("tried again in 6m") and status["disks"][0]["constraint"] == "try again"
        text = " ".join(night.taperoom("status").out.split())
        assert "TRY-AGAIN (1)" in text and "again at" in text and "2 dumps running" in text
        client.plays(GOOD)
        assert night.taperoom("reply", str(number), "retry").code == 0
        assert night.ends() == 0, site.logs()
        assert levels(night) == [0, 1] and night.view.count(DiskState.DONE) == 1
    traffic = (night.run.path / "traffic.log").read_bytes()
    assert b"dumper0 > driver RETRY " in traffic


def test_lost_in_mid_dump_and_dumped_again_by_another_dumper(tmp_path: Path) -> None:
    client = Client(tmp_path, "alpha")
    site = site_of(tmp_path, client)
    client.plays([["mesg", INFO], ["data", 100_000, 1], ["die"]])
    with Night(site) as night:
        night.plan(night.line("alpha:/home", 300))
        number = request(night)
        assert night.facts(e.DumpRetried)[0].reason.startswith("CLT001 amandad of alpha ended")
        assert not list((tmp_path / "hold").rglob("*.0*")), "nothing half-written stays"
        asked = night.facts(e.QuestionAsked)[0]
        assert [c.name for c in asked.choices] == ["retry", "skip"] and asked.text.startswith("TRY-AGAIN 1/2: CLT001")
        client.plays(GOOD)
        assert night.taperoom("reply", str(number), "retry").code == 0
        assert night.ends() == 0, site.logs()
        assert [f.child for f in night.facts(e.DumpBegan)] == ["dumper0", "dumper1"]
        closed = night.facts(e.QuestionClosed)[0]
        assert closed.choice == "retry" and closed.by not in ("deadline", "policy", "withdrawn")


def test_lost_in_mid_dump_each_time_and_then_an_incremental(tmp_path: Path) -> None:
    client = Client(tmp_path, "alpha")
    site = site_of(tmp_path, client, delay="1 s")
    client.plays([["mesg", INFO], ["data", 100_000, 1], ["die"]])
    with Night(site) as night:
        night.plan(night.line("alpha:/home", 300, more=PLAN_B))
        night.until(lambda v: [r for r in night.facts(e.DumpRetried) if "the last attempt is at level 1" in r.reason])
        client.plays(GOOD)
        assert night.ends() == 0, site.logs()
        assert levels(night) == [0, 0, 1] and night.view.disks["alpha", str(site.data("alpha:/home"))].level == 1


@pytest.mark.parametrize(("amandad", "reason", "attempts"), [
    (["/bin/false"], "CLT001 amandad of alpha ended", 3), (["/no/such/program"], "CLT007", 1)])
def test_unreachable_for_ever_and_not_there_at_all(tmp_path: Path, amandad: list[str], reason: str, attempts: int) -> None:
    site = site_of(tmp_path, None, retry=3, delay="1 s", amandad=amandad)
    with Night(site) as night:
        night.plan(night.line("alpha:/home", 300, more=PLAN_B))
        assert night.ends() == 1, site.logs()
        assert len(night.facts(e.DumpBegan)) == attempts and night.facts(e.DiskEnded)[0].message.startswith(reason)
        waits = [r.after for r in night.facts(e.DumpRetried)]
        assert len(waits) == attempts - 1
        report = night.taperoom("report")
        assert report.code == 1 and "FAILED (1)" in report.out and reason.split()[0] in report.out


@pytest.mark.parametrize("where", ["reply", "mesg"])
def test_what_the_client_says_is_fatal_fails_at_once(tmp_path: Path, where: str) -> None:
    client = Client(tmp_path, "alpha")
    site = site_of(tmp_path, client, retry=5)
    if where == "reply":
        client.plays(GOOD, reply="ERROR [no such disk]\n")
    else:
        client.plays([["mesg", INFO], ["mesg", "sendbackup: error [tar is not there]\n"], ["eof", "MESG"]])
    with Night(site) as night:
        night.plan(night.line("alpha:/home", 300, more=PLAN_B))
        assert night.ends() == 1, site.logs()
        assert len(night.facts(e.DumpBegan)) == 1 and not night.facts(e.DumpRetried, e.QuestionAsked)
        assert ("no such disk" if where == "reply" else "tar is not there") in night.facts(e.DiskEnded)[0].message


@pytest.mark.parametrize(("words", "expected", "code"), [(["level", "1"], [0, 1], 0), (["skip"], [0], 1)])
def test_another_level_or_not_tonight(tmp_path: Path, words: list[str], expected: list[int], code: int) -> None:
    client = Client(tmp_path, "alpha")
    site = site_of(tmp_path, client, retry=3)
    client.plays([["die"]])
    with Night(site) as night:
        night.plan(night.line("alpha:/home", 300, more=PLAN_B))
        number = request(night)
        client.plays(GOOD)
        if words[0] == "level":
            wrong = night.taperoom("reply", str(number), "level", "7")
            assert wrong.code == 2 and "not 7" in wrong.err
        assert night.taperoom("reply", str(number), *words).code == 0
        assert night.ends() == code, site.logs()
        assert levels(night) == expected


def test_the_protocol_has_amandas_retry() -> None:
    line = dumper.VOCABULARY.encode(dumper.Retry("00-00001", 400, 1, "2 dumps running"))  # type: ignore[arg-type]
    assert line == b'RETRY 00-00001 400 1 "2 dumps running"\n'
