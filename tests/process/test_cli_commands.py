"""The commands on a site with a recorded night: what they print, on which stream, and their exit codes."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.runs import Run
from core.events import gauges
from core.protocol import operator as op
from tests.support import recorded_run as recorded
from tests.support.cli import answering, call, program, write_site


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("TAPEROOM_CONFIG", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Not tmp_path: a control socket's path may have 107 bytes only.
    directory = Path(tempfile.mkdtemp(prefix="tr-"))
    write_site(directory)
    monkeypatch.chdir(directory)
    yield directory
    shutil.rmtree(directory)


def night(site: Path, stage: str = "ended") -> Run:
    return recorded.make_run(site / "state", stage)


Capture = pytest.CaptureFixture[str]


def test_report_of_the_last_run(site: Path, capsys: Capture) -> None:
    night(site)
    said = call(capsys, "report")
    assert said.code == 1
    assert said.out.startswith("TAPEROOM DailySet1  report of run 20261201001500                 NEEDS ATTENTION\n")
    assert "COVERAGE" in said.out
    assert said.err == ""


@pytest.mark.parametrize(("option", "code"), [("--volume=", "TAP018 '' is no label"), ("--volume= ", "TAP018 ' ' is no label"),
                                              ("--sample=", "VFY014 '' is no share")])
def test_an_empty_wish_to_verify_is_a_mistake(site: Path, capsys: Capture, option: str, code: str) -> None:
    night(site)
    said = call(capsys, "verify", option)
    assert (said.code, said.err.split("\n")[0], said.out) == (2, code, "")


def test_report_as_json(site: Path, capsys: Capture) -> None:
    night(site)
    plain = json.loads(call(capsys, "report", "2026", "--json").out)
    assert (plain["run"], plain["exit_code"], plain["counts"]["failed"]) == ("20261201001500", 1, 2)


def test_no_run_yet(site: Path, capsys: Capture) -> None:
    said = call(capsys, "status")
    assert (said.code, said.out) == (2, "")
    assert said.err == "RUN022 DailySet1 has no run yet\n  Hint: start the first one with 'taperoom run'\n"


def test_a_run_that_is_not_there(site: Path, capsys: Capture) -> None:
    night(site)
    said = call(capsys, "report", "1999")
    assert said.code == 2
    assert said.err.startswith("RUN022 there is no run '1999'; the last ones are 20261201001500\n")


def test_status_and_its_json(site: Path, capsys: Capture) -> None:
    run = night(site, "dumping")
    with recorded.alive(run):
        said = call(capsys, "status")
        plain = json.loads(call(capsys, "status", "--json").out)
    assert said.code == 0
    assert "REQUESTS (2 open" in said.out
    assert plain["live"] is True
    assert "NOT RUNNING" in call(capsys, "status").out


def test_following_a_finished_run(site: Path, capsys: Capture) -> None:
    night(site)
    said = call(capsys, "status", "--follow", "--json")
    assert said.code == 1
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert (lines[0]["event"], lines[-1]["event"]) == ("RunBegan", "RunEnded")
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


def test_following_a_run_whose_driver_died(site: Path, capsys: Capture) -> None:
    night(site, "dumping")
    said = call(capsys, "status", "--follow")
    assert said.code == 3
    assert said.err == ("RUN023 run 20261201001500 ended without a last word: its driver is gone\n"
                        "  Hint: dumps that were whole are safe; 'taperoom cleanup' removes the others\n")


def test_requests(site: Path, capsys: Capture) -> None:
    run = night(site, "dumping")
    with recorded.alive(run):
        said = call(capsys, "requests")
        plain = json.loads(call(capsys, "requests", "--json").out)
    assert "taperoom reply 7 abort: 3.4 TiB dumped so far are lost" in said.out
    assert "taperoom reply 8 slot SLOT: takes the volume of that slot" in said.out
    assert "without an answer: flush at 02:39:00" in said.out
    assert [question["id"] for question in plain] == [7, 8]


def test_requests_say_what_their_choices_cost_by_now(site: Path, capsys: Capture) -> None:
    run = night(site, "dumping")
    told = gauges.decode(run.status.read_bytes())
    told.costs = {7: {"abort": "3.5 TiB dumped so far are lost"}}
    told.texts = {7: "2 dumps need 9 TiB more on the holding disk, 1 GiB free, none coming"}
    run.status.write_bytes(gauges.encode(told))
    with recorded.alive(run):
        said, report = call(capsys, "requests"), call(capsys, "report")
        plain, status = json.loads(call(capsys, "requests", "--json").out), call(capsys, "status")
    assert "taperoom reply 7 abort: 3.5 TiB dumped so far are lost" in said.out and "3.4 TiB dumped so far" not in said.out
    assert "taperoom reply 8 slot SLOT: takes the volume of that slot" in said.out and report.code == 0
    first = next(question for question in plain if question["id"] == 7)
    assert first["text"] == told.texts[7], "what is asked is told as of now, too"
    assert next(c["effect"] for c in first["choices"] if c["name"] == "abort") == "3.5 TiB dumped so far are lost"
    for text in (said.out, status.out, report.out):
        assert "2 dumps need 9 TiB more on the holding disk" in " ".join(text.split())


def test_requests_without_a_run(site: Path, capsys: Capture) -> None:
    night(site)
    said = call(capsys, "requests")
    assert (said.code, said.err.split("\n")[0]) == (
        3, "RUN020 no run of DailySet1 is under way, and no restore that asks for anything")


@pytest.mark.parametrize(("words", "heard", "out"), [
    (("reply", "7", "flush"), op.Answer(7, "flush", ""), "request 7 is answered: flush\n"),
    (("reply", "8", "slot", "3"), op.Answer(8, "slot", "3"), "request 8 is answered: slot\n"),
    (("stop",), op.Stop(""), "the run ends after the dumps under way\n"),
    (("stop", "--now"), op.Stop("now"), "the run stops now\n"),
    (("pause",), op.Pause(), "no new dump is started\n"),
    (("resume",), op.Resume(), "dumps are started again\n"),
    (("degrade",), op.Degrade(), "no volume is used any more in this run; dumps stay on the holding disk\n"),
    (("priority", "git:/home", "9"), op.Priority("git", "/home", 9), "git:/home has priority 9 now\n"),
    (("hold", "git:/home"), op.Hold("git", "/home"), "git:/home is held\n"),
    (("release", "git:/home"), op.Release("git", "/home"), "git:/home is released\n"),
    (("retry", "git:/home"), op.Retry("git", "/home"), "git:/home is dumped again\n"),
    (("abort", "db01:/srv"), op.AbortDump("00-00020"), "the dump of db01:/srv is given up\n"),
    (("flush",), op.FlushNow(), "what waits on the holding disk is written now\n"),
])
def test_orders(site: Path, capsys: Capture, words: tuple[str, ...], heard: op.Said, out: str) -> None:
    run = night(site, "dumping")
    with recorded.alive(run), answering(run, op.Ok()) as orders:
        said = call(capsys, *words)
    assert (said.code, said.out, said.err) == (0, out, "")
    assert orders == [heard]


def test_a_refused_order(site: Path, capsys: Capture) -> None:
    run = night(site, "dumping")
    with recorded.alive(run), answering(run, op.Refused("closed by ana 00:41")):
        said = call(capsys, "reply", "7", "flush")
    assert said.code == 2
    assert said.err == ("RUN021 the run refused: closed by ana 00:41\n"
                        "  Hint: 'taperoom status' shows how things stand\n")


def test_an_order_to_a_driver_that_is_gone(site: Path, capsys: Capture) -> None:
    run = night(site, "dumping")
    with recorded.alive(run):
        said = call(capsys, "pause")
    assert (said.code, said.err.split("\n")[0]) == (3, "RUN020 the run is over, or its driver does not answer")


def test_aborting_a_disk_that_waits(site: Path, capsys: Capture) -> None:
    run = night(site, "dumping")
    with recorded.alive(run):
        said = call(capsys, "abort", "fs-archive:/a")
    assert (said.code, said.err.split("\n")[0]) == (2, "RUN021 fs-archive:/a is not being dumped: waiting")


def test_a_second_run_is_refused(site: Path, capsys: Capture) -> None:
    run = night(site, "dumping")
    with recorded.alive(run):
        said = call(capsys, "run", "--batch")
    assert said.code == 4
    assert said.err == ("RUN004 run 20261201001500 of DailySet1 is under way\n"
                        "  Hint: 'taperoom attach' opens it, 'taperoom stop' ends it\n")


def test_names_that_are_not_there(site: Path, capsys: Capture) -> None:
    said = call(capsys, "run", "--batch", "db01:/serv")
    assert (said.code, said.err.split("\n")[0]) == (
        2, "CFG007 'db01:/serv' is no disk of taperoom.toml; did you mean 'db01:/srv'?".replace(
            "taperoom.toml", str(site / "taperoom.toml")))
    said = call(capsys, "check", "db1")
    assert "CFG007 'db1' is no host of" in said.err
    assert "did you mean 'db0" in said.err


def test_a_site_without_disks(site: Path, capsys: Capture) -> None:
    (site / "taperoom.toml").write_text('state_dir = "state"\n')
    said = call(capsys, "run", "--batch")
    assert (said.code, said.err.split("\n")[0]) == (2, f"CFG009 {site / 'taperoom.toml'} has no disk")


def test_faults_of_the_configuration_end_every_command(site: Path, capsys: Capture) -> None:
    (site / "taperoom.toml").write_text("[run]\nruntape = 1\n")
    for words in (["status"], ["check"], ["disk", "list"], ["tape", "list"], ["run", "--batch"]):
        said = call(capsys, *words)
        assert said.code == 2
        assert said.err.startswith("CFG003 taperoom.toml has 1 fault:\ntaperoom.toml:2: run.runtape: is no key of [run]")


def test_the_configuration_may_be_named_anywhere(site: Path, capsys: Capture, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = str(site / "taperoom.toml")
    assert call(capsys, "--config", file, "disk", "list").code == 0
    assert call(capsys, "disk", "list", f"--config={file}").code == 0
    assert call(capsys, "disk", "list", "--config", str(site)).code == 0
    said = call(capsys, "disk", "list")
    assert (said.code, said.err.split(";")[0]) == (2, "CFG001 no configuration was found")


def test_the_disklist(site: Path, capsys: Capture) -> None:
    assert call(capsys, "disk", "add", "web9:/my data", "--exclude", "./x", "--auth", "local").code == 0
    said = call(capsys, "disk", "list", "web9", "--json")
    assert [(d["host"], d["disk"], d["auth"], d["last_level"]) for d in json.loads(said.out)] == [
        ("web9", "/my data", "local", None)]
    assert "web9:/my data  default   main         never\n1 disk on 1 client\n" in call(capsys, "disk", "list", "web9").out
    assert call(capsys, "disk", "remove", "web9:/my data").code == 0
    said = call(capsys, "disk", "remove", "web9:/my data")
    assert (said.code, said.err.split("\n")[0]) == (2, "CFG004 web9:/my data is not in the disklist")
    said = call(capsys, "disk", "add", "web9")
    assert (said.code, said.err.split("\n")[0]) == (2, "CFG006 'web9' is not HOST:DISK")


def test_orders_for_coming_nights(site: Path, capsys: Capture) -> None:
    for words, order in ((("force",), "full"), (("force", "--bump"), "bump"), (("force", "--undo"), ""), (("hold",), "hold"),
                         (("hold", "--undo"), "")):
        assert call(capsys, "disk", words[0], "git:/home", *words[1:]).code == 0
        plain = json.loads(call(capsys, "disk", "list", "git:/home", "--json").out)
        assert plain[0]["order"] == order
    said = call(capsys, "disk", "force", "git:/home", "--bump", "--undo")
    assert (said.code, said.err.split("\n")[0]) == (
        2, "CFG006 --level-1, --bump, --no-bump and --undo exclude each other")


def test_volumes(site: Path, capsys: Capture) -> None:
    said = call(capsys, "tape", "list")
    assert said.code == 0
    assert said.out.startswith(f"storage main: disk:{site}/vtapes, volumes of 100 MiB\n")
    assert "4 slots without a label" in said.out
    assert call(capsys, "tape", "label").out == "storage main: slot 1 has the label D-01 now\n"
    plain = json.loads(call(capsys, "tape", "list", "--json").out)
    assert (plain[0]["slot"], plain[0]["label"], plain[0]["next"]) == ("1", "D-01", True)
    assert call(capsys, "tape", "show", "D-01").out.startswith("volume D-01 in slot 1 of storage main")
    said = call(capsys, "tape", "show", "D-09")
    assert (said.code, said.err.split("\n")[0]) == (1, "TAP018 volume D-09 is in no slot of storage main")
    said = call(capsys, "tape", "list", "--storage", "mian")
    assert (said.code, said.err.split("\n")[0]) == (2, "TAP001 there is no storage 'mian'; did you mean 'main'?")


def test_flush_with_nothing_to_flush_starts_nothing(site: Path, capsys: Capture) -> None:
    said = call(capsys, "flush")
    assert (said.code, said.out) == (0, "there is nothing to flush\n")
    assert not (site / "state" / "runs").exists()


def test_cleanup_leaves_what_is_not_ours(site: Path, capsys: Capture) -> None:
    stranger = site / "hold" / "precious"
    stranger.write_text("x")
    (site / "hold" / "20261201001500").mkdir()
    said = call(capsys, "cleanup", "--dry-run")
    assert (said.code, (site / "hold" / "20261201001500").exists()) == (0, True)
    plain = json.loads(call(capsys, "cleanup", "--dry-run", "--json").out)
    assert plain == {"dry_run": True, "removed": 0, "kept": 0, "whole_dumps": 0,
                     "told": [f"HLD018 {stranger}: is not ours; kept"]}
    said = call(capsys, "cleanup")
    assert said.out == (f"HLD018 {stranger}: is not ours; kept\n"
                        "0 files removed, 0 kept for you to look at, 0 whole dumps on the holding disks\n")
    assert stranger.exists()
    assert not (site / "hold" / "20261201001500").exists()


def test_rebuilding_the_catalogue(site: Path, capsys: Capture) -> None:
    night(site)
    said = call(capsys, "catalogue", "rebuild")
    assert said.code == 0
    assert said.out.startswith(f"{site}/state/catalogue.sqlite: 1 run, ")
    plain = json.loads(call(capsys, "catalogue", "rebuild", "--json").out)
    assert (plain["catalogue"], plain["runs"], plain["warnings"]) == (f"{site}/state/catalogue.sqlite", 1, [])


def test_explain(site: Path, capsys: Capture) -> None:
    said = call(capsys, "explain", "hld003d")
    assert said.out.startswith("HLD003  No room on the holding disks  (decide: an answer is needed)\n\n")
    assert json.loads(call(capsys, "explain", "HLD003", "--json").out)["code"] == "HLD003"
    assert "  4  another run is active\n" in call(capsys, "explain", "exit-codes").out
    assert json.loads(call(capsys, "explain", "exit-codes", "--json").out)["5"].startswith("a peer")
    codes = [line.split()[0] for line in call(capsys, "explain").out.splitlines()]
    assert codes == sorted(codes)
    assert len(json.loads(call(capsys, "explain", "--json").out)) == len(codes)
    said = call(capsys, "explain", "HLD999")
    assert said.code == 2
    assert said.err.startswith("CFG006 there is no code 'HLD999'; did you mean '")


def test_the_reference_of_the_configuration_loads(site: Path, capsys: Capture) -> None:
    from core.config.load import load_text

    text = call(capsys, "explain", "configuration").out
    for old, new in (("NAME", "main"), ("compress_program", "#"), ('interface = "lan"', ""), ("properties = ", "# "),
                     ('"main", "offsite"', '"main"'), ("[host.main]", "[host.web1]")):
        text = text.replace(old, new)
    assert load_text(text, Path("/x/t.toml")).disks[0].title == "web1:/home"


def test_wrong_words(site: Path, capsys: Capture) -> None:
    for words, message, path in (
        (["bogus"], "no such command 'bogus'", "taperoom"),
        (["run", "--foo"], "no such option: --foo", "taperoom run"),
        (["reply", "x", "y"], "invalid value for 'NUMBER'", "taperoom reply"),
        (["reply"], "missing argument 'NUMBER'", "taperoom reply"),
        (["--json"], "--json goes with --batch or with a command, such as 'taperoom status --json'", "taperoom"),
    ):
        said = call(capsys, *words)
        assert said.code == 2
        assert said.err.startswith(f"CFG006 {message}"), said.err
        assert f"'{path} --help' shows what is possible" in said.err


def test_the_console_needs_a_terminal(site: Path, capsys: Capture) -> None:
    night(site)
    for words in ([], ["attach"]):
        said = call(capsys, *words)
        assert said.code == 2
        assert said.err == "CFG006 the console needs a terminal\n  Hint: 'taperoom status' shows the same as text\n"


def test_init_writes_a_file_that_works(site: Path, capsys: Capture) -> None:
    said = call(capsys, "init", "new.toml", "--yes", "--org", "mine", "--disk", "localhost:/etc", "--disk", "web1:/a b",
                "--state-dir", "s", "--holding", "h", "--volumes", "v", "--capacity", "1 GiB", "--slots", "4")
    assert (said.code, said.err) == (0, "")
    assert said.out == "wrote new.toml: 2 disks\nnow: taperoom --config new.toml check\n"
    assert sorted(p.name for p in site.iterdir() if p.is_dir()) == ["h", "hold", "s", "state", "v", "vtapes"]
    assert "web1:/a b" in call(capsys, "--config", "new.toml", "disk", "list").out
    said = call(capsys, "init", "new.toml", "--yes")
    assert (said.code, said.err.split("\n")[0]) == (2, "CFG005 new.toml is there already")
    said = call(capsys, "init", "other.toml")
    assert (said.code, said.err.split("\n")[0]) == (2, "CFG006 there is no terminal to ask on")
    said = call(capsys, "init", "other.toml", "--yes", "--capacity", "many", "--holding", "none", "--disk", "a:b")
    assert said.code == 2
    assert said.err.startswith("CFG003 other.toml has ")
    assert not (site / "other.toml").exists()


def test_a_fault_of_our_own_has_no_traceback(site: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("core.config.load.load_site", broken)
    said = call(capsys, "status")
    assert said.code == 70
    assert said.err.startswith("RUN099 a fault of Taperoom itself: ZeroDivisionError: oh (")
    assert "Traceback" not in said.err
    monkeypatch.setenv("TAPEROOM_DEBUG", "1")
    assert "Traceback" in call(capsys, "status").err


def test_what_a_user_may_not_is_no_fault_of_ours(site: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/var/lib/taperoom/daily/runs")

    monkeypatch.setattr("core.config.load.load_site", closed)
    said = call(capsys, "status")
    assert (said.code, said.err) == (1, "RUN098 /var/lib/taperoom/daily/runs: Permission denied\n"
                                        "  Hint: be the user who runs the backup\n")


def test_a_reader_that_leaves_is_no_fault(site: Path) -> None:
    night(site)
    import subprocess

    from tests.support.cli import PROGRAM, environment

    line = " ".join(f"'{word}'" for word in (*PROGRAM, "explain"))
    done = subprocess.run(["sh", "-c", f"{line} | head -n 1"], capture_output=True, text=True, env=environment(), check=True)
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


def test_output_is_plain_and_escapes_what_the_encoding_lacks(site: Path) -> None:
    with open(site / "taperoom.toml", "ab") as file:
        file.write('[[disk]]\nhost = "w"\ndisk = "/b\x1bü"\n'.encode().replace(b"\x1b", b"\\u001b"))
    said = program("disk", "list", "w", cwd=site, env={"PYTHONIOENCODING": "ascii"})
    assert said.code == 0
    assert "w:/b\\x1b\\xfc" in said.out
