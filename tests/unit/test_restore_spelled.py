"""Names as lists show them, read back."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.report.text import clean
from core.restore.spelled import first_named, readings, real_path
from core.restore.tree import Directory, File, Node


class Held(Directory):
    """A directory with these names, all of them files."""

    def __init__(self, *names: bytes) -> None:
        super().__init__()
        self._names = names

    @property
    def children(self) -> Mapping[bytes, Node]:
        return {name: File(0) for name in self._names}


PIECES = [b"a", b"n", b"\\", b"\n", b"\t", b"\xe9", b"\x01", b"x41", "ü".encode(), "\u2028".encode(), b" "]
NAMES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map(b"".join)


@given(NAMES)
def test_what_a_list_shows_leads_to_the_name(name: bytes) -> None:
    shown = clean(os.fsdecode(name))
    assert real_path(Held(name), shown) == os.fsdecode(name)


@given(st.sets(NAMES, min_size=2, max_size=5))
def test_an_exact_name_wins(names: set[bytes]) -> None:
    for name in names:
        assert real_path(Held(*names), os.fsdecode(name)) == os.fsdecode(name)


@pytest.mark.parametrize(("text", "all_of_them"), [
    ("plain", ["plain"]), ("a\\b", ["a\\b"]), ("a\\nb", ["a\\nb", "a\nb"]), ("\\xe9", ["\\xe9", "é", "\udce9"]),
    ("\\n\\t", ["\\n\\t", "\n\t", "\n\\t", "\\n\t"]), ("\\ud83d", ["\\ud83d"]), ("\\x00", ["\\x00"]),
    ("\\U00110000", ["\\U00110000"]),
])
def test_readings(text: str, all_of_them: list[str]) -> None:
    assert list(readings(text)) == all_of_them


def test_a_name_of_many_escapes_is_not_read_in_all_ways() -> None:
    assert len(list(readings("\\n" * 40))) <= 65
    asked: list[str] = []
    assert first_named("\\n" * 40, lambda said: asked.append(said) or "") == "" and len(asked) == 9  # type: ignore[func-returns-value]


def test_a_path_that_names_nothing_stays_as_it_is() -> None:
    assert real_path(Held(b"a\n"), "a\\n/b") == "a\\n/b" and real_path(Held(), "x\\ty") == "x\\ty"
