"""Every fault that a configuration may have, with the exact line that the operator reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.load import load_site, load_text
from core.errors import UsageError

FILE = Path("/etc/taperoom/taperoom.toml")
GOLDEN = Path(__file__).parents[1] / "golden" / "config" / "faults.txt"
DISK = '[[disk]]\nhost = "web1"\ndisk = "/home"\n'


def faults(text: str) -> list[str]:
    """The lines that name faults, without the file."""
    with pytest.raises(UsageError) as caught:
        load_text(text, FILE)
    assert caught.value.code == "CFG003"
    assert caught.value.exit_code == 2
    head, *lines = caught.value.message.split("\n")
    count = "1 fault" if len(lines) == 1 else f"{len(lines)} faults"
    assert head == f"{FILE} has {count}:"
    assert all(line.startswith(f"{FILE}:") for line in lines)
    return [line.removeprefix(f"{FILE}:") for line in lines]


def cases() -> list[tuple[str, str]]:
    """Pairs of a configuration and the line that it gives, from the golden file: ``=> line:`` ends each."""
    blocks = GOLDEN.read_text().split("\n\n")
    return [(text, expected) for block in blocks if block.strip()
            for text, _, expected in [block.lstrip("\n").rpartition("\n=> ")]]


@pytest.mark.parametrize(("text", "expected"), cases(), ids=[f"{n:02d}" for n in range(len(cases()))])
def test_one_fault(text: str, expected: str) -> None:
    assert faults(text) == [expected.rstrip("\n")]


def test_the_golden_file_is_read() -> None:
    assert len(cases()) >= 90


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    text = 'disks = 1\norg = "a b"\n[run]\nruntape = 1\ninparallel = 99\n' + DISK + 'dumptype = "y"\n'
    assert [line.partition(" ")[0] for line in faults(text)] == ["1:", "2:", "4:", "5:", "9:"]


@pytest.mark.parametrize(("text", "message", "hint"), [
    ("a = = 1", "is no TOML: Invalid value (at line 1, column 5)",
     "texts, also sizes and times, are written in quotes"),
    ("[run]\n[run]\n", "is no TOML: Cannot declare ('run',) twice (at line 2, column 5)",
     "a table or key may stand in the file only once; [[disk]] and [[holding]] have two brackets"),
    ('x = "', "is no TOML: Unterminated string (at end of document)", ""),
    ("x = " + "[" * 100_000, "is no TOML: brackets are nested too deeply", ""),
])
def test_no_toml(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_text(text, FILE)
    assert (caught.value.code, caught.value.message) == ("CFG002", f"{FILE}: {message}")
    assert caught.value.hint == hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_site(tmp_path / "no.toml")
    assert caught.value.code == "CFG002"
    assert caught.value.message == f"{tmp_path / 'no.toml'}: cannot be read: No such file or directory"
    assert caught.value.hint == "name another with --config, or write a first one with 'taperoom init'"
