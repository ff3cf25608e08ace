"""The codec of pipe messages: what is written is read, and everything else is refused with a sentence."""

from __future__ import annotations

import pytest

from core.errors import BadLine, OutOfTurn
from core.model import quoting
from core.model.dump import Crc, Stats
from core.model.units import EPOCH_DUMPDATE, Handle, Kib
from core.protocol import dumper, operator, planner, taper
from core.protocol.conversation import MAX_LINE, Lines
from core.protocol.options import decode_options, encode_options


@pytest.mark.parametrize(("word", "quoted"), [
    ("plain", "plain"), ("", '""'), ("two words", '"two words"'), ("/da ta", '"/da ta"'), ("a:b", '"a:b"'),
    ("it's", '"it\'s"'), ('say "x"', r'"say \"x\""'), ("back\\slash", r'"back\\slash"'), ("new\nline", r'"new\nline"'),
    ("tab\t", r'"tab\t"'), ("ä", '"ä"'), ("#hash", "#hash"), ("form\f\r", r'"form\f\r"'), ("a=b|c;d", "a=b|c;d"),
])
def test_quoting_is_amandas(word: str, quoted: str) -> None:
    assert quoting.quote(word) == quoted
    assert quoting.split(quoted) == [word]
    assert quoting.unquote(quoted) == word


@pytest.mark.parametrize("line", ["", " a", "a ", "a  b", '"open', 'a"b"', '"a"b', "a\tb", '"x\ny"', '"tail\\'])
def test_a_line_that_join_never_writes_is_refused(line: str) -> None:
    with pytest.raises(BadLine):
        quoting.split(line)


def test_lenient_splitting_takes_what_amanda_takes() -> None:
    assert quoting.split_lenient('a  "b c"d \\303x') == ["a", "", "b cd", "\udcc3x"]
    assert quoting.split_lenient('DONE "[sec 1]" ""') == ["DONE", "[sec 1]", ""]
    assert quoting.unquote(r"\q\101") == "qA"


def test_messages_are_lines() -> None:
    line = dumper.VOCABULARY.encode(dumper.NoRoom(Handle("00-00012"), Kib(2202009)))
    assert line == b"NO-ROOM 00-00012 2202009\n"
    assert dumper.VOCABULARY.decode(b"NO-ROOM 00-00012") == dumper.NoRoom(Handle("00-00012"))
    assert dumper.VOCABULARY.encode(dumper.Continue()) == b"CONTINUE\n"
    assert dumper.VOCABULARY.decode(b"CONTINUE /h/x 1024 64") == dumper.Continue("/h/x", Kib(1024), Kib(64))
    assert taper.VOCABULARY.encode(taper.NewTape(Handle("h"))) == b"NEW-TAPE h\n"


@pytest.mark.parametrize(("line", "says"), [
    (b"HELLO", "unknown word 'HELLO'"), (b"NO-ROOM", "takes 1 to 3 words, not 0"), (b"NO-ROOM a b", "'b' is no number"),
    (b"NO-ROOM a 1 b c", "takes 1 to 3 words, not 4"), (b"NO-ROOM a 99999999999999999999", "is no number"),
    (b"NO-ROOM a 9223372036854775808", "is no number"),  # a journal and a catalogue hold less
])
def test_bad_lines_say_what_is_wrong(line: bytes, says: str) -> None:
    with pytest.raises(BadLine, match=says):
        dumper.VOCABULARY.decode(line)


def test_lines_are_bounded_and_keep_their_rest() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntw") == [b"one"] and lines.pending == b"tw"
    assert lines.feed(b"o\n\n") == [b"two", b""]
    with pytest.raises(BadLine, match="longer than"):
        lines.feed(b"x" * (MAX_LINE + 1))
    with pytest.raises(BadLine, match="longer than"):
        Lines().feed(b"x" * (MAX_LINE + 1) + b"\n")


