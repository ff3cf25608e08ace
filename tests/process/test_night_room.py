"""NO-ROOM with real processes and real file systems: full ones, other ones, and every answer by `taperoom reply`."""

from __future__ import annotations

import os
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from core.events import event as e
from core.events.view import DiskState, QuestionView, RunView
from tests.support.night import Night, small_file_system
from tests.support.small_site import SmallSite

BIG = os.urandom(3_000_000)
MIB = 1 << 20


def small(root: Path, **more: Any) -> SmallSite:
    """Two disks of 3 MB and a holding disk of 2 MiB."""
    values: dict[str, Any] = {"holding": [{"path": str(root / "hold"), "use": "2 MiB"}], **more}
    return SmallSite(root, {"alpha:/big": {"noise": BIG}, "beta:/big": {"noise": BIG}}, **values)


def question(view: RunView) -> QuestionView | None:
    return next((q for q in view.open_questions if q.asked.code == "HLD003"), None)


def restored(site: SmallSite) -> None:
    """Every disk that is done is on a volume, whole: the data of its parts is the tar that the client made."""
    parts = sorted((site.root / "vtapes").rglob("*big*"))
    for host in {d.host for d in site.view().disks.values() if d.state is DiskState.DONE}:
        data = b"".join(p.read_bytes()[32768:] for p in parts if f".{host}." in p.name or f"{host}._" in p.name)
        assert BIG in data, (host, parts)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    with small_file_system(tmp_path / "tmpfs", "4m") as path:
        yield path


def test_a_full_file_system_and_the_dump_goes_on_on_another_holding_disk(tmp_path: Path, tmpfs: Path) -> None:
    site = small(tmp_path, holding=[{"path": str(tmpfs)}, {"path": str(tmp_path / "hold"), "use": "3500 KiB"}])
    with Night(site) as night:
        night.until(lambda v: len(v.holding) == 2)
        (tmpfs / "filler").write_bytes(bytes(2_500_000))  # somebody else's
        night.plan(night.line("alpha:/big", 3600))  # only the first has so much, as it believes
        assert night.ends() == 0, site.logs()
        stalls = night.facts(e.DumpStalled)
        assert stalls and stalls[0].why == "disk"
        went_on = [f.file for f in night.facts(e.DumpResumed)]
        assert went_on[-1].startswith(str(tmp_path / "hold")) and not night.facts(e.QuestionAsked)
    restored(site)
    assert not [p for p in tmpfs.rglob("*") if p.is_file() and p.name != "filler"]


def test_a_full_file_system_where_room_is_made_by_the_world(tmp_path: Path, tmpfs: Path) -> None:
    site = small(tmp_path, holding=[{"path": str(tmpfs)}], dumptype={"holding": "required"})
    with Night(site) as night:
        night.until(lambda v: v.holding)
        filler = tmpfs / "filler"
        filler.write_bytes(bytes(2_500_000))
        night.plan(night.line("alpha:/big", 3600))
        asked = night.until(question).asked
        assert [c.name for c in asked.choices] == ["abort", "wait", "add"] and "none coming" in asked.text
        said = night.taperoom("reply", str(asked.id), "wait", "5")
        assert said.code == 0, said.err
        waits = night.gauge(lambda g: next((t for t in g.waiting.values() if "asked again in" in t), None))
        assert waits.startswith("stands still: needs ")
        filler.unlink()
        assert night.ends() == 0, site.logs()
        assert len(night.facts(e.QuestionAsked)) == 1
    restored(site)


def test_a_request_about_a_full_file_system_withdraws_itself(tmp_path: Path, tmpfs: Path) -> None:
    site = small(tmp_path, holding=[{"path": str(tmpfs)}], dumptype={"holding": "required"})
    with Night(site) as night:
        night.until(lambda v: v.holding)
        filler = tmpfs / "filler"
        filler.write_bytes(bytes(2_500_000))
        night.plan(night.line("alpha:/big", 3600))
        asked = night.until(question).asked
        filler.unlink()
        assert night.ends() == 0, site.logs()
        closed = night.facts(e.QuestionClosed)
        assert [(q.id, q.choice, q.by) for q in closed] == [(asked.id, "", "withdrawn")]


