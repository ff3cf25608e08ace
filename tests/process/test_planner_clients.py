"""The planner over real pipes with clients that are well, dead, hung, lying, slow, or talk nonsense."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.protocol.planner import (
    Date,
    DumpLine,
    EndFlush,
    EndPlan,
    Estimate,
    Estimating,
    NoEstimate,
)
from tests.support.planner import ROOT, STAMP, PlannerSite
from tests.support.size_amandad import FEATURES

WELL = {"steps": [["all", 5000]]}


def test_a_night(tmp_path: Path) -> None:
    """DATE, ENDFLUSH, estimates as they come, then the plan with all its fields; one request a client."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home", "/var"]), "db1": (WELL, ["/srv"])})
    found = site.plan()
    assert (found.code, found.said[:2]) == (0, (Date(STAMP), EndFlush()))
    assert sorted(found.of(Estimating), key=str) == [Estimating("db1"), Estimating("web1")]
    assert {(e.host, e.disk, e.level, e.size) for e in found.of(Estimate)} == {
        ("web1", "/home", 0, 5000), ("web1", "/var", 0, 5000), ("db1", "/srv", 0, 5000)}
    assert found.verdicts == dict.fromkeys(("web1:/home", "web1:/var", "db1:/srv"), "0: new disk, first full")
    kinds = [type(said) for said in found.said]
    assert kinds[-4:] == [DumpLine] * 3 + [EndPlan]
    assert found.said[-1] == EndPlan(len(kinds) - 1)
    line = found.of(DumpLine)[0]
    assert (line.size, line.orig, line.seconds, line.kps, line.features) == (5000, 5000, 4, 1024, FEATURES)
    assert site.seen("web1").count("started") == 1
    assert site.seen("web1").count("SERVICE sendsize") == 1
    assert "planner: 3 dumps, 3 full 14.6 MiB" in found.log


@pytest.mark.parametrize(("script", "reason"), [
    ({"noop": "die"}, "CLT001 amandad of bad ended (exit status 3): amandad: no such service here"),
    ({"noop": "hang"}, "CLT002 "),
    ({"noop": "garbage"}, "CLT003 "),
    ({"noop": "error"}, "CLT005 bad: this is not my server"),
])
def test_a_client_that_cannot_be_talked_to(tmp_path: Path, script: dict[str, str], reason: str) -> None:
    """One connection and one NO-ESTIMATE for all its disks; the others are planned; each disk fails with the reason."""
    site = PlannerSite(tmp_path, {"bad": (script, ["/a", "/b", "/c"]), "web1": (WELL, ["/home"])},
                       host={"connect_timeout": "1 s"})
    found = site.plan()
    assert found.code == 0
    [missing] = found.of(NoEstimate)
    assert (missing.host, missing.disk) == ("bad", "/a")
    assert missing.message.startswith(reason)
    assert site.seen("bad").count("started") == 1
    for disk in ("/a", "/b", "/c"):
        assert found.verdicts[f"bad:{disk}"] == f"!{missing.message}; no earlier dump tells how big it is"
    assert found.verdicts["web1:/home"] == "0: new disk, first full"
    assert "Traceback" not in found.log


@pytest.mark.parametrize(("steps", "reason"), [
    ([["die"]], "CLT001 "), ([["hang"]], "CLT002 "), ([["nak", "ERROR [unknown service]\n"]], "CLT004 "),
    ([["raw", "ffffffff00000000"]], "CLT003 "), ([["rep", "OPTIONS features=ff;\nwhat is this?\n"]], "CLT003 "),
    ([["rep", "OPTIONS features=ff;\nERROR [GNUTAR program not available]\n"]], "GNUTAR program not available"),
])
def test_a_client_that_fails_while_it_estimates(tmp_path: Path, steps: list[list[str]], reason: str) -> None:
    """It was reached, so the reason is given as it is; once."""
    site = PlannerSite(tmp_path, {"bad": ({"steps": steps}, ["/a", "/b"])}, host={"estimate_timeout": "1 s"})
    found = site.plan()
    [missing] = found.of(NoEstimate)
    assert missing.message.startswith(reason)
    for disk in ("/a", "/b"):
        assert found.verdicts[f"bad:{disk}"] in (
            f"!{missing.message}; no earlier dump tells how big it is", f"!PLN003 no size: {missing.message}")
    assert found.code == 0
    assert "Traceback" not in found.log


def test_partial_estimates_are_kept(tmp_path: Path) -> None:
    """What a client said before it died counts, and is told once."""
    head = f"OPTIONS features={FEATURES};\n"
    steps = [["prep", f"{head}/a 0 SIZE 70\n"], ["prep", "what?\n"],
             ["prep", f"{head}/a 0 SIZE 70\n/b 0 SIZE 80\n/c 0 SIZE -1\n"], ["die"]]
    found = PlannerSite(tmp_path, {"bad": ({"steps": steps}, ["/a", "/b", "/c"])}).plan()
    assert [(e.disk, e.size) for e in found.of(Estimate)] == [("/a", 70), ("/b", 80)]
    assert found.verdicts["bad:/a"] == "0: new disk, first full"
    assert found.verdicts["bad:/c"].startswith("!CLT001 ")
    assert "bad: partial estimate: estimate 'what?' cannot be read" in found.log


