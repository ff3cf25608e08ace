"""The commands on real runs: following, detaching, checking, planning, flushing, tidying up, restoring, and the demo."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.runs import find_run, live_run, view_of
from tests.support.cli import PROGRAM, Said, environment
from tests.support.small_site import SmallSite

TREES = {"a:/one": {"x": b"x" * 200_000, "d/y": b"y" * 10}, "b:/two": {"z": b"z" * 300_000}}


@pytest.fixture
def root() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="tr-"))  # a control socket's path may have 107 bytes only
    yield directory
    run = live_run(directory / "s" / "state")
    if run is not None and (began := view_of(run).began) is not None:
        os.kill(began.pid, signal.SIGTERM)  # a test that failed leaves no run behind
    shutil.rmtree(directory, ignore_errors=True)


def say(site: SmallSite, *words: str, **more: str) -> Said:
    done = subprocess.run(
        [*PROGRAM, "--config", str(site.config), *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
        env=environment(TAPEROOM_CLIENT_STATE=site.env["TAPEROOM_CLIENT_STATE"], **more), check=False)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_night_from_check_to_restore(root: Path) -> None:
    site = SmallSite(root / "s", TREES)
    checked = say(site, "check")
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.splitlines()[-1] == "all is well"
    assert "ok    a: 1 disk checked by the client, over local" in checked.out
    assert "next volume T-001 in slot 1" in " ".join(checked.out.split())

    planned = json.loads(say(site, "plan", "--json").out)
    assert [(line["kind"], line["level"]) for line in planned] == [("DumpLine", 0)] * 2

    first = say(site, "run", "--batch")
    assert (first.code, first.err) == (0, "")
    lines, _, report = first.out.partition("\n\n")
    assert lines.splitlines()[0].endswith("of test began: 2 disks on 2 clients, by " + _me())
    assert lines.splitlines()[-1].endswith("run ended: 2 done, 0 failed; exit code 0")
    assert report.splitlines()[0].endswith("ALL WELL")
    assert report.rstrip("\n") == say(site, "report").out.rstrip("\n")

    second = say(site, "run", "--json")
    facts = [json.loads(line) for line in second.out.splitlines()]
    assert (facts[0]["event"], facts[-1]["event"], facts[-1]["code"]) == ("RunBegan", "RunEnded", 0)

    disk = f"a:{site.data('a:/one')}"
    assert "/x" in say(site, "ls", disk).out
    assert len(json.loads(say(site, "ls", disk, "--dates", "--json").out)) == 2
    back = say(site, "restore", disk, "--to", str(root / "back"))
    assert (back.code, back.err) == (0, "")
    assert (root / "back" / "d" / "y").read_bytes() == b"y" * 10
    assert "its coming nights" not in say(site, "plan", "--nights", "3").out
    assert "why:" in say(site, "plan", "--explain", disk, "--offline").out


def _me() -> str:
    from core.client.control import whoami

    return whoami()


def test_only_what_is_named_is_dumped(root: Path) -> None:
    site = SmallSite(root / "s", TREES)
    assert say(site, "run", "--batch", "b").code == 0
    run = find_run(site.site.state_dir)
    assert run is not None
    assert {host for host, _ in view_of(run).disks} == {"b"}


def test_check_names_every_fault(root: Path) -> None:
    site = SmallSite(root / "s", TREES | {"c:/gone": {"x": b""}, "d:/file": {"x": b""}},
                     hosts={"b": {"amandad": ["/bin/false", "x"]}}, storage={"retention": {"tapes": 4}, "slots": 6})
    shutil.rmtree(site.data("c:/gone"))
    shutil.rmtree(root / "s" / "hold")
    (root / "s" / "vtapes").chmod(0o555)
    said = say(site, "check")
    assert said.code == 1
    text = " ".join(said.out.split())
    assert f"ERROR HLD010 holding: {root}/s/hold: No such file or directory" in text
    assert "ERROR CLT001 b: amandad of b ended (exit status 1)" in text
    assert "ERROR CLT021 c:" in text
    assert "ok a: 1 disk checked" in text
    assert said.out.splitlines()[-1].endswith("'taperoom explain CODE' says what to do")
    plain = json.loads(say(site, "check", "b", "--json").out)
    assert [(finding["code"], finding["peer"]) for finding in plain] == [("CLT001", True)]
    assert say(site, "check", "b").code == 5
    assert say(site, "check", "a").code == 0


def test_check_of_a_site_that_can_do_nothing(root: Path) -> None:
    root.joinpath("t.toml").write_text('state_dir = "t.toml/state"\n')
    done = subprocess.run([*PROGRAM, "--config", str(root / "t.toml"), "check"], capture_output=True, text=True, check=False,
                          env=environment())
    assert done.returncode == 1
    assert "WARN  CFG009 configuration: there is no disk in it" in done.stdout
    assert "ERROR CFG009 configuration: there is no storage and no holding disk" in done.stdout
    assert "ERROR RUN003 state:" in done.stdout


def test_ctrl_c_leaves_the_run_alone(root: Path) -> None:
    site = SmallSite(root / "s", TREES, hosts={"a": {"amandad": _slow(root)}})
    child = subprocess.Popen(
        [*PROGRAM, "--config", str(site.config), "run", "--batch"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment(TAPEROOM_CLIENT_STATE=site.env["TAPEROOM_CLIENT_STATE"], PYTHONUNBUFFERED="1"),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # tests in the background of a shell have none
    assert child.stdout is not None
    assert b"began" in child.stdout.readline()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert b"the run goes on: 'taperoom attach' or 'taperoom status' shows it, 'taperoom stop' ends it" in err
    run = find_run(site.site.state_dir)
    assert run is not None
    assert run.live()
    assert say(site, "run", "--batch").code == 4
    follower = subprocess.Popen(
        [*PROGRAM, "--config", str(site.config), "status", "--follow"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        env=environment(TAPEROOM_CLIENT_STATE=site.env["TAPEROOM_CLIENT_STATE"], PYTHONUNBUFFERED="1"))
    assert follower.stdout is not None
    assert follower.stdout.readline()  # it follows; a run that ended before would only be shown as it ended
    (root / "go").touch()
    followed, _ = follower.communicate(timeout=60)
    assert follower.returncode == 0
    assert b"run ended: 2 done, 0 failed; exit code 0" in followed


def _slow(root: Path) -> list[str]:
    """An amandad that waits for the file ``go`` before it begins."""
    import sys

    script = f'while [ ! -e {root}/go ]; do sleep 0.02; done; exec "$@"'
    return ["/bin/sh", "-c", script, "sh", sys.executable, "-P", "-m", "clientd.amandad", "-auth=local"]


def test_stop_over_the_control_socket(root: Path) -> None:
    site = SmallSite(root / "s", TREES, hosts={"a": {"amandad": _slow(root)}, "b": {"amandad": _slow(root)}})
    child = subprocess.Popen(
        [*PROGRAM, "--config", str(site.config), "run", "--batch"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        env=environment(TAPEROOM_CLIENT_STATE=site.env["TAPEROOM_CLIENT_STATE"], PYTHONUNBUFFERED="1"))
    assert child.stdout is not None
    child.stdout.readline()
    stopped = say(site, "stop")
    (root / "go").touch()
    assert (stopped.code, stopped.err) == (0, "")
    child.communicate(timeout=60)
    assert child.returncode == 3


def test_dumps_wait_on_the_holding_disk_until_they_are_flushed(root: Path) -> None:
    site = SmallSite(root / "s", TREES, run={"requests": {"TAP*": {"reply": "degrade", "after": "0 s"}}})
    volumes = root / "s" / "vtapes"
    volumes.rename(root / "s" / "away")
    night = say(site, "run", "--batch")
    assert night.code == 1
    assert "ON THE HOLDING DISK (2 dumps" in night.out
    volumes.mkdir(exist_ok=True)
    dry = say(site, "flush", "--dry-run")
    assert (dry.code, dry.out.splitlines()[-1].endswith("nothing was written")) == (0, True)
    flushed = say(site, "flush")
    assert flushed.code == 0, flushed.out + flushed.err
    assert say(site, "flush").out == "there is nothing to flush\n"
    assert "T-001" in say(site, "tape", "show", "T-001").out


def test_cleanup_after_a_dumper_was_killed(root: Path) -> None:
    from core.holding.header import Header, Kind, build

    site = SmallSite(root / "s", TREES)
    assert say(site, "run", "--batch").code == 0
    night = root / "s" / "hold" / "20261123010203"
    night.mkdir()
    header = Header(kind=Kind.FILE, datestamp="20261123010203", host="a", disk="/one", level=0, comp="N", program="GNUTAR")
    (night / "a._one.0.tmp").write_bytes(build(header) + b"x" * 5000)
    (night / "b._two.0").write_bytes(build(header) + b"x" * 5000)
    said = say(site, "cleanup")
    assert said.code == 0, said
    assert f"HLD017 {night}/a._one.0.tmp: was not finished; is removed" in said.out
    assert said.out.splitlines()[-1] == "1 file removed, 0 kept for you to look at, 1 whole dump on the holding disks"
    assert os.listdir(night) == ["b._two.0"]
    # What a driver that was killed while it removed a dump leaves is on a volume; of another chunk nobody knows anything.
    began = site.view().began
    assert began is not None
    disk, rest = site.site.disks[0], root / "s" / "hold" / began.datestamp
    rest.mkdir()
    for name, stamp in (("a._one.0.1", began.datestamp), ("a._one.0.2", "20261123010203")):
        (rest / name).write_bytes(build(Header(Kind.CONT_FILE, stamp, disk.host.name, disk.disk, 0, program="GNUTAR")) + b"x")
    said = say(site, "cleanup")
    assert said.code == 1 and os.listdir(rest) == ["a._one.0.2"]
    assert f"HLD017 {rest}/a._one.0.1: is left of a dump that is on a volume; is removed" in said.out
    assert f"HLD017 {rest}/a._one.0.2: a chunk without its dump; kept; its first file is missing" in said.out


def test_the_demo_twice_in_one_place(root: Path) -> None:
    for _ in range(2):
        done = subprocess.run([*PROGRAM, "demo", str(root / "demo")], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=240, env=environment(), check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        assert "are the same, byte for byte" in done.stdout
        assert "  $ dd if=" in done.stdout
        assert done.stdout.count("ALL WELL") == 2
        assert "\x1b" not in done.stdout
    assert "alpha:" in done.stdout.partition("5. the second run")[2].partition("level 1")[0]


def test_the_demo_refuses_what_it_did_not_make(root: Path) -> None:
    (root / "mine").mkdir()
    (root / "mine" / "thesis.txt").write_text("years of work")
    done = subprocess.run(
        [*PROGRAM, "demo", str(root / "mine")], capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 2
    assert done.stderr == (f"CFG010 {root}/mine was not made by the demo\n  Hint: name another: taperoom demo DIR\n")
    assert (root / "mine" / "thesis.txt").read_text() == "years of work"
