"""Directories that get other names between two levels of a real GNU tar: what a restore makes of what tar told of them, and
what has to be removed before tar itself can do it."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from core.holding.header import Header, Kind
from core.restore.commands import Step, script
from core.restore.giveway import Way, ways_of
from core.restore.layer import Listed
from core.restore.listing import Listing
from core.restore.merged import MergedTree
from core.restore.scan import lister
from core.restore.tree import File

HEADER = Header(Kind.SPLIT_FILE, comp="N")
BEFORE = "mkdir -p a/b/c x/y; echo 1 > a/f; echo 2 > a/b/g; echo 3 > a/b/c/h; echo 4 > x/i; echo 5 > x/y/j; echo 6 > file"


def dumped(tree: Path, level: int) -> tuple[Path, Listed]:
    """A level of ``tree``, and what its index is."""
    archive, listing = tree.parent / f"{level}.tar", Listing(renames=[])
    subprocess.run(["tar", "-C", tree, f"--listed-incremental={tree.parent / 'snar'}", "-cf", archive, "."], check=True,
                   capture_output=True)
    stream = lister(listing)
    stream.feed(memoryview(archive.read_bytes()))
    stream.finish()
    return archive, Listed(listing)


def contents(archives: list[Path], tree: MergedTree) -> dict[str, bytes]:
    """All files as a restore gives them: out of the dump, and by the name there, that the tree says."""
    found = {}
    for path, node in tree.walk():
        if isinstance(node, File):
            name = os.fsdecode(b"./" + (node.source or path))
            found[os.fsdecode(path)] = subprocess.run(["tar", "-xOf", archives[node.dump], name], check=True,
                                                      capture_output=True).stdout
    return found


@pytest.mark.parametrize(("change", "way"), [
    ("mv a n; mv n/b lib", None),                             # out of a directory that was renamed: told first
    ("mv a x/n; mv x/n/b b", None),
    ("mv a/b up; mv a up/b", None),                           # inside out
    ("mv a n; mv n/b/c n/b/d; mv n/b m", None),
    ("mv a t; mv x a; mv t x", None),
    ("mv a n; mkdir a; echo 7 > a/new", Way()),
    ("rm -r x; mv a x", Way((b"x",))),                        # the place of what was deleted with all that was in it
    ("rm file; mv a file", Way((b"file",))),
    ("rm -r x/y; mv a/b x/y; rm file", Way((b"x/y",))),
    ("mv a/b t; rm -r a; mv t a", Way((b"a",), ((b"a/b", b"a"),))),   # in its own way
    ("mv a/b t; mv a/f x/f; rm -r a; mv t a; rm -r x/y", Way((b"a",), ((b"a/b", b"a"),), (b"x/y",))),
])
def test_renamed_directories(tmp_path: Path, change: str, way: Way | None) -> None:
    tree, out = tmp_path / "tree", tmp_path / "out"
    tree.mkdir()
    out.mkdir()
    subprocess.run(["sh", "-e", "-c", BEFORE], cwd=tree, check=True)
    full, below = dumped(tree, 0)
    subprocess.run(["sh", "-e", "-c", change], cwd=tree, check=True)
    incremental, above = dumped(tree, 1)
    wanted = {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    merged = MergedTree([below, above])
    assert contents([full, incremental], merged) == wanted and not merged.missing
    for path in wanted:
        assert os.fsencode(path) in [found for found, _ in merged.match(b"*" + os.fsencode(path.rpartition("/")[2]))]
    nothing, found = ways_of([below, above])
    assert nothing == Way() and (way is None or found == way)
    subprocess.run(["tar", "-C", out, "--listed-incremental=/dev/null", "-xpf", full, "."], check=True)
    step = Step("", HEADER, (), "", not found.moves, (), names(found.away),
                tuple((os.fsdecode(old), os.fsdecode(new)) for old, new in found.moves), names(found.gone))
    told = "".join(f"{line}\n" for line in script([], [step])).replace("()", f"cat {shlex.quote(str(incremental))}")
    subprocess.run(["sh", "-e", "-c", told], cwd=out, check=True)
    assert {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()} == wanted


def names(found: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(map(os.fsdecode, found))