def test_a_client_that_lies(tmp_path: Path) -> None:
    """Sizes that nobody asked for, absurd ones and withdrawn ones harm nothing but themselves."""
    reply = (f"OPTIONS features={FEATURES};\n/a 0 SIZE 70\n/a 1 SIZE 7\n/zzz 0 SIZE 9\n/zzz 3 SIZE 9\n"
             "/b 0 SIZE 999999999999999999\n/c 0 SIZE -2\n/d 0 ERROR \"[no such directory]\"\n"
             "/a 0 WARNING \"[tar is old]\"\n")
    site = PlannerSite(tmp_path, {"bad": ({"steps": [["rep", reply]]}, ["/a", "/b", "/c", "/d"])},
                       dumptype={"estimate": ["client"]})
    found = site.plan()
    none = "!PLN003 the client gave no size, and no earlier dump tells one"
    assert found.verdicts == {"bad:/a": "0: new disk, first full", "bad:/b": none, "bad:/c": none,
                              "bad:/d": "!PLN003 no size: no such directory"}
    assert {(n.disk, n.message) for n in found.of(NoEstimate)} == {
        ("/b", "the client gave no size"), ("/c", "the client gave no size"), ("/d", "no such directory")}
    assert "PLN009 bad:/a level 1 was not asked for" in found.log
    assert "PLN009 bad:/zzz level 3 was not asked for" in found.log
    assert "PLN009 bad:/b level 0 is said to be 999999999999999999 KiB, which is not credible" in found.log
    assert "bad:/a: tar is old" in found.log


def test_a_slow_client_is_waited_for(tmp_path: Path) -> None:
    """Another client's sizes are told while it still works; the plan waits for it."""
    gate = tmp_path / "gate"
    slow = {"steps": [["wait", str(gate)], ["all", 10]]}
    site = PlannerSite(tmp_path, {"slow": (slow, ["/a"]), "web1": (WELL, ["/home"])}, host={"estimate_timeout": "30 s"})
    with site.start("--datestamp", STAMP) as process:
        assert process.stdout is not None
        seen: list[bytes] = []
        while not seen or not seen[-1].startswith(b"ESTIMATE web1"):
            seen.append(process.stdout.readline())
        gate.touch()
        rest, _ = process.communicate(timeout=30)
    assert b"ESTIMATE slow /a 0 10\n" in rest
    assert process.returncode == 0


def test_a_guess_for_who_is_not_asked(tmp_path: Path) -> None:
    """``estimate = ["server"]``: no client is asked at all, and a new disk is guessed."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])}, dumptype={"estimate": ["server"]})
    found = site.plan()
    assert found.verdicts == {"web1:/home": "0: new disk, first full; size guessed"}
    assert found.of(DumpLine)[0].orig == 1_000_000
    assert (found.of(Estimating), site.seen("web1")) == ([], "")


def test_names_of_all_kinds(tmp_path: Path) -> None:
    """Blanks, quotes, #, UTF-8 and a newline in a disk's name; they come back as they are."""
    names = ["/my docs", '/a"b', "/c#d", "/grün", "/two\nlines"]
    quoted = ['"/my docs"', '"/a\\"b"', "/c#d", '"/grün"', '"/two\\nlines"']
    reply = f"OPTIONS features={FEATURES};\n" + "".join(f"{word} 0 SIZE 9\n" for word in quoted)
    found = PlannerSite(tmp_path, {"web1": ({"steps": [["rep", reply]]}, names)}).plan()
    assert found.verdicts == {f"web1:{name}": "0: new disk, first full" for name in names}


def test_a_thousand_disks(tmp_path: Path) -> None:
    """Four clients with 250 disks each: four requests, a line for each disk."""
    hosts = {f"h{n}": (WELL, [f"/disk{n:03}" for n in range(250)]) for n in range(4)}
    site = PlannerSite(tmp_path, hosts, host={"estimate_timeout": "20 s"}, capacity="1 TiB")
    found = site.plan()
    assert len(found.of(DumpLine)) == 1000
    assert [site.seen(host).count("SERVICE sendsize") for host in hosts] == [1] * 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals(tmp_path: Path, number: int) -> None:
    """SIGTERM ends it, and the client that hangs; SIGINT is the terminal's and means nothing."""
    site = PlannerSite(tmp_path, {"slow": ({"steps": [["hang"]]}, ["/a"])}, host={"estimate_timeout": "2 s"})
    with site.start() as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith(b"ESTIMATING"):
            pass
        process.send_signal(number)
        out, log = process.communicate(timeout=30)
    assert b"Traceback" not in log
    assert process.returncode == (1 if number == signal.SIGTERM else 0)
    assert (b"SKIP slow /a" in out) is (number == signal.SIGINT)


def test_nobody_reads(tmp_path: Path) -> None:
    """The driver died: said in one sentence."""
    gate = tmp_path / "gate"
    site = PlannerSite(tmp_path, {"slow": ({"steps": [["wait", str(gate)], ["all", 10]]}, ["/a"])},
                       host={"estimate_timeout": "30 s"})
    with site.start() as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith(b"ESTIMATING"):
            pass
        process.stdout.close()
        gate.touch()
        assert process.stderr is not None
        log = process.stderr.read()
        assert process.wait(timeout=30) == 1
    assert log == b"planner: nobody reads the plan; the driver is gone\n"


def test_imports_are_small(tmp_path: Path) -> None:
    """No console, no command line, no database before it is needed."""
    site = PlannerSite(tmp_path, {"web1": (WELL, ["/home"])})
    modules = "{'textual', 'rich', 'typer', 'pydantic', 'asyncio'}"
    code = ("import sys, runpy; sys.argv = ['planner', sys.argv[1], '--offline'];\n"
            "try: runpy.run_module('core.planner', run_name='__main__')\n"
            "except SystemExit: pass\n"
            f"print(*(m for m in sys.modules if m in {modules}), file=sys.stderr)")
    done = subprocess.run([sys.executable, "-P", "-c", code, str(site.config)], env={"PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr.splitlines()[-1] == ""
