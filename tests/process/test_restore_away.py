"""Restoring to a client: through its own amandad, over its own transport, and only where its access file permits it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import PeerError
from core.holding.header import HEADER_SIZE
from core.landing.room import ROOM
from core.model.disk import Host
from core.wire import restoring
from core.wire.features import SERVER, STOCK
from core.wire.restoring import Kind
from core.wire.services import restore_request
from core.wire.transports import connect
from tests.process.test_restore_resume import stuck_at
from tests.support.cli import PROGRAM, environment
from tests.support.client import client
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite
from tests.support.sshd import NEEDS_SSHD, sshd

MIB = 1 << 20
ACCESS = 'services = ["selfcheck", "sendsize", "sendbackup", "restore"]\ntargets = ["{0}", "{0}/*"]\n'


def a_tree() -> dict[str, bytes]:
    return {f"d{n % 3}/f{n:02d}": os.urandom(MIB) for n in range(40)} | {"a/first": b"f" * 5000, "odd/new\nline": b"odd"}


def finish(made: SmallSite) -> SmallSite:
    """Links and odd names in the tree, and a night."""
    top = made.data("alpha:/home")
    (top / "z").mkdir(mode=0o750)
    os.link(top / "a/first", top / "z/second")
    os.symlink("/etc/passwd", top / "a/symbolic")
    Path(os.fsdecode(os.fsencode(top) + b"/odd/latin\xe9")).write_bytes(b"not utf-8")
    with open(top / "sparse", "wb") as sparse:
        for number in range(5):
            sparse.seek(number * 3 * MIB)
            sparse.write(b"data")
    ran = made.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    return made


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    return finish(SmallSite(tmp_path_factory.mktemp("house"), {"alpha:/home": a_tree()}, storage={"capacity": "30 MiB"}))


@pytest.fixture
def back(house: SmallSite, tmp_path: Path) -> Path:
    """A directory that the client permits."""
    (house.root / "access.toml").write_text(ACCESS.format(tmp_path / "back"))
    return tmp_path / "back"


def started(house: SmallSite, to: str, *more: str, spec: str = "") -> subprocess.Popen[str]:
    env = environment(TAPEROOM_CLIENT_STATE=str(house.root / "client"), TAPEROOM_CLIENT_ACCESS=str(house.root / "access.toml"))
    return subprocess.Popen(
        [*PROGRAM, "--config", str(house.config), "restore", f"alpha:{house.data('alpha:/home')}{spec}", "--to", to, *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True)


def run(house: SmallSite, to: str, *more: str, spec: str = "") -> tuple[int, str, str]:
    process = started(house, to, *more, spec=spec)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_to_a_client(house: SmallSite, back: Path) -> None:
    code, out, err = run(house, f"alpha:{back}")
    assert (code, err) == (0, ""), err
    assert f"files and 7 directories in alpha:{back}\n" in out
    assert "checked by the checksum of the whole dump" in " ".join(out.split())
    assert manifest(back) == manifest(house.data("alpha:/home"))
    assert os.stat(back / "sparse").st_blocks * 512 < MIB
    assert os.listdir(back.parent) == ["back"] and ROOM not in os.listdir(back)
    # It is there now, and stays what it is unless asked.
    code, _, err = run(house, f"alpha:{back}", spec=":a/first")
    assert code == 2 and err.startswith(f"RST031 alpha: {back} has 1 of the names already: /a/first")
    (back / "a/first").write_bytes(b"mine")
    code, _, err = run(house, f"alpha:{back}", "--overwrite", spec=":a/first")
    assert (code, err) == (0, "") and (back / "a/first").read_bytes() == b"f" * 5000


def test_what_would_be_written_is_asked_of_the_client(house: SmallSite, back: Path) -> None:
    (back / "a").mkdir(parents=True)
    (back / "a/first").write_bytes(b"mine")
    code, out, err = run(house, f"alpha:{back}", "--dry-run", "--json", spec=":a")
    plain = json.loads(out)
    assert code == 1 and plain["taken"] == [f"{back}/a/first"] and plain["to"] == f"alpha:{back}" and err == ""
    assert os.listdir(back) == ["a"]


@pytest.mark.parametrize(("access", "text"), [
    ("", "alpha does not permit restores: alpha refused restore:"),
    ('services = ["sendbackup"]\ntargets = ["*"]\n', "alpha does not permit restores: alpha refused restore:"),
    ('services = ["restore"]\n', "names no targets"),
    ('services = ["restore"]\ntargets = ["/elsewhere/*"]\n', "access file does not permit this target"),
    ("nonsense", "is broken"),
])
def test_a_client_must_permit_it(house: SmallSite, tmp_path: Path, access: str, text: str) -> None:
    file = house.root / "access.toml"
    file.unlink(missing_ok=True)
    if access:
        file.write_text(access)
    code, _, err = run(house, f"alpha:{tmp_path / 'back'}", spec=":a")
    assert code in (2, 5) and text in err, err
    assert not (tmp_path / "back").exists()


def test_a_link_does_not_lead_out_of_the_targets(house: SmallSite, back: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    back.mkdir()
    (back / "link").symlink_to(tmp_path / "secret")
    for name in ("link", "link/below", "../secret"):
        code, _, err = run(house, f"alpha:{back}/{name}", spec=":a")
        assert code == 2 and err.startswith("RST036 alpha: "), err
    # Nor does one that stands in the target already.
    (back / "a").symlink_to(tmp_path / "secret")
    code, _, err = run(house, f"alpha:{back}", "--overwrite", spec=":a")
    assert code == 2 and err.startswith("RST031 ")
    assert os.listdir(tmp_path / "secret") == []


def test_names_of_hosts_and_of_directories_here(house: SmallSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(house, "nobody:/x", spec=":a")
    assert code == 2
    assert err.startswith("RST033 --to nobody:/x: no host 'nobody' is configured, so nothing can be restored to it\n")
    assert "write ./nobody:/x for a directory of that name on this machine" in err
    code, _, err = run(house, "alpha:x", spec=":a")
    assert code == 2 and err.startswith("RST033 --to alpha:x: a directory of alpha is named from its root")
    for to in ("./nobody:x", f"{tmp_path}/alpha:y"):
        code, _, err = run(house, to, spec=":a")
        assert (code, err) == (0, "")
    assert sorted(os.listdir(tmp_path)) == ["alpha:y", "nobody:x"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_is_gone_on_with_after_an_interruption(house: SmallSite, back: Path, how: signal.Signals) -> None:
    with stuck_at(house, 2) as pipe:
        process = started(house, f"alpha:{back}")
        hand = os.open(pipe, os.O_WRONLY)
        process.send_signal(how)
        os.close(hand)
        process.communicate(timeout=60)
    assert os.listdir(back) == [ROOM]
    code, out, err = run(house, f"alpha:{back}", "--json")
    assert code == 0 and json.loads(out)["whole"] > 10, err
    assert manifest(back) == manifest(house.data("alpha:/home"))


def killed_client(house: SmallSite, to: str) -> tuple[int, str, str]:
    """A restore whose way to the client is killed while it waits for a part of the first volume, which it gets then."""
    [volume] = [slot for slot in (house.root / "vtapes").glob("slot*") if (slot / "00000.T-001").exists()]
    victim, aside = sorted(path for path in volume.iterdir() if "alpha" in path.name)[-3], house.root / "aside"
    victim.rename(aside)
    os.mkfifo(victim)
    process = started(house, to)
    hand = os.open(victim, os.O_WRONLY)  # waits until it is there
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    victim.unlink()
    aside.rename(victim)
    os.write(hand, victim.read_bytes()[:HEADER_SIZE])  # the header; what comes after it is read from the real one
    os.close(hand)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_a_client_that_dies_is_told_and_the_same_command_goes_on(house: SmallSite, back: Path) -> None:
    code, out, err = killed_client(house, f"alpha:{back}")
    assert code == 5 and "files and" not in out, out
    assert "CLT001 amandad of alpha ended (killed by signal 9)" in err
    assert ("  Hint: nothing that was half written there counts; see to alpha, then give the same command again: it goes on"
            " with what is missing\n") in err
    assert "MISSING" not in err and os.listdir(back) == [ROOM], "nothing is in its place yet"
    code, out, err = run(house, f"alpha:{back}", "--json")
    assert code == 0 and json.loads(out)["whole"] > 10, err
    assert manifest(back) == manifest(house.data("alpha:/home"))


def test_a_full_target_is_told(house: SmallSite, back: Path) -> None:
    back.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(back)], capture_output=True).returncode:
        pytest.skip("no right to mount a small file system")
    try:
        code, _, err = run(house, f"alpha:{back}")
        assert code == 1 and "RST025 alpha: " in err, err
        assert "No space" in err or "Wrote only" in err or "Cannot write" in err, err
    finally:
        subprocess.run(["umount", str(back)], check=True)


def test_a_client_that_cannot_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that lies about names, or says nonsense, is refused by the client; nothing is written."""
    (tmp_path / "access.toml").write_text(ACCESS.format(tmp_path / "back"))
    for messages in (
        [restoring.message(Kind.BEGIN, {"to": str(tmp_path / "back"), "identity": "x"}),
         restoring.message(Kind.ITEMS, {"items": [["../out", 0, None, False, "f", 1, 1, 0]]})],
        [restoring.message(Kind.TAKE, {"overwrite": True, "fresh": True})],
        [b"\xff\xff\xff\xff\xff"], [restoring.data_head(10) + bytes(10)],
    ):
        with client(tmp_path, monkeypatch) as connection:
            connection.streams("restore", restore_request(SERVER, ""), 20.0)
            with pytest.raises(PeerError) as caught:
                for message in messages:
                    connection.send(message, 20.0)
                connection.send(restoring.message(Kind.LOOK, {"fresh": False}), 20.0)
                heard: list[bytes] = []
                while True:
                    connection.receive(lambda handle, piece: heard.append(bytes(piece)))
            assert caught.value.code == "CLT001"
    assert not (tmp_path / "back").exists() and not (tmp_path / "out").exists()


