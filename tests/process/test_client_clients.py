"""Asking real clients whether they would work, and what is kept of their answers."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.client import clients as module
from core.client.checks import Finding
from core.client.clients import FILE, Asked, advice, check, clients, keep, load_asked
from core.errors import BadLine
from core.model.site import Site
from core.model.units import seconds_of_datestamp
from tests.support.journals import Night, site_of
from tests.support.small_site import SmallSite

DEAD = [sys.executable, "-c", "import sys; sys.exit('no such luck')"]


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = SmallSite(tmp_path, {"a:/one": {"f": b"1"}, "a:/two": {"f": b"2"}, "b:/x": {"f": b"3"}, "c:/x": {"f": b"4"}},
                     hosts={"b": {"amandad": DEAD}})
    monkeypatch.setenv("TAPEROOM_CLIENT_STATE", str(tmp_path / "client"))
    shutil.rmtree(made.data("c:/x"))
    made.site.state_dir.mkdir()
    return made.site


def test_everybody_is_asked_and_the_answers_stay(three: Site) -> None:
    assert [row.state for row in clients(three)] == ["", "", ""] and load_asked(three) == {}
    said = list(check(three))
    assert [n for n in said if isinstance(n, int)] == [3, 2, 1, 0]
    found = {finding.subject: finding for finding in said if isinstance(finding, Finding)}
    assert (found["a"].severity, found["a"].text) == ("", "2 disks checked by the client, over local")
    assert (found["b"].code, found["b"].peer) == ("CLT001", True)
    assert found["b"].text.startswith("amandad of b ended (exit status 1): no such luck")
    assert (found["c"].code, found["c"].peer) == ("CLT021", False)
    assert found["c"].text == f"{three.disks[3].disk} does not exist"
    a, b, c = clients(three)
    assert [(row.host, row.state, row.auth) for row in (a, b, c)] == [
        ("a", "ok", ("local",)), ("b", "DOWN", ("local",)), ("c", "FAIL", ("local",))]
    assert a.asked and b.asked and c.asked
    assert (a.asked.kind, b.asked.kind, a.asked.rtt > 0, b.asked.rtt) == ("taperoom", "", True, 0.0)
    assert (a.asked.good, a.asked.since) == (a.asked.at, 0.0)
    assert (b.asked.good, b.asked.since) == (0.0, b.asked.at)
    assert advice(a.asked) == ()
    assert advice(b.asked)[-1] == "taperoom check b" and advice(b.asked)[0].startswith("Look at the client's log")
    assert [disk.title.partition(":")[0] for disk in a.disks] == ["a", "a"]
    assert a.overdue == float("inf") and a.last_full is None


def test_some_of_its_disks_say_nothing_of_a_client(three: Site) -> None:
    (one,) = [finding for finding in check(three, three.disks[:1]) if isinstance(finding, Finding)]
    assert one.text == "1 disk checked by the client, over local"
    assert load_asked(three) == {}
    assert list(check(three, [])) == []


def test_since_when_and_until_when(three: Site) -> None:
    down = Finding("E", "CLT009", "a", "cannot be reached", True)
    for at, findings in ((10.0, ()), (20.0, (down,)), (30.0, (down,))):
        keep(three, Asked("a", at, findings))
    asked = load_asked(three)["a"]
    assert (asked.at, asked.state, asked.good, asked.since) == (30.0, "DOWN", 10.0, 20.0)
    keep(three, Asked("a", 40.0, (Finding("W", "CLT006", "a", "later"),)))
    asked = load_asked(three)["a"]
    assert (asked.state, asked.good, asked.since) == ("warn", 40.0, 0.0)
    assert Asked("x", 1.0, (down, replace(down, peer=False))).state == "FAIL"


@pytest.mark.parametrize("text", ["", "[]", "{\"a\": 1}", "{\"a\": {\"at\": 1}}", "{\"a\": {\"at\": 1, \"findings\": [[1]]}}"])
def test_a_damaged_file_means_that_nobody_was_asked(three: Site, text: str) -> None:
    (three.state_dir / FILE).write_text(text)
    assert load_asked(three) == {}
    keep(three, Asked("a", 10.0))
    assert list(json.loads((three.state_dir / FILE).read_text())) == ["a"]


def test_a_state_directory_that_is_not_there_is_not_made(three: Site) -> None:
    shutil.rmtree(three.state_dir)
    keep(three, Asked("a", 10.0))
    assert not three.state_dir.exists()


def test_fulls_that_are_overdue(tmp_path: Path) -> None:
    site = site_of(tmp_path, ("web1", "/home"), ("web1", "/var"))
    crc = "00000001:102400"
    for stamp, disk in (("20260101010000", "/home"), ("20260108010000", "/var")):
        night = Night(stamp)
        night.dump("web1", disk, 0, crc=crc)
        night.volume(f"D-{stamp[7]}")
        night.write("web1", disk, 0, [(f"D-{stamp[7]}", 1, 100, crc)], crc=crc)
        night.end()
        night.store(site)
    (row,) = clients(site, seconds_of_datestamp("20260110010000"))
    assert row.overdue == pytest.approx(2 * 86400, abs=10)
    assert row.last_full == pytest.approx(seconds_of_datestamp("20260101010000"), abs=10)


def test_whatever_happens_to_a_question_something_is_said(three: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for fault, code, peer, text in (
        (OSError(24, "Too many open files"), "CLT007", True, "cannot be reached: Too many open files"),
        (BadLine("no frame"), "CLT003", True, "talks nonsense: no frame"),
        (ZeroDivisionError("odd"), "RUN099", False, "a fault of Taperoom itself: ZeroDivisionError: odd"),
    ):
        def broken(*_: object, fault: Exception = fault) -> object:
            raise fault

        monkeypatch.setattr("core.wire.transports.connect", broken)
        (finding,) = [f for f in module.check(three, three.disks[:2]) if isinstance(f, Finding)]
        assert (finding.code, finding.peer, finding.text) == (code, peer, text)
