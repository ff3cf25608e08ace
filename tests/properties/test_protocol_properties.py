"""Codecs: every value comes back, and no bytes whatever raise anything but BadLine."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadLine
from core.events import codec
from core.events.event import KINDS, Choice, Record
from core.events.view import RunView
from core.model import quoting
from core.model.units import (
    Kib,
    datestamp_of,
    dumpdate_of,
    parse_bandwidth,
    parse_duration,
    parse_size,
    sanitise,
    seconds_of_datestamp,
    seconds_of_dumpdate,
    show_duration,
    show_size,
)
from core.protocol import dumper, operator, planner, taper
from core.protocol.options import decode_options, encode_options

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20) | st.binary(max_size=9).map(
    lambda b: b.decode("utf-8", "surrogateescape"))
VOCABULARIES = [dumper.VOCABULARY, taper.VOCABULARY, operator.VOCABULARY, planner.VOCABULARY]


@given(st.lists(WORDS, min_size=1))
def test_split_reads_what_join_wrote(words: list[str]) -> None:
    line = quoting.join(words)
    assert "\n" not in line
    assert quoting.split(line) == words
    assert quoting.split_lenient(line) == words


@given(st.text())
def test_split_raises_only_bad_line(line: str) -> None:
    try:
        assert quoting.split(quoting.join(quoting.split(line))) == quoting.split(line)
    except BadLine:
        pass
    quoting.split_lenient(line)


def values(kind: Any) -> st.SearchStrategy[Any]:
    plain = getattr(kind, "__supertype__", kind)
    if plain is int:
        return st.integers(-(10**15), 10**15)
    if plain is float:
        return st.floats(-1e299, 1e299)  # beyond it the journal believes none
    if plain is bool:
        return st.booleans()
    if plain is str:
        return WORDS
    if plain == tuple[Choice, ...]:
        return st.lists(st.builds(Choice, WORDS, WORDS, WORDS, st.booleans()), max_size=3).map(tuple)
    return values(kind.__args__[0])


@st.composite
def messages(draw: st.DrawFn) -> tuple[Any, Any]:
    vocabulary = draw(st.sampled_from(VOCABULARIES))
    kind = draw(st.sampled_from(list(vocabulary.messages.values())))
    hints = get_type_hints(kind)
    return vocabulary, kind(*[draw(values(hints[f.name])) for f in fields(kind)])


@given(messages())
def test_decode_reads_what_encode_wrote(made: tuple[Any, Any]) -> None:
    vocabulary, message = made
    line = vocabulary.encode(message)
    again = vocabulary.decode(line[:-1])
    assert line.count(b"\n") == 1 and vocabulary.encode(again) == line
    assert again == message


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@given(data=st.data())
def test_no_bytes_raise_anything_but_bad_line(vocabulary: Any, data: st.DataObject) -> None:
    verb = data.draw(st.sampled_from([*vocabulary.messages, ""]))
    line = verb.encode() + data.draw(st.binary(max_size=60))
    for decode in (vocabulary.decode, planner.decode):
        try:
            decode(line)
        except BadLine:
            pass


@given(st.lists(st.tuples(st.from_regex(r"[a-z-]{1,9}", fullmatch=True), WORDS)))
def test_options_come_back(pairs: list[tuple[str, str]]) -> None:
    found = decode_options(encode_options([*pairs]))
    for key, value in pairs:
        assert value in found[key]


@given(st.builds(
    planner.DumpLine, WORDS.filter(lambda w: w not in planner.RESERVED_HOSTS), WORDS, st.integers(-99, 99999),
    st.integers(0, 399),
    st.integers(0, 10**12).map(Kib), st.integers(0, 10**6),
    st.none() | st.builds(planner.PlanB, st.integers(0, 9), st.integers(0, 9).map(Kib), st.integers(0, 9)),
    st.integers(0, 10**12).map(Kib), st.integers(0, 10**6), why=WORDS))
def test_plan_lines_come_back(line: planner.DumpLine) -> None:
    assert planner.decode(planner.encode(line)[:-1]) == line


@st.composite
def events(draw: st.DrawFn) -> Any:
    kind = draw(st.sampled_from(list(KINDS.values())))
    hints = get_type_hints(kind)
    return kind(*[draw(values(hints[f.name])) for f in fields(kind)])


@given(events(), st.integers(1, 10**9))
def test_journal_records_come_back(event: Any, seq: int) -> None:
    record = Record(seq, 1795395130.25, event)
    line = codec.encode(record)
    assert line.count(b"\n") == 1 and codec.decode(line) == record
    assert codec.read(line + line[:-1]) == [record]


@given(st.binary(max_size=80))
def test_a_torn_or_foreign_record_is_none(line: bytes) -> None:
    assert codec.decode(line) is None


@given(st.lists(events(), max_size=12))
def test_the_view_takes_any_facts_and_ignores_doubles(facts: list[Any]) -> None:
    view = RunView()
    records = []
    for number, fact in enumerate(facts, 1):
        if type(fact).__name__ == "DiskEnded":
            continue
        records.append(Record(number, float(number), fact))
    view.apply_all(records)
    before = repr(view)
    view.apply_all(records)
    assert repr(view) == before


@given(st.integers(0, 2**62))
def test_sizes_are_read_with_their_unit(size: int) -> None:
    assert parse_size(f"{size} B") == float(size)
    assert len(show_size(size)) <= 11


@given(st.integers(1, 4_000_000_000))
def test_stamps_and_dumpdates_come_back(at: int) -> None:
    assert seconds_of_dumpdate(dumpdate_of(at)) == at
    stamp = datestamp_of(at)
    assert datestamp_of(seconds_of_datestamp(stamp)) == stamp
    assert show_duration(at)


@given(st.text(max_size=12))
def test_units_raise_only_value_error(text: str) -> None:
    for read in (parse_size, parse_duration, parse_bandwidth, seconds_of_datestamp, seconds_of_dumpdate):
        try:
            read(text)
        except ValueError:
            pass
    assert not set(sanitise(text)) & set("/:\\")