def test_amandas_own_client_does_not_know_how(house: SmallSite, back: Path) -> None:
    """One that announces no more than a stock amandad."""
    fake = house.root / "stock"
    fake.write_text(f"#!{sys.executable}\nimport clientd.settings as s, core.wire.features as f, sys\n"
                    f"s.CLIENT = f.Features.parse({STOCK.text!r})\nfrom clientd.amandad import main\nsys.exit(main())\n")
    fake.chmod(0o755)
    from core.restore.away import Away

    host = Host("alpha", amandad=(sys.executable, "-P", str(fake)))
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    with pytest.raises(Exception, match="the amandad of alpha does not know how to restore"):
        Away(host, "local", back, [], "x").look(False)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallSite, Path]]:
    """A site whose client is reached by ssh; the client's own directory."""
    here = tmp_path_factory.mktemp("sshd")
    with sshd(here) as host:
        made = SmallSite(tmp_path_factory.mktemp("far"), {"alpha:/home": a_tree()}, dumptype={"auth": "ssh"}, hosts={"alpha": {
            "address": host.address, "port": host.port, "user": host.user, "ssh_key": host.ssh_key,
            "ssh_options": list(host.ssh_options), "amandad": list(host.amandad)}})
        assert connect(host, "ssh").features.has(155)
        yield finish(made), here