def test_a_dump_is_parked_while_the_taper_is_about_to_free_room_and_nobody_is_asked(tmp_path: Path) -> None:
    site = small(tmp_path, holding=[{"path": str(tmp_path / "hold"), "use": "5 MiB"}], run={"runtapes": 3})
    with Night(site) as night:
        taper = night.until(lambda v: next((r.event.pid for r in night.records if isinstance(r.event, e.ChildBegan)
                                            and r.event.storage), 0))
        os.kill(taper, signal.SIGSTOP)
        try:
            night.plan(night.line("alpha:/big", 3100), end=False)
            night.until(lambda v: v.files)
            night.plan(night.line("beta:/big", 500))
            night.until(lambda v: v.count(DiskState.STALLED))
            waits = night.gauge(lambda g: [t for n, t in g.waiting.items() if n.startswith("beta") and "stands" in t])
            assert "free" in waits[0] and not night.facts(e.QuestionAsked)
        finally:
            os.kill(taper, signal.SIGCONT)
        assert night.ends() == 0, site.logs()
        assert not night.facts(e.QuestionAsked) and night.facts(e.DumpResumed)
    restored(site)


def test_a_lonely_dump_goes_straight_to_a_volume_by_default_and_the_report_gives_the_reason(tmp_path: Path) -> None:
    site = small(tmp_path, run={"request_deadline": "1 s"})
    with Night(site) as night:
        night.plan(night.line("alpha:/big", 100))
        assert night.ends() == 0, site.logs()
        asked, closed = night.facts(e.QuestionAsked)[0], night.facts(e.QuestionClosed)[0]
        assert (asked.default, closed.choice, closed.by) == ("direct", "direct", "deadline")
        effect = asked.choices[0].effect
        assert effect.endswith("dumped so far are lost; it is dumped again, straight to a volume")
        report = " ".join(night.taperoom("report").out.split())
        assert f"means: {effect}" in report and f"asked: {asked.text}" in report and "answered direct by deadline" in report
    restored(site)


@pytest.mark.parametrize(("words", "targets"), [
    (["direct"], ["holding", "tape"]), (["abort"], ["holding", "tape"]), (["add", "MORE"], ["holding"])])
def test_the_answers_for_one_dump(tmp_path: Path, words: list[str], targets: list[str]) -> None:
    site = small(tmp_path)
    (tmp_path / "MORE").mkdir()
    words = [str(tmp_path / word) if word == "MORE" else word for word in words]
    with Night(site) as night:
        night.plan(night.line("alpha:/big", 100))
        asked = night.until(question).asked
        said = night.taperoom("reply", str(asked.id), *words)
        assert (said.code, said.out) == (0, f"request {asked.id} is answered: {words[0]}\n")
        assert night.ends() == 0, site.logs()
        closed = night.facts(e.QuestionClosed)[0]
        assert (closed.choice, closed.argument) == (words[0], "".join(words[1:])) and closed.by not in ("deadline", "policy")
        assert [f.target for f in night.facts(e.DumpBegan)] == targets
    restored(site)
    assert not [p for p in (tmp_path / "hold").rglob("*") if p.is_file()], "no chunk stays behind"


def test_another_dump_is_named_and_given_up_for_this_one(tmp_path: Path) -> None:
    site = small(tmp_path, holding=[{"path": str(tmp_path / "hold"), "use": "2500 KiB"}], dumptype={"holding": "required"})
    (tmp_path / "more").mkdir()
    with Night(site) as night:
        night.plan(night.line("alpha:/big", 100), night.line("beta:/big", 200))
        night.until(lambda v: v.count(DiskState.STALLED) == 2)
        asked = night.until(question).asked
        choice = next(c for c in asked.choices if c.name == "abort-other")
        first = asked.subject.partition(":")[0]
        other = site.data("beta:/big" if first == "alpha" else "alpha:/big")
        host = "beta" if first == "alpha" else "alpha"
        assert f"{host}:{other} (" in choice.effect and "iB)" in choice.effect
        wrong = night.taperoom("reply", str(asked.id), "abort-other", "gamma:/x")
        assert wrong.code == 2 and "gamma:/x is no dump on the holding disk" in wrong.err
        assert night.taperoom("reply", str(asked.id), "abort-other", f"{host}:{other}").code == 0
        again = night.until(lambda v: q if (q := question(v)) and q.asked.id != asked.id else None).asked
        assert again.subject == asked.subject, "it went on with the other one's room, and that is used up, too"
        assert night.taperoom("reply", str(again.id), "add", str(tmp_path / "more")).code == 0
        assert night.ends() == 0, site.logs()
        aborted = [f.host for f in night.facts(e.DumpEnded) if f.outcome == "aborted"]
        assert aborted == [host] and night.view.count(DiskState.DONE) == 2
    restored(site)


