"""Lines of the traffic log: parsed whatever they are, counted, filtered, followed from near the end of a long log."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.client.runs import Run, view_of
from core.events.view import RunView
from core.protocol import dumper, operator, taper
from core.protocol.vocabulary import Vocabulary
from tests.support import recorded_run
from tui.explain import explain, handle_note, meaning_of
from tui.panes.protocol import explained, line_spans, short_spans, wrapped
from tui.traffic import Filter, Line, LogTail, Traffic, matches, parse


@pytest.mark.parametrize(("raw", "source", "target", "channel", "word", "text"), [
    ("1.5 driver > dumper0 QUIT", "driver", "dumper0", "dumper0", "QUIT", "QUIT"),
    ("1.5 dumper0 > driver NO-ROOM 00-00001 5", "dumper0", "driver", "dumper0", "NO-ROOM", "NO-ROOM 00-00001 5"),
    ("1.5 planner > driver web1 /home 1 0 12", "planner", "driver", "planner", "PLAN", "web1 /home 1 0 12"),
    ("1.5 planner > driver DATE 20261201", "planner", "driver", "planner", "DATE", "DATE 20261201"),
    ("1.5 driver : retry web1:/home", "driver", "", "driver", "", "retry web1:/home"),
    ("1.5 taper0 > driver ", "taper0", "driver", "taper0", "", ""),
    ("no log line", "", "", "", "", "no log line"),
    ("x a > b c", "", "", "", "", "x a > b c"),
    ("", "", "", "", "", ""),
])
def test_a_line_of_the_log(raw: str, source: str, target: str, channel: str, word: str, text: str) -> None:
    line = parse(raw, 7)
    assert (line.number, line.source, line.target, line.channel, line.word, line.text) == (
        7, source, target, channel, word, text)


@given(st.text(max_size=300))
def test_any_line_is_parsed_drawn_and_explained(raw: str) -> None:
    line = parse(raw.replace("\n", " "), 1)
    for spans in (line_spans(line), short_spans(line)):
        assert all(text.isprintable() for text, _ in spans)
    assert explain(line, RunView()).meaning


@given(st.sampled_from(["dumper0", "taper0", "planner", "operator"]), st.text(max_size=200))
def test_any_message_is_explained(channel: str, text: str) -> None:
    told = explain(Line(1, 1.0, channel, "driver", text), RunView())
    assert told.meaning
    assert all(value.isprintable() for _, value, _ in told.fields)


def test_what_a_filter_takes() -> None:
    line = parse("1 dumper2 > driver FAILED 02-00031 [data timeout]", 1)
    assert Filter().takes(line) and not Filter()
    assert Filter("dumper2", "FAILED", "timeout !taper").takes(line)
    for other in (Filter("dumper1"), Filter(word="DONE"), Filter(text="nothing"), Filter(text="!timeout")):
        assert not other.takes(line)
    assert matches("!", "x") and matches("", "x") and matches("A b", "b a") and not matches("a c", "a b")


def test_counts_are_of_all_and_the_ring_of_the_newest() -> None:
    traffic = Traffic(kept=10)
    traffic.add(f"1 dumper{n % 3} > driver PROGRESS 0{n % 3}-00001 {n} {n}" for n in range(100))
    assert (traffic.total, len(traffic.lines), traffic.channels["dumper0"], traffic.words["PROGRESS"]) == (100, 10, 34, 100)
    assert [line.number for line in traffic.chosen(Filter("dumper0"))] == [91, 94, 97, 100]


def test_the_tail_of_a_long_log_begins_with_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "traffic.log"
    tail = LogTail(path, reach=1000, chunk=300)
    assert tail.read() == []
    path.write_text("".join(f"{n} driver > taper0 line {n:06d}\n" for n in range(1000)))
    read: list[str] = []
    while lines := tail.read():
        read += lines
    assert read[-1] == "999 driver > taper0 line 000999"
    assert all(line == f"{int(line.split()[0])} driver > taper0 line {int(line.split()[0]):06d}" for line in read)
    assert tail.skipped > 0 and not tail.full
    with open(path, "a") as more:
        more.write("1000 driver > ta")
        more.flush()
        assert tail.read() == []
        more.write("per0 last\n")
        more.flush()
        assert tail.read() == ["1000 driver > taper0 last"]
    tail.close()


def test_a_handle_is_told_with_its_disk(tmp_path: Path) -> None:
    view = view_of(Run(recorded_run.make_run(tmp_path, "dumping").path))
    assert handle_note("02-00031", view) == "mail:/srv level 0"
    assert handle_note("00-00001", view) == "nas-b:/vol1 level 0, dumped 20261130"
    assert handle_note("09-00001", view) == "not known to the journal yet"


@pytest.mark.parametrize(("raw", "verb", "wanted"), [
    ("1 dumper2 > driver NO-ROOM 02-00031 2097152 disk", "NO-ROOM", ("missing", "2097152 KiB", "2.0 GiB")),
    ("1 dumper1 > driver DONE 01-00003 \"[sec 71.000 kb 1048576 kps 14768.7 orig-kb 2097152] native-crc 0000000a:5 "
     "client-crc 00000000:0 server-crc 0000000b:5\"", "DONE", ("rate", "14.4 MiB/s", "")),
    ("1 dumper1 > driver DONE 01-00003 \"[odd\"", "DONE", ("size", "0 KiB", "0 B")),
    ("1 planner > driver mail /srv 2 0 59 11 1 19 38 \"why=full overdue\"", "PLAN",
     ("degraded", "level 1", "19.0 KiB if there is no volume")),
    ("1 driver > dumper0 FILE-DUMP 00-00002 /h/x db02 /srv 1 1970:1:1:0:0:0 1048576 GNUTAR \"|;auth=ssh;index;\"", "FILE-DUMP",
     ("option", "auth=ssh", "")),
    ("1 console > driver STOP now", "STOP", ("when", "now", "")),
])
def test_fields_are_explained(raw: str, verb: str, wanted: tuple[str, str, str]) -> None:
    told = explain(parse(raw, 1), RunView())
    assert told.verb == verb
    name, value, note = next(field for field in told.fields if field[0] == wanted[0])
    assert (name, value) == wanted[:2] and note.startswith(wanted[2])


@pytest.mark.parametrize("width", [40, 60, 78, 90, 200])
def test_what_a_field_means_is_never_cut(width: int) -> None:
    rows = explained(parse("1 dumper2 > driver NO-ROOM 02-00031 2097152 disk", 1), RunView(), width)
    lines = ["".join(text for text, _ in row) for row in rows]
    assert all(len(line) <= width for line in lines), lines
    told = " ".join(" ".join(lines).split())
    assert "missing 2097152 KiB 2.0 GiB: what is still to be written, as far as the dumper knows why" in told


@pytest.mark.parametrize("vocabulary", [dumper.VOCABULARY, taper.VOCABULARY, operator.VOCABULARY])
def test_what_a_word_means_names_no_place_in_the_code(vocabulary: Vocabulary) -> None:
    told = {verb: meaning_of(kind) for verb, kind in vocabulary.messages.items()}
    assert all(told.values()) and not [text for text in told.values() if "core." in text or "`" in text]
    if "PARTDONE" in told:
        assert told["DONE"] == "The dump is whole and safe on volumes; the message has its figures."


def test_what_is_no_message_is_told_to_be_none() -> None:
    assert explain(parse("1 dumper0 > driver BOGUS x", 1), RunView()).meaning.startswith("no message of this pipe: dumper")
    assert explain(parse("1 driver : hello", 1), RunView()).meaning.startswith("free text")


@given(st.text(st.characters(codec="ascii", categories=["L", "Zs"]), max_size=200), st.integers(9, 60))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    pieces = wrapped(text, width, width)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert all(len(piece) <= width for piece in pieces)
