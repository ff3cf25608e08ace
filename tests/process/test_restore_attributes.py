"""What a real tar put into an archive comes back: attributes, ACLs, owners, modes, holes, second names, at each level."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from core.restore.browse import ls
from core.restore.byhand import recipe_for
from core.restore.recover import restore
from tests.support.client import a_disk, dump, sizes
from tests.support.client import client as our_client
from tests.support.dumps import Client, manifest, pause, touch
from tests.support.small_site import SmallSite

FORM = ("--format=posix", "--xattrs", "--acls")
"""As amgtar calls tar with the properties XATTRS and ACLS."""
ACL = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in (
    (0x01, 6, 0xffffffff), (0x02, 4, 1), (0x04, 4, 0xffffffff), (0x10, 4, 0xffffffff), (0x20, 0, 0xffffffff)))
"""user::rw- user:daemon:r-- group::r-- mask::r-- other::---"""


def dress(path: Path, colour: str, acl: str = "access") -> None:
    """An attribute and an ACL."""
    try:
        os.setxattr(path, "user.colour", colour.encode())
        os.setxattr(path, f"system.posix_acl_{acl}", ACL)
    except OSError as fault:
        if fault.errno not in (errno.ENOTSUP, errno.EPERM):
            raise
        pytest.skip(f"NOT TESTED: attributes and ACLs: this file system has none ({fault.strerror})")


def attributes(root: Path) -> dict[str, dict[str, bytes]]:
    """Of every name below all attributes, ACLs among them."""
    found = {}
    for path in [root, *root.rglob("*")]:
        names = os.listxattr(path, follow_symlinks=False)
        found[str(path.relative_to(root))] = {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    return found


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """A full, and an incremental after a change, a deletion and a rename."""
    (tmp_path / "site").mkdir()
    client = Client(tmp_path / "site", form=FORM)
    tree = client.tree
    for number, name in enumerate(("a/one", "a/two", "old/deep/three", "x" * 150)):
        dress(touch(tree / name, name * 100), f"green {number}")
    dress(tree / "a", "blue", "default")
    (tree / "old").chmod(0o2750)
    os.link(tree / "a/one", tree / "z-second")
    os.symlink("../a", tree / "old/link")
    with open(tree / "holes", "wb") as holes:
        holes.truncate(5_000_000)
        holes.seek(3_000_000)
        holes.write(b"data")
    if os.geteuid() == 0:
        os.chown(tree / "a/two", 1, 1)
    client.night(0)
    pause(tree)
    (tree / "old").rename(tree / "new")
    (tree / ("x" * 150)).unlink()
    dress(touch(tree / "a/four", b"four"), "red")
    client.night(1)
    return client


def test_all_of_it_comes_back_at_each_level(client: Client, tmp_path: Path) -> None:
    tree, out = client.tree, tmp_path / "out"
    result = restore(client.site, [client.title], "now", out)
    assert result.good and result.warnings == []
    assert manifest(out) == manifest(tree) and attributes(out) == attributes(tree)
    assert os.getxattr(out / "a/one", "system.posix_acl_access") == ACL and os.stat(out / "holes").st_blocks * 512 < 1_000_000
    assert os.stat(out / "a/one").st_ino == os.stat(out / "z-second").st_ino
    assert {entry.path for entry in ls(client.site, client.title, recursive=True).entries} == {
        "/a/", "/a/one", "/a/two", "/a/four", "/new/", "/new/deep/", "/new/deep/three", "/new/link", "/holes", "/z-second"}
    shutil.rmtree(out)
    assert restore(client.site, [f"{client.title}:z-second"], "now", out).good, "its first name was not asked for"
    assert attributes(out / "z-second") == {".": attributes(tree)["a/one"]}
    assert (out / "z-second").read_bytes() == (tree / "a/one").read_bytes()


def test_without_an_index_the_dump_itself_tells_the_same(client: Client, tmp_path: Path) -> None:
    shutil.rmtree(client.site.index_dir)
    result = restore(client.site, [client.title], "now", tmp_path / "out")
    assert result.good and {warning[:6] for warning in result.warnings} == {"RST018"}
    assert manifest(tmp_path / "out") == manifest(client.tree) and attributes(tmp_path / "out") == attributes(client.tree)


def test_by_hand_what_tar_is_told_by_itself(client: Client, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for command in recipe_for(client.site, client.title).commands:
        subprocess.run(["sh", "-ec", command], cwd=out, check=True)
    assert manifest(out) == manifest(client.tree) and attributes(out) == attributes(client.tree)


def test_our_client_dumps_them_where_its_access_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "tree"
    dress(touch(tree / "a/one", b"x" * 5000), "green")
    found, kib = [], []
    for number, text in enumerate(("", 'attributes = ["xattrs", "acls"]\n')):
        (tmp_path / "access.toml").write_text(text)
        with our_client(tmp_path, monkeypatch) as connection:
            disk = a_disk(connection.host, tree)
            kib.append(sizes(connection, [(disk, [0])])[str(tree), 0])
            done = dump(connection, disk, 0, confirm=True)
        out = tmp_path / f"out{number}"
        out.mkdir()
        subprocess.run(["tar", "--extract", "--xattrs", "--acls", "--directory", out, "--file=-"], input=done.data, check=True)
        found.append(attributes(out)["a/one"])
        assert done.index == ["/", "\t/", "/a/", "/a/one"] and kib[-1] * 1024 == len(done.data)
    assert found == [{}, attributes(tree)["a/one"]] and "--xattrs --acls" in done.mesg.info["RECOVER_CMD"]


@pytest.mark.slow
def test_two_nights_of_a_site_whose_client_keeps_them(tmp_path: Path) -> None:
    made = SmallSite(tmp_path / "site", {"alpha:/home": {"a/one": b"1" * 3000, "b/gone": b"2", "old/two": b"3"}}, dumptype={
        "compress": "client fast", "index": True})
    (made.root / "access.toml").write_text('attributes = ["xattrs", "acls"]\n')
    made.env["TAPEROOM_CLIENT_ACCESS"] = str(made.root / "access.toml")
    tree = made.data("alpha:/home")
    dress(tree / "a/one", "green")
    dress(tree / "a", "blue", "default")
    for night in range(2):
        if night:
            (tree / "b/gone").unlink()
            (tree / "old").rename(tree / "new")
            dress(touch(tree / "new/three", b"33"), "red")
        ran = made.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    assert [disk.level for disk in made.view().disks.values()] == [1]
    result = restore(made.site, [f"alpha:{tree}"], "now", tmp_path / "out")
    assert result.good and result.warnings == []
    assert manifest(tmp_path / "out") == manifest(tree) and attributes(tmp_path / "out") == attributes(tree)
    one = restore(made.site, [f"alpha:{tree}:/new/two", f"alpha:{tree}:/a/one"], "now", tmp_path / "one")
    assert one.good and attributes(tmp_path / "one/a/one") == attributes(tree / "a/one")
