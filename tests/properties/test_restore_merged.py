"""The tree that is made a directory at a time is the one that is made of whole listings, whatever the indexes say."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.index.reader import IndexReader
from core.index.record import Mark
from core.index.writer import IndexWriter
from core.restore.layer import Layer, Listed
from core.restore.listing import Listing
from core.restore.merged import MergedTree
from core.restore.tree import Directory, Node, source_of, walk
from tests.support.whole_tree import Tree, build

NAME = st.sampled_from([b"a", b"b", b"c", b"a-b", b"ab"])
PATH = st.lists(NAME, min_size=1, max_size=3).map(b"/".join)
MAYBE = st.one_of(PATH, PATH, PATH, st.just(b""))


@dataclass(frozen=True)
class Index:
    """What an index says, in the order in which it was said."""

    names: list[tuple[bytes, Mark]]
    exact: bool
    renames: list[tuple[bytes, bytes]] | None

    def listing(self) -> Listing:
        found = Listing(exact=self.exact, renames=copy.copy(self.renames))
        for path, mark in self.names:
            found.add(path, mark)
        return found


NAMES = st.lists(st.tuples(PATH, st.sampled_from(Mark)), max_size=12)
TOP = st.sampled_from([[(b"", Mark.DIRECTORY)], []])
INDEX = st.builds(
    lambda top, names, exact, renames: Index(top + names, exact, renames), TOP, NAMES, st.booleans(),
    st.one_of(st.none(), st.lists(st.tuples(MAYBE, MAYBE), max_size=4)))
CHAIN = st.lists(INDEX, min_size=1, max_size=4)


@contextmanager
def files_of(chain: Sequence[Index]) -> Iterator[list[Layer]]:
    """Real index files, so small in their groups that each directory is cut into several."""
    layers: list[Layer] = []
    with ExitStack() as stack, patch("core.index.writer.GROUP", 60):
        for index in chain:
            out = TemporaryFile()  # noqa: SIM115 (the reader closes it)
            with TemporaryFile() as spool:
                writer = IndexWriter(out, spool)
                writer.exact, writer.renames = index.exact, index.renames
                for path, mark in index.names:
                    writer.add(path, mark)
                writer.finish()
            out.flush()
            layers.append(stack.enter_context(IndexReader(out, "it")))
        yield layers


def shown(found: Iterator[tuple[bytes, Node]]) -> list[tuple[bytes, bool, int, bytes]]:
    """All that counts of nodes: where one has none of its own data, its source is nothing."""
    return [(path, isinstance(node, Directory), node.dump, source_of(path, node) if node.dump >= 0 else b"")
            for path, node in found]


def model_of(chain: Sequence[Index]) -> Tree:
    return build([index.listing() for index in chain])


@contextmanager
def merged(chain: Sequence[Index], store: str) -> Iterator[MergedTree]:
    if store == "memory":
        yield MergedTree([Listed(index.listing()) for index in chain])
    else:
        with files_of(chain) as layers:
            yield MergedTree(layers)


FROM_NOWHERE = [
    Index([(b"", Mark.DIRECTORY), (b"a/a", Mark.PRESENT)], False, None),
    Index([(b"", Mark.DIRECTORY)], False, [(b"", b"a"), (b"a/a", b"a/a")])]
"""Renames out of tar's temporary directory, into which nothing was put."""


@pytest.mark.parametrize("store", ["memory", "file"])
@settings(deadline=None)
@given(chain=CHAIN)
@example(chain=FROM_NOWHERE)
def test_the_lazy_tree_is_the_whole_tree(store: str, chain: list[Index]) -> None:
    model = model_of(chain)
    with merged(chain, store) as tree:
        wanted = shown(walk(model.top, b""))
        assert shown(tree.walk()) == wanted
        assert tree.inexact == model.inexact and set(tree.missing) == set(model.missing)
        # One name is found without what is beside it, and a directory is the same from wherever one comes.
        paths = {path for path, *_ in wanted} | {path for index in chain for path, _ in index.names}
        for path in paths:
            here, there = tree.find(path), model.find(path)
            assert (here is None) == (there is None)
            if here is not None and there is not None:
                assert shown(walk(here, path)) == shown(walk(there, path))


@pytest.mark.parametrize("store", ["memory", "file"])
@settings(deadline=None)
@given(chain=CHAIN, needle=st.sampled_from([b"a", b"b", b"-", b"ab", b"c", b"zz"]))
def test_a_search_finds_what_a_walk_would(store: str, chain: list[Index], needle: bytes) -> None:
    model = model_of(chain)
    wanted = [(path, node) for path, node in walk(model.top, b"") if path and needle in path.rpartition(b"/")[2]]
    with merged(chain, store) as tree:
        found = list(tree.search(needle))
        assert sorted(shown(iter(found))) == sorted(shown(iter(wanted)))
        assert list(tree.search(b"a/" + needle)) == []


@pytest.mark.parametrize("store", ["memory", "file"])
@settings(deadline=None)
@given(chain=CHAIN, glob=st.lists(st.sampled_from([b"*", b"?", b"a", b"b", b"/", b"[ab]", b"-"]), min_size=1, max_size=4)
       .map(b"".join))
def test_a_pattern_finds_what_a_walk_would(store: str, chain: list[Index], glob: bytes) -> None:
    whole, wanted = b"/" in glob, []
    for path, node in walk(model_of(chain).top, b""):
        text = path if whole else path.rpartition(b"/")[2]
        if path and fnmatch.fnmatchcase(text, glob.lstrip(b"/") if whole else glob):
            wanted.append((path, node))
    with merged(chain, store) as tree:
        assert sorted(shown(tree.match(glob))) == sorted(shown(iter(wanted)))


FULL = Index([(b"", Mark.DIRECTORY), (b"old", Mark.DIRECTORY), (b"old/f", Mark.FILE)], False, None)


@pytest.mark.parametrize("store", ["memory", "file"])
def test_what_no_later_index_names_is_found_below_its_new_name(store: str) -> None:
    chain = [FULL, Index([], False, [(b"old", b"y/new"), (b"x", b""), (b"", b"y")]), Index([(b"g", Mark.FILE)], False, None)]
    with merged(chain, store) as tree:
        assert shown(tree.match(b"y/*/f")) == [(b"y/new/f", False, 0, b"old/f")]
        assert shown(tree.search(b"new")) == [(b"y/new", True, 0, b"old")]
        assert list(tree.match(b"old*")) == list(tree.match(b"x/*")) == []
        assert sorted(path for path, _ in tree.search(b"")) == [b"g", b"y", b"y/new", b"y/new/f"]


@pytest.mark.parametrize("store", ["memory", "file"])
def test_case_may_be_passed_over(store: str) -> None:
    names = ["Ünder", "üNDER.txt", "under", "a|b", "A|B", "STRASSE", "x.y"]
    index = Index([(name, Mark.FILE) for name in [*(name.encode() for name in names), b"\xff\xfeA"]], False, None)
    with merged([index], store) as tree:
        def found(needle: bytes) -> set[str]:
            return {path.decode("latin-1" if b"\xff" in path else "utf-8") for path, _ in tree.search(needle, fold=True)}

        assert found("ünd".encode()) == {"Ünder", "üNDER.txt"} and found(b"UND") == {"under"}
        assert found(b"a|B") == {"a|b", "A|B"} and found(b"X.Y") == {"x.y"} and found(b"\xffX") == set()
        assert found(b"\xfea") == {"\xff\xfeA"}
        assert {path for path, _ in tree.search(b"und")} == {b"under"}
