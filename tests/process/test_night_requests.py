"""Requests over the control socket of a real run: numbered, journalled, answered once, withdrawn, by policy, and by whom."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from core.client import control
from core.client.runs import find_run
from core.events import event as e
from core.events.event import QuestionAsked
from core.protocol import operator as op
from tests.support.night import Client, Night
from tests.support.small_site import SmallSite

BIG = os.urandom(3_000_000)


def stuck(root: Path, **more: Any) -> SmallSite:
    """A disk of 3 MB and a holding disk of 2 MiB: the run asks HLD003 at once."""
    values: dict[str, Any] = {"holding": [{"path": str(root / "hold"), "use": "2 MiB"}], **more}
    return SmallSite(root, {"alpha:/big": {"noise": BIG}}, **values)


def asked_in(night: Night) -> QuestionAsked:
    return night.until(lambda v: v.open_questions[0] if v.open_questions else None).asked


def test_an_open_request_is_listed_with_what_follows_from_each_answer_and_from_silence(tmp_path: Path) -> None:
    site = stuck(tmp_path)
    with Night(site) as night:
        assert night.taperoom("requests").out == "no request is open\n"
        night.plan(night.line("alpha:/big", 100))
        asked = asked_in(night)
        listed = night.taperoom("requests")
        flat = " ".join(listed.out.split())
        assert f"{asked.id} HLD003D {asked.subject}: " in flat and "without an answer: direct at " in flat
        for choice in asked.choices:
            assert f"taperoom reply {asked.id} {choice.name}" in flat and choice.effect in flat
        data = json.loads(night.taperoom("requests", "--json").out)
        assert [(q["id"], q["code"], q["default"], q["closed"]) for q in data] == [(asked.id, "HLD003", "direct", None)]
        assert [q["id"] for q in night.status()["requests"]] == [asked.id]
        act = night.gauge(lambda g: g.act if g.act[0] else None)
        assert act[0] == pytest.approx(asked.deadline) and f"request {asked.id} " in act[1] and "straight to a volume" in act[1]
        assert night.taperoom("reply", str(asked.id), "direct").code == 0
        assert night.ends() == 0, site.logs()
        gone = night.taperoom("reply", str(asked.id), "direct")
        assert gone.code == 3 and gone.err.startswith("RUN020")
    again = find_run(site.root / "state", "")
    assert again is not None and '"event":"QuestionAsked"' in again.journal.read_text()


def test_of_two_operators_at_once_one_wins_and_the_other_learns_by_whom(tmp_path: Path) -> None:
    site = stuck(tmp_path, dumptype={"holding": "required"})
    (tmp_path / "more").mkdir()
    with Night(site) as night:
        night.plan(night.line("alpha:/big", 100))
        asked = asked_in(night)
        gate = threading.Barrier(8)
        got: list[tuple[str, op.Ok | op.Refused | op.Gone]] = []

        def answer(name: str, *words: str) -> None:
            gate.wait()
            got.append((name, control.order(night.run, op.Answer(asked.id, *words), name=name)))

        names = [f"op{n}" for n in range(8)]
        threads = [threading.Thread(target=answer, args=(name, "add", str(tmp_path / "more"))) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert night.ends() == 0, site.logs()
        won = [name for name, reply in got if reply == op.Ok()]
        closed = night.facts(e.QuestionClosed)
        assert len(won) == 1 and len(closed) == 1
        assert closed[0].by == f"{won[0]}({control.whoami()})", "the kernel's name stands beside the one that was claimed"
        said = f"request {asked.id} is not open, it was answered: add by {closed[0].by}"
        assert {reply for name, reply in got if name != won[0]} == {op.Refused(said)}


def test_who_only_watches_answers_nothing(tmp_path: Path) -> None:
    site = stuck(tmp_path, run={"request_deadline": "2 s"})
    with Night(site) as night:
        night.plan(night.line("alpha:/big", 100))
        asked = asked_in(night)
        said = control.order(night.run, op.Answer(asked.id, "abort"), mode="watch")
        assert said == op.Refused("attached read-only: watching changes nothing")
        assert night.ends() == 0
        assert [(q.choice, q.by) for q in night.facts(e.QuestionClosed)] == [("direct", "deadline")]


def test_a_policy_answers_visibly_like_a_person(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    policy = {"HLD*": {"reply": "add", "after": "1 s", "argument": str(tmp_path / "more")}}
    site = stuck(tmp_path, run={"requests": policy})
    with Night(site) as night:
        night.plan(night.line("alpha:/big", 100))
        asked = asked_in(night)
        assert asked.default == "add" and asked.deadline - night.view.questions[asked.id].opened == pytest.approx(1.0, abs=0.5)
        assert night.ends() == 0, site.logs()
        closed = night.facts(e.QuestionClosed)
        assert [(q.choice, q.argument, q.by) for q in closed] == [("add", str(tmp_path / "more"), "policy")]
        report = night.taperoom("report").out
        assert "answered add" in report and "by policy" in " ".join(report.split())


def test_a_policy_that_helps_nothing_is_not_repeated_for_ever(tmp_path: Path) -> None:
    policy = {"HLD003": {"reply": "add", "after": "0 s", "argument": str(tmp_path / "not-there")}}
    site = stuck(tmp_path, run={"requests": policy, "request_deadline": "1 s"})
    with Night(site) as night:
        night.plan(night.line("alpha:/big", 100))
        assert night.ends() == 0, site.logs()
        assert [(q.choice, q.by) for q in night.facts(e.QuestionClosed)] == [("add", "policy"), ("direct", "deadline")]


def test_requests_are_numbered_and_withdraw_themselves_when_the_world_answers(tmp_path: Path) -> None:
    client = Client(tmp_path, "beta")
    client.plays([["die"]])
    site = SmallSite(tmp_path, {"alpha:/a": {"x": b"x"}, "beta:/b": {"x": b"x"}, "beta:/c": {"x": b"x"}},
                     run={"retry_delay": "10 min"}, hosts={"beta": {"amandad": client.command}})
    with Night(site) as night:
        night.plan(night.line("beta:/b", 10), night.line("beta:/c", 10), night.line("alpha:/a", 10))
        night.until(lambda v: len(v.open_questions) == 2)
        assert [q.id for q in night.facts(e.QuestionAsked)] == [1, 2]
        disk = night.view.questions[1].asked.subject
        assert night.taperoom("retry", disk).code == 0  # another order makes the question void
        night.until(lambda v: v.questions[1].closed)
        assert next((q.id, q.choice, q.by) for q in night.facts(e.QuestionClosed)) == (1, "", "withdrawn")
        late = night.taperoom("reply", "1", "skip")
        assert late.code == 2 and "request 1 is not open, it was withdrawn" in late.err
        assert night.taperoom("reply", "77", "skip").code == 2
        assert night.taperoom("stop").code == 0
        assert night.ends() == 3
        assert all(q.closed for q in night.view.questions.values())
