"""`taperoom recover` from a pipe and on a terminal: amrecover's words from a disk to its files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import PROGRAM, ROOT, Said, environment
from tests.support.console_terminal import ConsoleTerminal
from tests.support.small_site import SmallSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    made = SmallSite(tmp_path_factory.mktemp("recover"), {"alpha:/home": {
        "letters/ana": b"dear ana\n", "letters/bob": b"dear bob\n", "with blank": b"b", "notes": b"n"}})
    ran = made.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    yield made


def recover(site: SmallSite, *words: str, lines: tuple[str, ...]) -> Said:
    done = subprocess.run([*PROGRAM, "--config", str(site.config), "recover", *words], input="\n".join(lines).encode() + b"\n",
                          capture_output=True, env=environment(TAPEROOM_CLIENT_STATE=site.env["TAPEROOM_CLIENT_STATE"]),
                          timeout=120, check=False)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def title(site: SmallSite) -> str:
    return f"alpha:{site.data('alpha:/home')}"


def files(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_from_a_disk_to_its_files(site: SmallSite, tmp_path: Path) -> None:
    done = recover(site, title(site), lines=(
        "pwd", "ls", "cd letters", "add *", "delete bob", 'add "/with blank"', "list", f"lcd {tmp_path}/back", "lpwd",
        "extract", "y",
        "quit", "never read"))
    assert (done.code, done.err) == (0, ""), done.err
    for text in (f"disk {title(site)} as of ", "added /letters/ana", "not marked any more: /letters/bob",
                 "2 files, 10 B, of alpha:", f"files are restored to {tmp_path}/back", "2 files and 2 directories to",
                 "1. volume T-001 of storage main: file 1",
                 "Restore? [y/N]", "same as: taperoom restore alpha:", "2 files and 2 directories in"):
        assert text in done.out, text
    assert files(tmp_path / "back") == {"letters/ana": b"dear ana\n", "with blank": b"b"}


def test_overwriting_wants_the_word(site: SmallSite, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    no = recover(site, title(site), "--to", str(tmp_path), lines=("add notes", "extract", "y"))
    assert no.code == 1 and "1 name there already: " in no.out and files(tmp_path) == {"notes": b"mine"}
    yes = recover(site, title(site), "--to", str(tmp_path), lines=("add notes", "extract", "overwrite"))
    assert yes.code == 0 and "--overwrite" in yes.out and files(tmp_path) == {"notes": b"n"}


def test_no_is_no(site: SmallSite, tmp_path: Path) -> None:
    for answer in ("n", "", "nonsense"):
        done = recover(site, title(site), "--to", str(tmp_path / "x"), lines=("add notes", "extract", answer))
        assert (done.code, done.out.splitlines()[-1]) == (1, "nothing was restored") and not (tmp_path / "x").exists()
    done = recover(site, title(site), "--to", str(tmp_path / "x"), lines=("add notes", "extract"))
    assert done.code == 1 and not (tmp_path / "x").exists()


@pytest.mark.parametrize(("lines", "code", "said"), [
    (("cd nothing",), 2, "RST054 there is no directory 'nothing' in / of alpha:"),
    (("add notes", "extract"), 2, "RST052 no directory to restore to is chosen"),
    (("frobnicate", "pwd"), 0, "RST050 'frobnicate' is no word here"),
])
def test_faults_are_told_and_the_last_one_is_the_exit_code(
    lines: tuple[str, ...], code: int, said: str, site: SmallSite
) -> None:
    done = recover(site, title(site), lines=lines)
    assert said in done.err and done.code == code


def test_an_unknown_disk(site: SmallSite) -> None:
    done = recover(site, "alpha:/none", lines=())
    assert done.code == 0 and "RST011 no disk 'alpha:/none' was ever dumped or is configured" in done.err


def test_on_a_terminal_with_tab(site: SmallSite, tmp_path: Path) -> None:
    program = ("-P", "-m", "core.cli", "--config", str(site.config), "recover")
    with ConsoleTerminal(title(site), "--to", str(tmp_path / "back"), program=program,
                         environment={"PYTHONPATH": str(ROOT), **site.env}) as terminal:
        terminal.until("recover> ")
        terminal.press("cd let\t\r")
        terminal.until("/letters")
        terminal.press("add an\t\rextract\r")
        terminal.until("Restore? [y/N]")
        terminal.press("y\r")
        terminal.until("1 file and 2 directories in")
        terminal.press("quit\r")
        assert terminal.ended() == 0
    assert files(tmp_path / "back") == {"letters/ana": b"dear ana\n"}
    assert os.environ.get("TAPEROOM_CONFIG", "") == ""
