"""Restores with indexes, copies, headers and targets that are not as they should be: one clear message, nothing lost."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from core.errors import TaperoomError, UsageError, WorldError
from core.holding.header import HEADER_SIZE, Filters, Kind, build, parse
from core.index.reader import open_index
from core.landing.room import ROOM as STAGING
from core.restore.browse import ls
from core.restore.byhand import recipe, recipe_for
from core.restore.recover import restore
from tests.support.dumps import HOST, Client, manifest, pause, touch
from tests.support.indexes import lines_of, store_index


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


@pytest.mark.parametrize("index", ["stock", "none"])
def test_an_index_that_is_not_ours_does(client: Client, tmp_path: Path, index: str) -> None:
    touch(client.tree / "a/keep", "1")
    touch(client.tree / "a/gone", "2")
    touch(client.tree / "old/x", "3")
    client.night(0, index=index)
    pause(client.tree)
    (client.tree / "a/gone").unlink()
    touch(client.tree / "a/new", "4")
    client.night(1, "volume", index=index)
    result = restore(client.site, [client.title], "now", tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names == {"keep", "new", "x"}
    if index == "stock":
        assert result.warnings == [], "the dump itself tells what was deleted"
        [said] = ls(client.site, client.title).warnings
        assert said == ("RST016 web1:/home: the index of level 1 does not tell which files were deleted before it:"
                        " such files may be shown and restored")
    else:
        assert result.warnings == [
            f"RST018 web1:/home level {level} of 2026-01-{level + 1:02d} 03:00:00: has no index; its names come from the dump"
            " itself" for level in (0, 1)]


def zstd(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor()
    return packer.compress(data[:10240]) + packer.compress(data[10240:])


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"NOT TESTED: {program} is not installed")


@pytest.mark.parametrize(("pack", "comp", "filters"), [
    (gzip.compress, ".gz", Filters()),
    (lambda data: gzip.compress(data[:5000]) + gzip.compress(data[5000:]), ".gz", Filters()),
    (lambda data: gzip.compress(data) + bytes(32768), ".gz", Filters()),
    pytest.param(zstd, "cust", Filters(client_compress="/usr/bin/zstd"), marks=needs("zstd")),
    pytest.param(
        lambda data: subprocess.run(["xz"], input=data, capture_output=True, check=True).stdout, "cust",
        Filters(server_compress="/usr/bin/xz"), marks=needs("xz")),
    (lambda data: gzip.compress(data), ".Z", Filters()),
], ids=["gzip", "members", "padded", "zstd", "xz", "compress"])
def test_whatever_packed_it_is_undone(client: Client, tmp_path: Path, pack: object, comp: str, filters: Filters) -> None:
    touch(client.tree / "a", b"a" * 5_000_000)
    touch(client.tree / "b", os.urandom(300_000))
    assert callable(pack)
    client.night(0, pack=pack, comp=comp, filters=filters)
    result = restore(client.site, [client.title], "now", tmp_path / "out")
    assert result.good and manifest(tmp_path / "out") == manifest(client.tree)


@pytest.mark.parametrize(("filters", "comp", "text"), [
    (Filters(client_compress="/tmp/evil"), "cust", "compressed by /tmp/evil, which is not run"),
    (Filters(), "cust", "a program that its header does not name, which is not run"),
    (Filters(client_encrypt="/usr/bin/gpg", crypt="enc"), "N", "encrypted by /usr/bin/gpg"),
])
def test_a_header_does_not_say_what_runs_here(client: Client, tmp_path: Path, filters: Filters, comp: str, text: str) -> None:
    touch(client.tree / "a")
    client.night(0, comp=comp, filters=filters)
    with pytest.raises(WorldError, match=text) as caught:
        restore(client.site, [client.title], "now", tmp_path / "out")
    assert caught.value.code == "RST024" and not (tmp_path / "out").exists()


@pytest.mark.parametrize("filters", [
    Filters(client_encrypt="/usr/sbin/amcrypt-ossl", client_decrypt_option="-d", crypt="enc"),
    Filters(server_encrypt="/usr/sbin/amcrypt-ossl", server_decrypt_option="-d", crypt="enc")], ids=["client", "server"])
def test_what_an_amanda_encrypted_is_told_with_what_helps(client: Client, tmp_path: Path, filters: Filters) -> None:
    touch(client.tree / "a", b"secret")
    client.night(0, "volume", filters=filters)
    with pytest.raises(WorldError, match="is encrypted by /usr/sbin/amcrypt-ossl, and Taperoom decrypts nothing") as caught:
        restore(client.site, [client.title], "now", tmp_path / "out")
    assert caught.value.hint.startswith("'taperoom recipe' with the same words and date prints commands that do it by hand")
    found = recipe_for(client.site, client.title)
    assert found.warnings == ("RST022 web1:/home level 0 of 2026-01-01 03:00:00 is encrypted by /usr/sbin/amcrypt-ossl: the"
                              " commands need that program and its key",)
    assert found.script[0].endswith("needs amcrypt-ossl, dd, tar and nothing else.")
    assert "#    It is encrypted: this needs /usr/sbin/amcrypt-ossl and its key, which no volume has." in found.script
    assert "status=none | /usr/sbin/amcrypt-ossl -d | tar -xp " in found.script[-1]


@pytest.mark.parametrize("store", ["holding", "volume"])
def test_damage_is_found_and_nothing_is_left(client: Client, tmp_path: Path, store: str) -> None:
    touch(client.tree / "a", os.urandom(100_000))
    client.night(0, store, damage=50_000)
    with pytest.raises(WorldError, match="its data has CRC") as caught:
        restore(client.site, [client.title], "now", tmp_path / "out")
    assert caught.value.code == "RST024" and caught.value.hint
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(STAGING + "*"))


def test_a_damaged_copy_gives_way_to_a_good_one(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a", os.urandom(100_000))
    stamp = client.night(0, "volume", parts=2)
    # The same dump on the holding disk, damaged, as a night that flushed but could not remove it.
    held = client.base / "held"
    part = (client.base / "vtapes/slot1" / f"00001.{HOST}._home.0").read_bytes()
    held.write_bytes(build(replace(parse(part), kind=Kind.FILE, part=1, parts=1)) + part[HEADER_SIZE:])
    journal = client.site.runs_dir / stamp / "journal.jsonl"
    # A journal of a version without checksums: the lines are changed here.
    plain = re.sub(rb',"sum":"[0-9a-f]{8}"}\n', b"}\n", journal.read_bytes())
    journal.write_bytes(plain.replace(b"/gone/" + stamp.encode(), str(held).encode(), 1).replace(
        b'"file":"/gone/' + stamp.encode() + b'","size":', b'"file":"' + str(held).encode() + b'","size":', 1))
    client.site.catalogue.unlink()
    result = restore(client.site, [client.title], "now", tmp_path / "out")
    assert result.good and manifest(tmp_path / "out") == manifest(client.tree)
    [rebuilt, warning] = result.warnings
    assert rebuilt.startswith("RST002")
    assert warning.startswith(f"RST023 web1:/home level 0 of {stamp} from holding file {held}: ")


def test_a_volume_that_was_written_anew_is_not_believed(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a")
    client.night(0, "volume")
    label = client.base / "vtapes/slot1/00000.TEST-001"
    label.write_bytes(label.read_bytes().replace(b"20260101030000", b"20270101030000"))
    with pytest.raises(WorldError, match="volume TEST-001 was written anew on 20270101030000"):
        restore(client.site, [client.title], "now", tmp_path / "out")
    shutil.rmtree(client.base / "vtapes/slot1")
    with pytest.raises(WorldError, match="volume TEST-001 is in no slot"):
        restore(client.site, [client.title], "now", tmp_path / "out")
    with pytest.raises(WorldError, match="is in no file: volume TEST-001 is in no slot"):
        recipe(client.site, HOST, client.disk, "a")


def test_what_is_there_is_kept_unless_asked(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a/one", "from the dump")
    touch(client.tree / "two", "two")
    client.night(0)
    to = tmp_path / "out"
    touch(to / "a/one", "mine")
    touch(to / "a/other", "mine, too")
    (to / "a").chmod(0o711)
    with pytest.raises(UsageError, match="has 1 of the names already: /a/one") as caught:
        restore(client.site, [client.title], "now", to)
    assert caught.value.code == "RST031" and (to / "a/one").read_text() == "mine" and sorted(os.listdir(to)) == ["a"]
    assert restore(client.site, [client.title], "now", to, overwrite=True).good
    assert (to / "a/one").read_text() == "from the dump" and (to / "a/other").read_text() == "mine, too"
    assert (to / "a").stat().st_mode & 0o777 == 0o711 and not [n for n in os.listdir(to) if n.startswith(STAGING)]


def test_a_link_in_the_target_is_not_followed(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a/one", "from the dump")
    client.night(0)
    outside, to = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    to.mkdir()
    os.symlink(outside, to / "a")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="has 1 of the names already: /a"):
            restore(client.site, [client.title], "now", to, overwrite=overwrite)
    assert os.listdir(outside) == []


def test_targets_that_cannot_be(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a")
    client.night(0)
    touch(tmp_path / "file")
    for to, text in ((tmp_path / "file", "is not a directory"), (tmp_path / "file/x", "Not a directory")):
        with pytest.raises(UsageError, match=text) as caught:
            restore(client.site, [client.title], "now", to)
        assert caught.value.code == "RST030"
    with pytest.raises(UsageError, match="nothing to restore was named"):
        restore(client.site, [], "now", tmp_path / "out")


def test_dates_and_names_that_are_not_there_say_which_are(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a")
    touch(client.tree / "b")
    client.night(0)
    pause(client.tree)
    (client.tree / "b").unlink()
    client.night(1)
    with pytest.raises(UsageError, match="web1:/home had no /b on 2026-01-02 03:00:00") as caught:
        ls(client.site, "web1:/home:/b")
    assert caught.value.hint == "the name is in 2026-01-01 03:00:00 (level 0)"
    with pytest.raises(UsageError, match="web1:/home has no dump as old as 2025-12-31 23:59:59") as caught:
        restore(client.site, ["web1:/home"], "2025-12-31", tmp_path / "out")
    assert caught.value.hint == ("these dates can be restored: 2026-01-02 03:00:00 (level 1), 2026-01-01 03:00:00 (level 0)")
    with pytest.raises(UsageError, match="had no /c") as caught:
        ls(client.site, "web1:/home/c")
    assert caught.value.hint.startswith("these dates")
    assert [entry.path for entry in ls(client.site, "web1:/home:b", "2026-01-01").entries] == ["/b"]
    shutil.rmtree(client.base / "holding/20260101030000")
    with pytest.raises(WorldError, match="RST024") as broken:
        restore(client.site, ["web1:/home"], "now", tmp_path / "out")
    assert "is missing" in broken.value.message and isinstance(broken.value, TaperoomError)


def test_disks_apart_and_odd_names_of_disks(tmp_path: Path) -> None:
    client = Client(tmp_path, "my disk: a/b")
    touch(client.tree / "x y")
    client.night(0)
    result = restore(client.site, [f"{HOST}:my disk: a/b:/x y"], "now", tmp_path / "out")
    assert result.good and (tmp_path / "out/x y").is_file()


def test_a_dump_that_lies_about_links_reaches_nothing_outside(client: Client, tmp_path: Path) -> None:
    secret = touch(tmp_path / "secret/file", "secret")
    os.symlink(secret.parent, client.tree / "a")
    data = client.archive(0)
    client.night(0)
    index = client.site.index_dir / HOST / "_home" / "20260101030000_0.tix"
    store_index(index, [b"/", b"/a/", b"/a/file"])
    assert b"secret" in data
    result = restore(client.site, [client.title], "now", tmp_path / "out")
    assert result.missing == ["/a/file"] and not result.good
    assert secret.read_text() == "secret" and not (tmp_path / "out/a").is_symlink()


def test_a_full_target_leaves_nothing_half(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a", os.urandom(3_000_000))
    client.night(0)
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("no right to mount a small file system")
    try:
        with pytest.raises(WorldError, match=r"a: (Wrote only|Cannot write|No space)") as caught:
            restore(client.site, [client.title], "now", small)
        assert caught.value.code == "RST025" and os.listdir(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_holding_file_ends_early(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a", os.urandom(300_000))
    stamp = client.night(0)
    path = client.base / "holding" / stamp / f"{HOST}._home.0.1"
    os.truncate(path, HEADER_SIZE + 1000)
    with pytest.raises(WorldError, match="RST024"):
        restore(client.site, [client.title], "now", tmp_path / "out")


def an_index_of(client: Client, level: int) -> Path:
    [path] = (client.site.index_dir / HOST / "_home").glob(f"*_{level}.tix")
    return path


def test_an_index_that_does_not_tell_renames_is_helped_by_the_dump(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a/x", "1")
    client.night(0)
    pause(client.tree)
    os.rename(client.tree / "a", client.tree / "b")
    client.night(1)
    index = an_index_of(client, 1)
    with open_index(index) as found:
        assert found.renames == [(b"a", b"b")]
        store_index(index, lines_of(found))
    result = restore(client.site, [client.title], "now", tmp_path / "out")
    assert result.good and result.warnings == [] and (tmp_path / "out/b/x").read_text() == "1"
    assert not (tmp_path / "out/a").exists()
    # Without the dump nobody knows.
    shutil.rmtree(client.base / "holding/20260102030000")
    warnings = ls(client.site, client.title, recursive=True).warnings
    assert warnings == ls(client.site, client.title + ":b").warnings
    assert warnings[0].startswith("RST019 web1:/home level 1 of 2026-01-02 03:00:00: which directories were renamed")
    assert warnings[1] == "RST017 web1:/home: 1 files were there, but no dump of the chain has them, the first is /b/x"


def test_what_was_there_and_no_dump_has_is_missing(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a/x", "1")
    touch(client.tree / "a/y", "2")
    client.night(0)
    pause(client.tree)
    touch(client.tree / "b", "3")
    client.night(1)
    index = an_index_of(client, 0)
    with open_index(index) as found:
        lines = [line for line in lines_of(found) if line != b"/a/x"]  # as if it could not be read that night
    store_index(index, [b"\t/", *lines])
    result = restore(client.site, [client.title], "now", tmp_path / "out")
    assert result.missing == ["/a/x"] and not result.good
    assert result.warnings == ["RST017 web1:/home: 1 files were there, but no dump of the chain has them, the first is /a/x"]
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["a", "b", "y"]
    part = restore(client.site, [client.title + ":a/y"], "now", tmp_path / "part")
    assert part.good and part.missing == []
    by_hand = recipe_for(client.site, client.title)
    assert list(by_hand.warnings) == result.warnings
    assert [line for line in by_hand.script if "RST017" in line] == [
        "# RST017 1 name that was there cannot come from these dumps, since none of them has it: /a/x."
        " Another date may have it."]
    assert "RST017" not in "".join(recipe_for(client.site, client.title + ":a/y").script)
    store_index(index, lines)  # which does not tell what was left out: it may have been excluded
    unsure = restore(client.site, [client.title], "now", tmp_path / "unsure")
    assert unsure.good and unsure.warnings == result.warnings


def test_an_index_that_cannot_be_read_is_made_up_for(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a", "1")
    client.night(0)
    index = an_index_of(client, 0)
    with open_index(index) as found:
        plain, packed = b"\n".join(lines_of(found)), index.read_bytes()
    for damage in (b"no index", packed[:-4], packed[:12] + b"\xff\xff\xff" + packed[15:]):
        index.write_bytes(damage)
        shown = ls(client.site, client.title)
        assert [entry.path for entry in shown.entries] == ["/a"]
        [warning] = shown.warnings
        assert warning.startswith(f"RST018 web1:/home level 0 of 2026-01-01 03:00:00: its index {index} cannot be read (")
        with pytest.raises(UsageError, match="had no /b"):
            ls(client.site, client.title + ":b")
    index.unlink()
    index.with_name("20260101030000_0-sorted").write_bytes(plain)
    assert ls(client.site, client.title).warnings == ()


def test_directories_that_no_dump_has_are_made_all_the_same(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a/b/c", "1")
    client.night(0)
    store_index(an_index_of(client, 0), [b"/a/b/c", b"/x/"])
    shown = ls(client.site, client.title, recursive=True)
    assert [(entry.path, entry.level) for entry in shown.entries] == [("/a/", -1), ("/a/b/", -1), ("/a/b/c", 0), ("/x/", 0)]
    result = restore(client.site, [client.title], "now", tmp_path / "out")
    assert result.good and (tmp_path / "out/a/b/c").read_text() == "1" and (tmp_path / "out/x").is_dir()


def test_by_hand_from_what_is_left(client: Client, tmp_path: Path) -> None:
    touch(client.tree / "a b", "1")
    client.night(0, "volume", pack=zstd, comp="cust", filters=Filters(client_compress="/usr/bin/zstd"))
    [command] = recipe(client.site, HOST, client.disk, "a b")
    assert command.endswith(" | zstd -dc | tar -xp --xattrs --xattrs-include='*' --acls -f - './a b'")
    held = client.site.runs_dir / "20260101030000/journal.jsonl"
    held.write_bytes(held.read_bytes().replace(b'"FileRemoved"', b'"Newer"'))
    client.site.catalogue.unlink()
    assert recipe(client.site, HOST, client.disk, "a b") == [command]
