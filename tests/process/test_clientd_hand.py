"""The services as programs that a person runs from a shell, and what a client needs to have installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from core.errors import PeerError
from core.model.disk import Compression, Host
from core.wire.features import CLIENT, SENDBACKUP_CRC, SERVER
from core.wire.services import noop_request, parse_selfcheck, selfcheck_request, sendbackup_request, sendsize_request
from tests.support.client import ROOT, STAMP, a_disk, client, dump

NOBODY = 65534
HOST = Host("localhost")


def run(
    name: str, body: str, tmp_path: Path, script: str = 'exec "$@"', **options: object
) -> subprocess.CompletedProcess[bytes]:
    """A service by hand; ``script`` is the shell's line around it."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TAPEROOM_CLIENT_STATE": str(tmp_path / "state"),
        "TAPEROOM_CLIENT_ACCESS": str(tmp_path / "access.toml"),
    }
    command = ["bash", "-c", script, "x", sys.executable, "-P", "-m", f"clientd.services.{name}"]
    return subprocess.run(command, input=body.encode(), capture_output=True, env=environment, **options)  # type: ignore[call-overload,no-any-return]


def test_noop(tmp_path: Path) -> None:
    assert run("noop", noop_request(SERVER), tmp_path).stdout.decode() == f"OPTIONS features={CLIENT.text};\n"


def test_sendsize_and_selfcheck(tmp_path: Path) -> None:
    disk = a_disk(HOST, "/usr/share/doc/tar")
    done = run("sendsize", sendsize_request([(disk, (0,))], SERVER, SERVER, "test", STAMP), tmp_path)
    assert done.stdout.decode().splitlines()[1].startswith("/usr/share/doc/tar 0 SIZE ")
    done = run("selfcheck", selfcheck_request([disk], SERVER, SERVER, "test"), tmp_path)
    assert all(well for well, _ in parse_selfcheck(done.stdout.decode()))


def test_sendbackup_on_amandas_descriptors(tmp_path: Path) -> None:
    body = sendbackup_request(a_disk(HOST, "/usr/share/doc/tar"), 0, SERVER, SERVER, "test", STAMP)
    to = {151: tmp_path / "data", 153: tmp_path / "mesg", 155: tmp_path / "index", 157: tmp_path / "states"}
    script = 'exec "$@" ' + " ".join(f"{descriptor}>{path}" for descriptor, path in to.items())
    done = run("sendbackup", body, tmp_path, script)
    assert done.returncode == 0
    assert done.stdout.decode() == f"CONNECT DATA 150 MESG 151 INDEX 152 STATE 153\nOPTIONS features={CLIENT.text};\n"
    assert to[153].read_text().splitlines()[-1] == "sendbackup: end"
    listed = subprocess.run(["tar", "--list", "--file", to[151]], capture_output=True, text=True, check=True).stdout
    lines = to[155].read_text().splitlines()
    assert [line for line in lines if line.startswith("\t")] == ["\t/"], "it tells what it left out: nothing"
    told = [line.split("\t") for line in lines if not line.startswith("\t")]
    assert [f".{path}" for path, _ in told] == listed.splitlines()
    assert told[0] == ["/", f"0 0 {int(Path('/usr/share/doc/tar').stat().st_mtime)} d"]
    assert to[157].read_text().startswith("0 /\n")


def test_sendbackup_without_them_talks_on_stderr(tmp_path: Path) -> None:
    body = sendbackup_request(a_disk(HOST, "/usr/share/doc/tar"), 0, SERVER, SERVER, "test", STAMP)
    done = run("sendbackup", body, tmp_path)
    assert done.returncode == 0
    assert done.stderr.decode().splitlines()[-1] == "sendbackup: end"


@pytest.mark.parametrize(
    "name,body,reply",
    [
        ("sendbackup", "hello", "ERROR FORMAT ERROR IN REQUEST PACKET 'no OPTIONS line'\n"),
        (
            "sendsize",
            "SERVICE sendsize\nOPTIONS ;\n<x/>",
            "ERROR FORMAT ERROR IN REQUEST PACKET 'XML: Invalid x element'\n",
        ),
    ],
)
def test_nonsense_by_hand(tmp_path: Path, name: str, body: str, reply: str) -> None:
    assert run(name, body, tmp_path).stdout.decode() == reply


