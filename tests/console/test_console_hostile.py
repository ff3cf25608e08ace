"""Names and messages from outside are text and nothing else: no markup, no escape, no turned writing, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.client.runs import Run
from core.events import codec
from core.events import event as e
from core.events.event import Event, Record
from tests.console.conftest import Night, text_of, typed
from tests.support import recorded_run
from tui.app import ConsoleApp
from tui.clean import clean
from tui.look import Look

HOSTILE = {
    "markup": "[/x] [bold]a[/bold] [sec 12.1 kb 5 kps 1.0]",
    "escape": "a\x1b[31mb\x1b]52;c;aGFjaw==\x07c\x9b2Jd",
    "controls": "a\x00b\x07c\x08d\re\nf\tg\x7f",
    "direction": "a\u202eexe.txt\u2066b\u200fc",
    "bytes": b"caf\xe9/\xff\xfe".decode("utf-8", "surrogateescape"),
    "wide": "目録/データ" * 20,
    "joined": "e\u0301" * 50 + "\U0001f468\u200d\U0001f469",
    "long": "/very" * 2000,
    "empty": "",
}


def night_of(name: str) -> list[Event]:
    return [
        e.RunBegan(recorded_run.STAMP, name, name, name, 1, 1, 1, 1),
        e.HoldingFound(f"/{name}", 1000, 1000, 30), e.ChildBegan("dumper0", 2), e.ChildBegan("taper0", 3, name),
        e.TaperReady("taper0", name, name, name), e.EstimateGot(name, name, 0, 5),
        e.DumpPlanned(name, name, 1, 0, 5, 5, 5, 1, 2, name), e.PlanComplete(1, 0),
        e.DumpBegan("00-00001", name, name, 0, "dumper0", "holding", f"/{name}/f", 1, 5),
        e.DumpStrange("00-00001", name, name, name), e.DumpStalled("00-00001", 5, name),
        e.DumpRetried("h", name, 1, 2, recorded_run.BEGAN, name), e.VolumeBegan("taper0", name, name, 1),
        e.WriteBegan("00-00002", "taper0", name, name, name, name, 0, f"/{name}/g", 5),
        e.PartWritten("00-00002", name, name, 1, 1, 5, name), e.ChildDied("dumper1", name, name),
        e.Notice("X", "W", name, name), e.Degraded(name, name), e.Paused(name),
        e.QuestionAsked(1, name, "D", name, name, (e.Choice(name or "x", name, ""), e.Choice("b", name, name, True)), name,
                        recorded_run.BEGAN + 9999, "00-00001"),
    ]


def write(night: Night, name: str) -> None:
    run = recorded_run.make_run(night.folder, "begun")
    facts = enumerate(night_of(name), 1)
    run.journal.write_bytes(b"".join(codec.encode(Record(n, recorded_run.BEGAN + n, fact)) for n, fact in facts))
    lines = [f"{recorded_run.BEGAN} dumper0 > driver FAILED 00-00001 {name}", f"{recorded_run.BEGAN} {name} > {name} x", name]
    run.traffic.write_bytes("\n".join([*lines, ""]).encode("utf-8", "surrogateescape"))


def harmless(text: str) -> bool:
    return all(char.isprintable() or char in "\n" for char in text) and not set(text) & set("\u202e\u2066\u200f")


@pytest.mark.parametrize(("kind", "ascii_only"), [
    *(pytest.param(kind, False, marks=() if kind in ("escape", "markup", "bytes", "wide") else pytest.mark.slow)
      for kind in HOSTILE),
    *(pytest.param(kind, True, marks=pytest.mark.slow) for kind in ("wide", "direction"))])
async def test_every_screen_bears_it(kind: str, ascii_only: bool, night: Night) -> None:
    night.stage = "dumping"
    write(night, HOSTILE[kind])
    run = Run(night.folder / "runs" / recorded_run.STAMP)
    with recorded_run.alive(run):
        async with night.shown((120, 40), look=Look(ascii_only)) as pilot:
            for keys in (("1",), ("2",), ("3", "up"), ("4",), ("5",), ("7",), ("1", "r"), ("escape", "S"),
                         ("escape", "question_mark"), ("escape", "colon", "d")):
                await typed(pilot, *keys)
                assert isinstance(pilot.app, ConsoleApp)
                shown = text_of(pilot.app)
                assert harmless(shown), keys
                if ascii_only and keys[-1] not in ("S", "r", "question_mark"):
                    assert [row for row in shown.splitlines() if not row.isascii()] == [], keys
            assert pilot.app.is_running


async def test_statistics_in_brackets_are_all_there(night: Night) -> None:
    night.stage = "dumping"
    write(night, HOSTILE["markup"])
    async with night.shown((160, 40)) as pilot:
        assert isinstance(pilot.app, ConsoleApp)
        assert "[/x] [bold]a[/bold] [sec 12.1 kb 5 kps 1.0]" in text_of(pilot.app)


@given(st.text(st.characters(), max_size=200))
def test_clean_leaves_nothing_harmful_and_ordinary_text_alone(text: str) -> None:
    shown = clean(text)
    assert not set(shown) & set("\u202e\u2066\u200f\u2028")
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in shown)
    if text.isascii() and text.isprintable():
        assert shown == text


def test_clean_says_what_it_took_out() -> None:
    assert clean("a\x1b]52;c;x\x07b\nc") == "a\\x1b]52;c;x\\x07b\\nc"
    assert clean(HOSTILE["bytes"]) == "caf\\xe9/\\xff\\xfe"
    assert clean("abc", 2) == "ab…"