@pytest.mark.interop
@pytest.mark.slow
@NEEDS_SSHD[1]
def test_an_ssh_that_is_cut_is_told(far: tuple[SmallSite, Path], tmp_path: Path) -> None:
    house, here = far
    back = tmp_path / "back"
    (here / "access.toml").write_text(ACCESS.format(back))
    code, out, err = killed_client(house, f"alpha:{back}")
    assert code == 5 and "files and" not in out and "CLT001 the connection to alpha ended" in err, err
    assert "see to alpha, then give the same command again" in err
    while (again := run(house, f"alpha:{back}", "--json"))[2].startswith("RST035"):
        pass  # the client has not noticed yet
    assert again[0] == 0, again[2]
    assert manifest(back) == manifest(house.data("alpha:/home"))


@pytest.mark.interop
@NEEDS_SSHD[1]
@pytest.mark.parametrize("how", [None, signal.SIGKILL])
def test_by_ssh(far: tuple[SmallSite, Path], tmp_path: Path, how: signal.Signals | None) -> None:
    house, here = far
    (here / "access.toml").write_text(ACCESS.format(tmp_path / "back"))
    if how is not None:
        [volume] = [slot for slot in (house.root / "vtapes").glob("slot*") if (slot / "00000.T-001").exists()]
        victim = sorted(path for path in volume.iterdir() if "alpha" in path.name)[-3]
        victim.rename(house.root / "aside")
        os.mkfifo(victim)
        process = started(house, f"alpha:{tmp_path / 'back'}")
        hand = os.open(victim, os.O_WRONLY)
        process.send_signal(how)
        process.communicate(timeout=60)
        os.close(hand)
        victim.unlink()
        (house.root / "aside").rename(victim)
    code, out, err = run(house, f"alpha:{tmp_path / 'back'}", "--json")
    assert code == 0, err
    assert manifest(tmp_path / "back") == manifest(house.data("alpha:/home"))
    assert (json.loads(out)["whole"] > 10) is (how is not None)

