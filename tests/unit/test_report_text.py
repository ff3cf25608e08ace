"""Columns, cutting and cleaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.units import show_duration
from core.report import text as t
from tui import format as console


@given(st.text(max_size=60), st.integers(2, 40))
def test_what_is_cut_fits(said: str, columns: int) -> None:
    cleaned = t.clean(said)
    assert t.width(t.cut(cleaned, columns)) <= columns
    assert t.width(t.cut_left(cleaned, columns)) <= columns


@given(st.text(max_size=60))
def test_clean_text_is_printable(said: str) -> None:
    assert t.clean(said).isprintable()


@given(st.text(max_size=12), st.text(max_size=80), st.integers(10, 60))
def test_names_fit(host: str, disk: str, columns: int) -> None:
    assert t.width(t.name_of(host, disk, columns)) <= columns


@given(st.lists(st.text(st.characters(max_codepoint=127), max_size=12), max_size=20), st.integers(20, 80))
def test_wrapping_loses_no_word(words: list[str], columns: int) -> None:
    lines = t.wrap(" ".join(words), columns, indent="  ", after="    ")
    assert " ".join(lines).split() == t.clean(" ".join(words)).split()


def test_wide_letters_take_two_columns() -> None:
    assert t.width("日本") == 4
    assert t.width("é") == 1
    assert t.pad("日", 4) == "日  "
    assert t.pad_left("日", 4) == "  日"


def test_names_keep_both_ends() -> None:
    assert t.name_of("web1", "/srv/a/very/long/path/data", 16) == "web1:..path/data"
    assert t.name_of("a-host-with-a-long-name", "/data", 16) == "..ong-name:/data"


def test_tables() -> None:
    rows = [["web1:/home", "0"], ["web1:/a/very/long/path/that/does/not/fit", "12"]]
    assert t.table(["disk", "L"], rows, " r", columns=24) == [
        "disk                   L", "web1:/home             0", "../that/does/not/fit  12"]
    assert t.table(["disk", "L"], []) == ["disk  L"]
    long = t.table(["a", "why"], [["x", "a sentence that is too long for it"]], columns=20, flexible=1, keep_end=False)
    assert long[1] == "x  a sentence that.."


@pytest.mark.parametrize(("number", "expected"), [(1, "1 disk"), (2, "2 disks"), (0, "0 disks")])
def test_counts(number: int, expected: str) -> None:
    assert t.count(number, "disk") == expected


def test_counts_with_another_plural() -> None:
    assert t.count(2, "directory", "directories") == "2 directories"


@pytest.mark.parametrize("at", [1e300, -1e300, float("inf"), float("-inf"), float("nan")])
def test_times_that_no_calendar_has_are_shown_as_such(at: float) -> None:
    assert t.clock(at) == "??:??:??" and t.moment(at) == "????-??-?? ??:??:??"
    assert show_duration(at) and console.moment(at) == "??:??" and console.day(at) == "??? ?? ???"
