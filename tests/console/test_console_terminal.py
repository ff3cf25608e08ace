"""The console on a real terminal: it begins, is used, and ends in every way there is; the terminal is left as it was."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.runs import Run
from core.events import codec
from core.events.event import DiskEnded, Record
from tests.support import recorded_run
from tests.support.console_terminal import PATIENCE, ConsoleTerminal

STYLES = re.compile(rb"\x1b\[[\d;]*m")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    run = recorded_run.make_run(tmp_path, "dumping")
    with recorded_run.alive(run):
        yield tmp_path


def on(site: Path, *more: str) -> tuple[str, ...]:
    return ("--state-dir", str(site), *more)


def test_it_shows_the_run_follows_it_and_detaches(site: Path) -> None:
    with ConsoleTerminal(*on(site)) as terminal:
        terminal.until("mail:/srv")
        terminal.until("q detach")
        terminal.press("4")
        terminal.until("Volumes of this run")
        run = Run(site / "runs" / recorded_run.STAMP)
        with open(run.journal, "ab") as journal:
            journal.write(codec.encode(Record(9000, recorded_run.BEGAN, DiskEnded("new", "/disk", 0, "done", ""))))
        terminal.press("1")
        terminal.until("Disks  10")
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.restored()
        assert b"Detached. The run goes on; look again with: taperoom attach" in terminal.sent


def test_an_idle_screen_sends_nothing(site: Path) -> None:
    recorded_run.make_run(site, "ended")
    with ConsoleTerminal(*on(site)) as terminal:
        terminal.until("ENDED")
        while terminal.pump(0.5):
            pass
        before = len(terminal.sent)
        assert not terminal.pump(1.5)
        assert len(terminal.sent) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(site: Path, number: signal.Signals) -> None:
    with ConsoleTerminal(*on(site)) as terminal:
        terminal.until("q detach")
        terminal.kill(number)
        assert terminal.ended() == 128 + number
        assert terminal.restored()


def test_sigint_and_ctrl_c_end_nothing(site: Path) -> None:
    with ConsoleTerminal(*on(site)) as terminal:
        terminal.until("q detach")
        terminal.press("\x03")
        terminal.until("q detaches; the run goes on")
        terminal.kill(signal.SIGINT)
        terminal.press("2")
        terminal.until("Plan  9 disks")
        terminal.press("q")
        assert terminal.ended() == 0


def test_it_ends_when_the_terminal_goes_away(site: Path) -> None:
    with ConsoleTerminal(*on(site)) as terminal:
        terminal.until("q detach")
        terminal.hang_up()
        assert terminal.process.wait(PATIENCE) in (128 + signal.SIGHUP, 1)


def test_sleep_and_come_back(site: Path) -> None:
    with ConsoleTerminal(*on(site)) as terminal:
        terminal.until("q detach")
        terminal.press("\x1a")
        stat = Path(f"/proc/{terminal.process.pid}/stat")
        terminal.until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T")
        terminal.until(terminal.restored)  # its last words may still be on their way to us
        before = len(terminal.sent)
        terminal.screen.reset()
        terminal.kill(signal.SIGCONT)
        # The recorded run has no driver: how long ago that was noticed decides between these two.
        terminal.until(lambda: "LIVE" in terminal.text or "LOST" in terminal.text)
        for shown in ("DailySet1", "QUEUE", "mail:/srv", "q detach"):  # all of it, not only what has changed
            terminal.until(shown)
        assert len(terminal.sent) > before
        terminal.press("3")
        terminal.until("all channels")
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.restored()


def test_redraw_paints_all_again(site: Path) -> None:
    with ConsoleTerminal(*on(site)) as terminal:
        terminal.until("q detach")
        terminal.press("o")
        terminal.until("only mail:/srv on every screen")
        terminal.screen.reset()  # as another program's output leaves a screen
        terminal.press("\x0c")
        terminal.until("q detach")
        terminal.until("only mail:/srv on every screen")
        terminal.press("q")
        assert terminal.ended() == 0


def test_an_operator_with_sixteen_colours_ascii_and_80x24(site: Path) -> None:
    with ConsoleTerminal(*on(site, "--ascii"), environment={"TERM": "linux"}) as terminal:
        terminal.until("q detach")
        for key, wanted in (("2", "Plan  9 disks"), ("3", "all channels"), ("4", "Volumes of this run"), ("5", "Holding disks"),
                            ("1", "Disks  9"), ("w", "TRY-AGAIN  1"), ("\x1b", "QUEUE"), ("r", "Request #7 of 2")):
            terminal.press(key)
            terminal.until(wanted)
            assert terminal.text.isascii()
            assert max(len(row.rstrip()) for row in terminal.screen.display) <= 80
        terminal.press("\x1b")
        terminal.until("QUEUE")
        for told in ("! mail:/srv", "w git:/home", "> db01:/srv", "try again", "NO-ROOM", "dumping"):  # never by colour alone
            terminal.until(told)
        colours = {int(n) for styles in STYLES.findall(terminal.sent) for n in re.findall(rb"\d+", styles)}
        assert colours <= {0, 1, 2, 3, 4, 7, 22, 27, *range(30, 38), 39, *range(40, 48), 49, *range(90, 98), *range(100, 108)}
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.restored()


def test_any_size_at_any_moment(site: Path) -> None:
    with ConsoleTerminal(*on(site)) as terminal:
        terminal.until("q detach")
        for width, height in ((20, 5), (200, 50), (60, 15), (120, 40)):
            terminal.resize(width, height)
            terminal.pump(0.2)
        terminal.until("Tape and holding")
        terminal.press("q")
        assert terminal.ended() == 0


def test_a_fault_of_ours_is_three_lines_without_values(site: Path) -> None:
    program = (
        "import sys; sys.argv = ['tui', '--state-dir', sys.argv[1]]\n"
        "import tui.screens.plan as plan\n"
        "def show(self, now):\n    secret = 'hunter2'\n    raise RuntimeError('broken')\n"
        "plan.PlanScreen.show = show\n"
        "from tui.__main__ import main\n"
        "sys.exit(main())\n")
    path = site / "broken.py"
    path.write_text(program)
    with ConsoleTerminal(str(site), program=("-P", str(path)), environment={"XDG_STATE_HOME": str(site)}) as terminal:
        terminal.until("q detach")
        terminal.press("2")
        assert terminal.ended() == 1
        assert terminal.restored()
        tail = terminal.sent[terminal.sent.rfind(b"\x1b[?1049l"):]
        assert b"taperoom: the console failed: RuntimeError" in tail
        assert b"the run goes on; look again with: taperoom attach" in tail
        log = (site / "taperoom" / "console.log").read_text()
        assert "broken" in log and "hunter2" not in log.replace("secret = 'hunter2'", "")
        assert b"hunter2" not in terminal.sent


@pytest.mark.parametrize(("term", "wanted"), [
    ("dumb", "TERM=dumb: this terminal cannot place a cursor; the same in plain lines: taperoom status --follow"),
])
def test_a_terminal_that_cannot(site: Path, term: str, wanted: str) -> None:
    with ConsoleTerminal(*on(site), environment={"TERM": term}) as terminal:
        assert terminal.ended() == 2
        assert wanted.encode() in terminal.sent.replace(b"\r\n", b"")


def test_no_terminal(site: Path) -> None:
    done = subprocess.run([sys.executable, "-P", "-m", "tui", *on(site)], cwd=Path(__file__).parents[2], text=True,
                          capture_output=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    assert done.returncode == 2
    assert done.stderr == "taperoom: the console needs a terminal; the same in plain lines: taperoom status --follow\n"


@pytest.mark.parametrize(("environment", "arguments"), [
    ({"NO_COLOR": "1"}, ()), ({"TERM": "linux"}, ()), ({"TERM": "vt100"}, ()),
    ({"LC_ALL": "C"}, ()), ({"LC_ALL": "", "LANG": "C"}, ()),
    ({"PYTHONIOENCODING": "ascii"}, ()), ({}, ("--ascii", "--theme", "paper")), ({}, ("--read-only",)),
])
def test_other_terminals(site: Path, environment: dict[str, str], arguments: tuple[str, ...]) -> None:
    with ConsoleTerminal(*on(site, *arguments), environment=environment) as terminal:
        terminal.until("q detach")
        if "--ascii" in arguments or environment.get("TERM") == "vt100" or {"PYTHONIOENCODING", "LC_ALL"} & set(environment):
            assert terminal.text.isascii()
        if "NO_COLOR" in environment or environment.get("TERM") == "vt100":
            assert set(re.findall(rb"(?:3[0-8]|4[0-8]|9\d|10\d)(?=[;m])", b"".join(STYLES.findall(terminal.sent)))) == set()
        if environment.get("TERM") == "linux":  # its fonts have lines and blocks, and letters for the rest
            terminal.until("> db01:/srv")
            terminal.resize(120, 40)
            terminal.until("Tape and holding")
            terminal.press("r")
            terminal.until("Request #7 of 2")
            assert {char for char in terminal.text if not char.isascii()} <= set("─│┌┐└┘█░")
            terminal.press("\x1b")
        if "--read-only" in arguments:
            assert ":WATCH" in terminal.text
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.restored()


TAKEN = b"\x1b[?1049h"
"""How the console begins, and begins again after a sleep."""

STOPS_ITSELF = """
import os, signal, sys
from tui import terminal

