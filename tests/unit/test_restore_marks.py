"""What marks in a tree come to."""

from __future__ import annotations

import pytest

from core.errors import UsageError
from core.index.record import Mark
from core.restore.listing import Listing
from core.restore.marks import MOST, Total, above, covered, tops, total_of, with_mark, without_mark
from core.restore.tree import File
from tests.support.whole_tree import Tree, build


def made() -> Tree:
    """A full, and an incremental that has one file more; the sizes of two of the three files are known."""
    full, more = Listing(exact=True), Listing(exact=False)
    full.add(b"etc/passwd", Mark.FILE)
    full.add(b"etc/nginx/conf", Mark.FILE)
    more.add(b"etc/new", Mark.FILE)
    tree = build([full, more])
    for path, size, dump in ((b"etc/passwd", 100, 0), (b"etc/new", 7, 1)):
        directory, name = tree.top.held[b"etc"], path.rpartition(b"/")[2]
        directory.held[name] = File(dump, None, "-", size)  # type: ignore[union-attr]
    return tree


@pytest.mark.parametrize(("paths", "total"), [
    ([], Total(0, 0, 0, 0, frozenset(), ())),
    (["etc/passwd"], Total(1, 0, 100, 0, frozenset({0}), ())),
    (["etc/passwd", "etc/new"], Total(2, 0, 107, 0, frozenset({0, 1}), ())),
    (["etc/nginx/conf"], Total(1, 0, 0, 1, frozenset({0}), ())),
    (["gone", "etc/new", "etc/passwd/below"], Total(1, 0, 7, 0, frozenset({1}), ("gone", "etc/passwd/below"))),
])
def test_total(paths: list[str], total: Total) -> None:
    assert total_of(made(), paths) == total


def test_what_is_below_a_mark_is_counted_once() -> None:
    whole = total_of(made(), ["etc"])
    assert (whole.files, whole.size, whole.unsized) == (3, 107, 1)
    assert total_of(made(), ["etc/new", "etc", "etc/nginx", "etc"]) == whole
    assert total_of(made(), [""]).directories == whole.directories + 1


def test_tops() -> None:
    assert tops(["b/c", "a", "b", "a", "ab"]) == ["a", "b", "ab"]
    assert tops(["a/b", "", "c"]) == [""]


# ---- marking -----------------------------------------------------------------------------

NAMES = {"": ["a", "b"], "a": ["a/1", "a/2", "a/d"], "a/d": ["a/d/x", "a/d/y"]}


@pytest.mark.parametrize(("marks", "path", "is_covered"), [
    ((), "a", False), (("a",), "a", True), (("a",), "a/d/x", True), (("a",), "ab", False), (("",), "", True),
    (("",), "b", True),
    (("a/d",), "a", False), (("a",), "", False),
])
def test_covered(marks: tuple[str, ...], path: str, is_covered: bool) -> None:
    assert covered(marks, path) is is_covered


def test_above() -> None:
    assert above(["a/d/x", "b"]) == {"a/d", "a", ""}
    assert above([]) == above([""]) == frozenset()


@pytest.mark.parametrize(("marks", "path", "after"), [
    ((), "a", ("a",)), (("a",), "a/1", ("a",)), (("a/1", "b", "a/d/x"), "a", ("b", "a")), (("a", "b"), "", ("",)),
    (("",), "b", ("",)),
])
def test_with_mark(marks: tuple[str, ...], path: str, after: tuple[str, ...]) -> None:
    assert with_mark(marks, path) == after


@pytest.mark.parametrize(("marks", "path", "after"), [
    (("a", "b"), "a", ("b",)),
    (("a/1", "a/d/x", "b"), "a", ("b",)),
    (("a/1",), "a/2", ("a/1",)),
    (("b", "a"), "a/2", ("b", "a/1", "a/d")),
    (("a", "b"), "a/d/x", ("a/1", "a/2", "a/d/y", "b")),
    (("",), "a/d", ("b", "a/1", "a/2")),
    (("",), "", ()),
    (("a", "b"), "", ()),
    ((), "a", ()),
])
def test_without_mark(marks: tuple[str, ...], path: str, after: tuple[str, ...]) -> None:
    assert without_mark(marks, path, NAMES.__getitem__) == after


def test_a_directory_with_very_many_names_is_not_taken_apart() -> None:
    many = [f"a/{n}" for n in range(MOST + 2)]
    with pytest.raises(UsageError, match="RST055 /a has too many names"):
        without_mark(("a",), "a/7", lambda path: many)