def test_a_broken_access_file_by_hand(tmp_path: Path) -> None:
    (tmp_path / "access.toml").write_text("= nonsense")
    done = run("noop", noop_request(SERVER), tmp_path)
    assert done.returncode == 1
    assert "CLT026 the access file" in done.stdout.decode()


def test_amandad_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "clientd", "--help"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert done.stdout.startswith("usage: amandad -auth=local|ssh")


def test_the_standard_library_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without site-packages: no crc32c, no isal; the dump is good and says nothing of a checksum."""
    copy = tmp_path / "installed"
    for package in ("core", "clientd"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    command = (
        sys.executable,
        "-S",
        "-P",
        "-c",
        f"import sys; sys.path.insert(0, {str(copy)!r}); from clientd.amandad import main; sys.exit(main(['-auth=local']))",
    )
    with client(tmp_path, monkeypatch, amandad=command) as made:
        assert not made.features.has(SENDBACKUP_CRC)
        for compress in (Compression.NONE, Compression.CLIENT_FAST, Compression.CLIENT_BEST):
            done = dump(made, a_disk(made.host, "/usr/share/doc/tar", compress=compress), 0)
            assert done.mesg.ended and done.mesg.error is None
            assert not done.mesg.client.known and not done.mesg.native.known
            subprocess.run(
                ["tar", "-t" if compress is Compression.NONE else "-tz"],
                input=done.data,
                check=True,
                stdout=subprocess.DEVNULL,
            )


def test_what_amandad_loads() -> None:
    code = (
        "import clientd.amandad, sys\nprint(*(n for n in sys.modules if n.partition('.')[0] in ('core', 'clientd')))\n"
        "print(*sorted({n.partition('.')[0] for n in sys.modules} - set(sys.stdlib_module_names) - {'sitecustomize'}))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    ours, others = done.stdout.splitlines()
    allowed = ("core.wire", "core.model", "core.errors", "core.codes", "clientd")
    assert all(name == "core" or name.startswith(allowed) for name in ours.split())
    assert not any(name.startswith("core.wire.transports") for name in ours.split())
    assert {name for name in others.split() if not name.startswith("_")} <= {
        "core",
        "clientd",
        "isal",
        "crc32c",
        "zlib_ng",
    }
    assert not {"asyncio", "sqlite3", "ssl", "logging", "argparse"} & set(done.stdout.split())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_client_that_is_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as made:  # where nobody may go, unlike in pytest's own
        Path(made).chmod(0o755)
        as_nobody(Path(made), monkeypatch)


def as_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, shut = tmp_path / "tree", tmp_path / "shut"
    for made in (tree, shut, tree / "closed"):
        made.mkdir()
    (tree / "file").write_text("x")
    (tree / "secret").write_text("x")
    (tree / "secret").chmod(0)
    shut.chmod(0o700)
    (tree / "closed").chmod(0o700)
    (tmp_path / "client-state").mkdir()
    os.chown(tmp_path / "client-state", NOBODY, NOBODY)
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    reach = subprocess.run(
        [python, "-P", "-c", f"import os; os.setuid({NOBODY}); import clientd"], capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    if reach.returncode:
        pytest.skip("NOT TESTED: the client without root: nobody may not read the directory of this checkout")
    program = f"import os, sys; os.setgid({NOBODY}); os.setuid({NOBODY}); from clientd.amandad import main; sys.exit(main([]))"
    with client(tmp_path, monkeypatch, amandad=(python, "-P", "-c", program)) as made:
        done = dump(made, a_disk(made.host, tree), 0)
        assert done.mesg.error is None and done.mesg.ended
        assert sorted(done.index) == ["\t/", "\t/closed", "/", "/file"]
        assert [line.partition(": ")[2] for line in done.mesg.strange] == [
            "./closed: Warning: Cannot open: Permission denied",
            "./secret: Warning: Cannot open: Permission denied",
        ]
        with pytest.raises(PeerError, match=r"CLT022 .*/shut cannot be read: Permission denied"):
            dump(made, a_disk(made.host, shut), 0)