class Cells(terminal.Cells):
    frames = 0

    def take(self, data):
        Cells.frames += 1
        if Cells.frames == 2:
            os.kill(os.getpid(), signal.SIGSTOP)
        super().take(data)

terminal.Cells = Cells
from tui.__main__ import main
sys.exit(main())
"""


def test_stopped_from_outside_while_it_takes_a_frame(site: Path) -> None:
    """The thread that reads keys waits for what is held just then: neither waits for the other for ever."""
    with ConsoleTerminal("-c", STOPS_ITSELF, *on(site), program=("-P",)) as terminal:
        while os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is None:
            terminal.pump()
        terminal.press("3")
        terminal.kill(signal.SIGCONT)
        # What is typed before the terminal is taken over anew may be dropped: it may have been meant for another program.
        terminal.until(lambda: terminal.sent.count(TAKEN) == 2)
        terminal.until("q detach")
        terminal.press("q")
        assert terminal.ended() == 0 and terminal.restored()


WAITS_LONG = """
import sys
from tui import terminal
terminal.ConsoleDriver._patience = 1000.0
from tui.__main__ import main
sys.exit(main())
"""


def test_an_answer_that_never_came_is_not_waited_for_after_a_stop(site: Path) -> None:
    with ConsoleTerminal("-c", WAITS_LONG, *on(site), program=("-P",)) as terminal:
        terminal.until("q detach")
        terminal.silent = True
        terminal.press("3")
        terminal.until("all channels")
        terminal.kill(signal.SIGSTOP)
        while os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is None or terminal.pump():
            pass
        terminal.silent = False
        terminal.kill(signal.SIGCONT)
        terminal.until(lambda: terminal.sent.count(TAKEN) == 2)
        terminal.screen.reset()
        terminal.press("2")
        terminal.until("Plan  9 disks")
        terminal.press("q")
        assert terminal.ended() == 0 and terminal.restored()


def test_no_run_and_a_run_that_begins(tmp_path: Path) -> None:
    with ConsoleTerminal(*on(tmp_path)) as terminal:
        terminal.until("No run has been made yet.")
        with recorded_run.alive(recorded_run.make_run(tmp_path, "dumping")):
            terminal.until("mail:/srv")


@pytest.mark.interop
def test_in_tmux_attach_twice_detach_and_attach_again(site: Path, tmp_path: Path) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("NOT TESTED: the console in tmux: tmux is not installed")
    socket = str(tmp_path / "tmux")
    root = Path(__file__).parents[2]
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("TEXTUAL") and k != "TMUX"}, "PYTHONPATH": str(root),
           "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def tmux(*words: str) -> str:
        return subprocess.run(["tmux", "-S", socket, "-f", "/dev/null", *words], env=env, cwd=root, text=True,
                              capture_output=True, check=True).stdout

    def until(pane: str, wanted: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while wanted not in (shown := tmux("capture-pane", "-p", "-t", pane)):
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)
        return shown

    command = f"{sys.executable} -P -m tui --state-dir {site}"
    tmux("new-session", "-d", "-s", "one", "-x", "80", "-y", "24", "sh")
    try:
        tmux("send-keys", "-t", "one", command, "Enter")
        until("one", "q detach")
        tmux("new-session", "-d", "-s", "two", "-x", "120", "-y", "40", f"{command} --read-only")
        assert "WATCH" in until("two", "q detach")
        tmux("send-keys", "-t", "one", "r")
        until("one", "Request #7 of 2")
        tmux("send-keys", "-t", "one", "Escape")
        until("one", "2 more    idle")
        tmux("resize-window", "-t", "one", "-x", "120", "-y", "40")
        until("one", "Tape and holding")
        tmux("send-keys", "-t", "one", "q")
        until("one", "Detached. The run goes on")
        tmux("send-keys", "-t", "one", command, "Enter")
        until("one", "Tape and holding")
        for n in range(25):  # at any moment, while it paints
            tmux("resize-window", "-t", "one", "-x", str(20 + 41 * n % 220), "-y", str(5 + 17 * n % 65))
        tmux("resize-window", "-t", "one", "-x", "80", "-y", "24")
        until("one", "QUEUE")
        tmux("send-keys", "-t", "one", "C-z")
        until("one", "topped")  # the shell says so: the first letter is in upper case in some
        tmux("send-keys", "-t", "one", "fg", "Enter")
        until("one", "QUEUE")
        tmux("send-keys", "-t", "one", "C-c")
        until("one", "q detaches; the run goes on")
        tmux("send-keys", "-t", "one", "q")
        until("one", "Detached. The run goes on")
        tmux("new-session", "-d", "-s", "three", "-x", "100", "-y", "30",
             f"env -u TMUX tmux -S {socket}-inner -f /dev/null new-session '{command} --read-only'")
        assert "WATCH" in until("three", "q detach")  # a tmux in a tmux
        tmux("send-keys", "-t", "three", "3")
        until("three", "all channels")
        tmux("send-keys", "-t", "three", "q")
    finally:
        subprocess.run(["tmux", "-S", f"{socket}-inner", "kill-server"], capture_output=True)
        tmux("kill-server")