def test_both_ends_walk_the_same_table() -> None:
    driver, child = dumper.conversation(), dumper.conversation()
    order = dumper.PortDump(Handle("00-00001"), 11001, "web 1", "/home", 1, EPOCH_DUMPDATE, "gnutar", "|;")
    assert child.receive(driver.send(order)[:-1]) == order
    assert driver.allows(dumper.Abort) and not driver.allows(dumper.Continue)
    with pytest.raises(OutOfTurn, match="FILE-DUMP while dumping"):
        driver.send(dumper.FileDump(Handle("x"), "f", "h", "d", 0, EPOCH_DUMPDATE, Kib(0), "p", "|;"))
    assert driver.receive(child.send(dumper.Done(Handle("00-00001"), "x"))[:-1]).message == "x"
    assert driver.state is child.state is dumper.State.IDLE


@pytest.mark.parametrize("vocabulary", [dumper.VOCABULARY, taper.VOCABULARY, operator.VOCABULARY, planner.VOCABULARY])
def test_every_state_is_reachable_and_every_message_has_a_place(vocabulary: object) -> None:
    table = {dumper.VOCABULARY: dumper.TABLE, taper.VOCABULARY: taper.TABLE}.get(vocabulary)  # type: ignore[call-overload]
    if table is None:
        return
    reached = {after for moves in table.values() for after in moves.values()}
    assert set(table) - reached <= {dumper.State.IDLE, taper.State.NEW}
    assert {m for moves in table.values() for m in moves} == set(vocabulary.messages.values())  # type: ignore[attr-defined]


def test_the_documented_plan_line_and_its_long_forms() -> None:
    bare = planner.decode(b"web1 /home 1 0 120000")
    assert bare == planner.DumpLine("web1", "/home", 1, 0, Kib(120000))
    timed = planner.decode(b"web1 /home 1 0 120000 60")
    assert isinstance(timed, planner.DumpLine) and timed.seconds == 60
    long = planner.decode(b'web1 "/ho me" 1 0 120000 60 1 100 2 orig=240000 kps=99 "why=full due today"')
    assert isinstance(long, planner.DumpLine)
    assert long.plan_b == planner.PlanB(1, Kib(100), 2) and long.orig == 240000 and long.why == "full due today"
    for said in (long, bare, planner.Skip("a", "b", "c d", "FAIL"), planner.EndFlush()):
        assert planner.decode(planner.encode(said)[:-1]) == said


@pytest.mark.parametrize(("line", "says"), [
    (b"web1 /home 1 0", "not 4 words"), (b"web1 /home x 0 1", "'x' is no number"),
    (b"web1 /home 1 400 1", "level 400"), (b"web1 /home 1 0 -1", "size -1"), (b"web1 /home 1 0 1 2 3", "5 numbers"),
])
def test_a_plan_line_that_makes_no_sense_is_refused(line: bytes, says: str) -> None:
    with pytest.raises(BadLine, match=says):
        planner.decode(line)


def test_options_survive_whatever_is_in_them() -> None:
    text = encode_options([("auth", "local"), ("index", None), ("exclude", "./a;b|c=%d\n"), ("exclude", "./ä")])
    assert text.startswith("|;auth=local;index;exclude=")
    assert decode_options(text) == {"auth": ["local"], "index": [""], "exclude": ["./a;b|c=%d\n", "./ä"]}
    assert decode_options("|;") == {}
    with pytest.raises(BadLine, match="do not begin"):
        decode_options("auth=local")


def test_statistics_are_read_back_and_amandas_are_read() -> None:
    stats = Stats(12.3, Kib(4096), Kib(8192), Crc(1, 2), Crc(3, 4), Crc(0xDEADBEEF, 5))
    assert str(stats) == ("[sec 12.300 kb 4096 kps 333.0 orig-kb 8192] native-crc 00000001:2 client-crc 00000003:4 "
                          "server-crc deadbeef:5")
    assert Stats.parse(str(stats)) == stats
    amanda = Stats.parse("[sec 0.100000 bytes 19106 kps 180.000000 orig-kb 30]")
    assert (amanda.seconds, amanda.kib, amanda.orig_kib, amanda.server.known) == (0.1, 18, 30, False)
    with pytest.raises(ValueError):
        Stats.parse("[sec 1] server-crc nonsense")
    for much in ("9" * 19, "9" * 400):
        with pytest.raises(ValueError, match="too large"):
            Stats.parse(f"[sec 1.0 kb 5 kps 1.0 orig-kb {much}]")
    with pytest.raises(ValueError):
        Crc.parse("123456789:1")
