"""Real dumps by real tar, restored and compared with the trees that they were made of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from isal import igzip

from core.landing.room import ROOM as STAGING
from core.restore.browse import ls
from core.restore.byhand import recipe
from core.restore.recover import Progress, restore
from tests.support.dumps import HOST, Client, manifest, pause, touch


@pytest.fixture(params=["one tar", "two tars"])
def client(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client; its files are few and small, so two tars are at a restore's work only where that counts as many."""
    if request.param == "two tars":
        monkeypatch.setattr("core.restore.plan.MANY", 1)
        monkeypatch.setattr("core.restore.plan.SMALL", 1 << 40)
    return Client(tmp_path)


def first_state(tree: Path) -> None:
    touch(tree / "plain.txt", "hello\n" * 1000)
    touch(tree / "etc/passwd", "root:x\n").chmod(0o600)
    touch(tree / "etc/old.conf", "old")
    touch(tree / "with blank/a b  c", "blanks")
    touch(tree / "odd/new\nline\tand\\back", "odd")
    touch(tree / "odd/üñí.txt", "utf-8")
    touch(Path(os.fsdecode(os.fsencode(tree) + b"/odd/latin\xe9")), "not utf-8")
    touch(tree / "odd/-rf", "dash")
    touch(tree / ("deep/" * 30 + "n" * 120), "long names")
    touch(tree / "docs/link-first", "hard")
    os.link(tree / "docs/link-first", tree / "etc/link-second")
    os.symlink("/etc/passwd", tree / "sym")
    os.symlink("../plain.txt", tree / "etc/rel")
    os.mkfifo(tree / "odd/pipe")
    with open(tree / "sparse", "wb") as sparse:
        for n in range(40):
            sparse.seek(n * 1_000_000)
            sparse.write(b"data")
    (tree / "empty").mkdir()
    (tree / "locked").mkdir()
    touch(tree / "locked/inside", "in")
    (tree / "locked").chmod(0o555)
    touch(tree / "blind/inside", "in")
    (tree / "blind").chmod(0o300 if os.geteuid() == 0 else 0o500)
    (tree / "etc").chmod(0o750)
    for n in range(30):
        touch(tree / f"many/file{n}", os.urandom(3000))


def second_state(tree: Path) -> None:
    (tree / "etc/old.conf").unlink()
    touch(tree / "etc/new.conf", "new")
    touch(tree / "plain.txt", "changed", 1_700_000_000)
    os.rename(tree / "many", tree / "renamed")
    os.rename(tree / "with blank/a b  c", tree / "with blank/moved")
    shutil.rmtree(tree / "empty")
    touch(tree / "empty", "a file now")


def third_state(tree: Path) -> None:
    touch(tree / "renamed/file3", "file three")
    (tree / "renamed/file4").unlink()
    os.rename(tree / "docs", tree / "swap")
    os.rename(tree / "renamed", tree / "docs")
    os.rename(tree / "swap", tree / "renamed")
    (tree / "empty").unlink()
    touch(tree / "empty/again", "a directory again")


STATES = (first_state, second_state, third_state)


@pytest.fixture
def nights(client: Client) -> Iterator[list[dict[str, tuple[object, ...]]]]:
    """Levels 0, 1 and 2, on a holding disk, split over two volumes, and packed; what the tree was each time."""
    states = []
    stores = (("holding", None, "N", 1), ("volume", igzip.compress, ".gz", 5), ("volume", None, "N", 1))
    for level, (state, (store, pack, comp, parts)) in enumerate(zip(STATES, stores, strict=True)):
        state(client.tree)
        pause(client.tree)
        states.append(manifest(client.tree))
        client.night(level, store, pack=pack, comp=comp, parts=parts)
        pause(client.tree)
    yield states
    subprocess.run(["chmod", "-R", "u+w", str(client.tree)], check=True)


def test_every_state_comes_back_as_it_was(
    client: Client, nights: list[dict[str, tuple[object, ...]]], tmp_path: Path
) -> None:
    for day, state in enumerate(nights, 1):
        to = tmp_path / f"out{day}"
        seen: list[Progress] = []
        result = restore(client.site, [client.title], f"2026-01-{day:02d}", to, seen.append)
        assert result.good and result.warnings == [], result
        assert manifest(to) == state
        assert result.files + result.directories == len(state)
        assert seen[-1].done == result.size and seen[-1].total >= result.size - 2048 * day
        assert not [name for name in os.listdir(tmp_path) + os.listdir(to) if name.startswith(STAGING)]
    assert os.stat(to / "sparse").st_blocks * 512 < 2_000_000
    # ls tells the same tree, and when each name was dumped last.
    shown = ls(client.site, client.title, recursive=True)
    assert {entry.path.strip("/") for entry in shown.entries} == nights[-1].keys() - {"."}
    levels = {entry.path: entry.level for entry in shown.entries}
    assert (levels["/docs/file3"], levels["/docs/file5"], levels["/plain.txt"], levels["/etc/"]) == (2, 0, 1, 2)
    assert {entry.path for entry in ls(client.site, client.title + ":/etc", "2026-01-02").entries} == {
        "/etc/link-second", "/etc/new.conf", "/etc/passwd", "/etc/rel"}
    # A part: its way from the top has the right modes, and a hard link whose other name is elsewhere is not lost.
    to = tmp_path / "part"
    result = restore(client.site, [f"{client.title}:/etc", f"{HOST}:/home/docs/file5"], "now", to)
    assert result.good and result.warnings == []
    assert set(manifest(to)) == {".", "etc", "docs"} | {
        path for path in nights[-1] if path.startswith("etc/") or path == "docs/file5"}
    assert (to / "etc/link-second").read_text() == "hard" and (to / "etc").stat().st_mode & 0o777 == 0o750
    assert (to / "docs/file5").read_bytes() == (client.tree / "docs/file5").read_bytes()
    assert sorted(os.listdir(to)) == ["docs", "etc"]
    # By hand: what dd and tar make of it.
    for path in ("docs/file5", "plain.txt", "etc/new.conf"):
        by_hand = tmp_path / ("hand" + path.replace("/", "_"))
        by_hand.mkdir()
        [command] = recipe(client.site, HOST, client.disk, "/" + path)
        subprocess.run(command, shell=True, cwd=by_hand, check=True)
        [found] = [p for p in by_hand.rglob("*") if p.is_file()]
        assert found.read_bytes() == (client.tree / path).read_bytes()
    by_hand = tmp_path / "byhand"
    by_hand.mkdir()
    commands = recipe(client.site, HOST, client.disk, "")
    assert len(commands) == 3 and "gzip -dc" in commands[1] and commands[1].count("dd if=") == 5
    for command in commands:
        subprocess.run(command, shell=True, cwd=by_hand, check=True, stderr=subprocess.DEVNULL)
    assert (by_hand / "docs/file3").read_text() == "file three"