def test_flush_what_an_earlier_run_left_and_go_on(tmp_path: Path) -> None:
    site = small(tmp_path, holding=[{"path": str(tmp_path / "hold"), "use": "5 MiB"}], dumptype={"holding": "required"})
    whole = site.config.read_text()
    plain = tomllib.loads(whole)
    del plain["storage"]
    site.config.write_text(tomli_w.dumps(plain))
    with Night(site) as first:
        first.plan(first.line("alpha:/big", 3100))
        assert first.ends() == 0 and first.view.files
    site.config.write_text(whole)
    with Night(site) as night:
        night.plan(night.line("beta:/big", 100))
        asked = night.until(question).asked
        choice = next(c for c in asked.choices if c.name == "flush")
        assert "that earlier runs left on the holding disk go to a volume" in choice.effect
        assert night.taperoom("reply", str(asked.id), "flush").code == 0
        assert night.ends() == 0, site.logs()
        assert len(night.facts(e.QuestionAsked)) == 1 and night.facts(e.FlushPlanned)
        assert {w.host for w in night.view.writes.values() if w.outcome == "done"} == {"alpha", "beta"}
    assert not [p for p in (tmp_path / "hold").rglob("*") if p.is_file()]


def test_a_directory_that_cannot_be_used_is_told_and_asked_about_again(tmp_path: Path) -> None:
    site = small(tmp_path)
    with Night(site) as night:
        night.plan(night.line("alpha:/big", 100))
        asked = night.until(question).asked
        refused = night.taperoom("reply", str(asked.id), "add", "more")
        assert refused.code == 2 and "absolute path" in refused.err
        assert night.taperoom("reply", str(asked.id), "add", str(tmp_path / "none")).code == 0
        night.until(lambda v: [n for _, n in v.notices if n.code == "HLD009"])
        again = night.until(lambda v: q if (q := question(v)) and q.asked.id != asked.id else None).asked
        assert night.taperoom("reply", str(again.id), "direct").code == 0
        assert night.ends() == 0, site.logs()


def test_what_stays_in_an_added_directory_is_told_at_the_end(tmp_path: Path) -> None:
    site = small(tmp_path, storage={"changer": ""}, dumptype={"holding": "required"})
    (tmp_path / "more").mkdir()
    with Night(site) as night:
        night.plan(night.line("alpha:/big", 100))
        asked = night.until(question).asked
        assert night.taperoom("reply", str(asked.id), "add", str(tmp_path / "more")).code == 0
        night.ends()
        assert night.view.count(DiskState.DONE) == 1
        files = [f for f in night.view.files if f.startswith(str(tmp_path / "more"))]
        told = [n.subject for _, n in night.view.notices if n.code == "HLD005"]
        assert told == ([str(tmp_path / "more")] if files else [])


def test_a_dump_in_many_chunks_does_not_stand_still_for_their_headers(tmp_path: Path) -> None:
    site = small(tmp_path, holding=[{"path": str(tmp_path / "hold"), "use": "20 MiB", "chunksize": "256 KiB"}])
    assert site.amdump().returncode == 0, site.logs()
    told = site.run().journal.read_text()
    assert told.count('"DumpEnded"') == 2 and '"DumpStalled"' not in told and site.view().no_rooms == 0
    restored(site)
