"""Looking at the beginning of a file in a real dump: from where it lies, bounded, and what is said when it cannot be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalogue.queries import Dump, dumps
from core.catalogue.rebuild import open_catalogue
from core.client.browse import Browser
from core.errors import TaperoomError
from core.restore.peek import Peek, is_text, peek
from tests.support.small_site import SmallSite

LONG = "d" * 60 + "/" + "e" * 90
LETTER = b"dear reader,\n" * 10_000


@pytest.fixture(scope="module", params=["none", "client fast"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    """A dump of more than what is rather read as a whole, with every kind of file in it."""
    made = SmallSite(tmp_path_factory.mktemp("peek"), {"alpha:/home": {
        "first": os.urandom(3 << 20), "letter": LETTER, f"{LONG}/short": b"hello\n", "empty": b"",
        "zz/last": os.urandom(3 << 20)}}, dumptype={"compress": request.param})
    tree = made.data("alpha:/home")
    os.link(tree / "letter", tree / "zz/again")
    os.symlink("letter", tree / "link")
    with open(tree / "sparse", "wb") as file:
        file.write(b"begin")
        file.seek(1 << 20)
        file.write(b"end")
    (tree / "caf\udce9").write_bytes(b"x")
    ran = made.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    yield made


def look(site: SmallSite, path: str) -> Peek:
    return Browser(site.site, "alpha", str(site.data("alpha:/home"))).peek(path)


def dump_of(site: SmallSite) -> Dump:
    with open_catalogue(site.site).catalogue as catalogue:
        return dumps(catalogue, "alpha", str(site.data("alpha:/home")))[-1]


def test_the_beginning_of_a_file(site: SmallSite) -> None:
    found = look(site, "letter")
    assert (found.data, found.whole, found.size, found.link, found.text) == (LETTER[:32768], False, len(LETTER), "", True)
    assert found.place == "volume T-001 of storage main"
    short = look(site, f"{LONG}/short")
    assert (short.data, short.whole, short.size) == (b"hello\n", True, 6)
    assert look(site, "caf\udce9").data == b"x"
    assert not look(site, "first").text


def test_links_holes_and_nothing(site: SmallSite) -> None:
    assert look(site, "zz/again").data == look(site, "letter").data
    assert look(site, "link").link == "letter"
    sparse = look(site, "sparse")
    assert sparse.data[:8] == b"begin\0\0\0" and len(sparse.data) == 32768 and sparse.size == (1 << 20) + 3
    empty = look(site, "empty")
    assert (empty.data, empty.whole, empty.size) == (b"", True, 0)


def test_only_what_is_needed_is_read(site: SmallSite) -> None:
    """The file lies behind three million bytes that nobody packs small; half of one is enough to come to it."""
    assert peek(site.site, dump_of(site), b"zz/last", 100, budget=2 << 20).data == \
        (site.data("alpha:/home") / "zz/last").read_bytes()[:100]


def test_what_is_too_far_to_be_looked_at(site: SmallSite) -> None:
    index = next(site.site.index_dir.rglob("*.tix"))
    index.rename(index.with_suffix(".away"))
    try:
        with pytest.raises(TaperoomError, match=r"RST058 more than 1 MiB of alpha:.* would have to be read"):
            peek(site.site, dump_of(site), b"zz/last", budget=1 << 20)
        assert peek(site.site, dump_of(site), b"zz/last", 10).size == 3 << 20
    finally:
        index.with_suffix(".away").rename(index)


def test_what_cannot_be_looked_at(site: SmallSite) -> None:
    with pytest.raises(TaperoomError, match=r"RST013 alpha:.* had no file /zz then"):
        look(site, "zz")
    with pytest.raises(TaperoomError, match="RST013"):
        look(site, "nothing")
    with pytest.raises(TaperoomError, match=r"RST024 .*the dump has no /nothing"):
        peek(site.site, dump_of(site), b"nothing")
    slot = site.root / "vtapes" / "slot1"
    slot.rename(site.root / "away")
    try:
        with pytest.raises(TaperoomError, match=r"RST024 .* cannot be read: .*T-001"):
            look(site, "letter")
    finally:
        (site.root / "away").rename(slot)


@pytest.mark.parametrize(("data", "text"), [
    (b"", True), (b"plain\ttext\r\n\f", True), ("Grüße\n".encode(), True), ("Grüße\n".encode("latin-1"), True),
    ("目録".encode()[:-1], True), (b"a\0b", False), (bytes(range(1, 32)), False), (b"x" * 100 + b"\x01\x02", True),
    (bytes(range(160, 224)) + bytes(range(128, 160)) * 2, False), (b"\x1b[31mred\x1b[0m", True),
])
def test_is_text(data: bytes, text: bool) -> None:
    assert is_text(data) is text


def test_the_target_is_never_written(site: SmallSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    look(site, "letter")
    assert list(tmp_path.iterdir()) == []
