"""What amadmin says of the coming fulls, and our count next to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.migration.balance import Due, Night, compare_balance, read_balance
from core.migration.config import import_config
from core.migration.source import read_source
from tests.support.amanda_golden import lay_out

SAID = """new disk web1:/new ignored.

 due-date  #fs    orig KB     out KB   balance
----------------------------------------------
11/29 Sun    1        110          1    -99.7%
11/30 Mon    0          0          0      ---

12/02 Wed    2       2540       2461   +599.1%
----------------------------------------------
TOTAL        6       2980       2465       352
BALANCED             2870       2464       352
DISTINCT     3       2650       2462
  (estimated 7 runs per dumpcycle)
 (1 filesystem overdue. The most being overdue 2 days.)
"""
DAY = 86400.0
BEGAN = 1795395125.0
"""When the first run of the recorded site began, at which all its fulls were made."""


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_what_amadmin_says() -> None:
    assert read_balance(SAID) == {"11/29": Due(1, 1), "11/30": Due(0, 0), "12/02": Due(2, 2461)}
    assert read_balance("No data to report on yet.\n") == {}


def nights(place: Path, theirs: dict[str, Due] | None, days: float, more: str = "", disks: str = "") -> list[Night]:
    conf = lay_out(place)
    with (conf / "amanda.conf").open("a") as file:
        file.write(more)
    with (conf / "disklist").open("a") as file:
        file.write(disks)
    source = read_source(str(conf))
    made = import_config(source, place / "x.toml", place / "state", as_root=True)
    return compare_balance(made.site, source, theirs, made.disks.left_out, BEGAN + days * DAY)


def test_the_same_on_both_sides(tmp_path: Path) -> None:
    theirs = {"11/28": Due(0, 0), "11/29": Due(3, 65)}
    [only] = nights(tmp_path, theirs, 0.5)
    assert (only.label, only.ours, only.theirs, only.words) == ("11/29", Due(3, 65), Due(3, 65), "")


def test_what_is_overdue_is_due_tonight(tmp_path: Path) -> None:
    [only] = nights(tmp_path, {}, 30.5)
    assert (only.label, only.ours.fulls, only.theirs) == ("12/23", 3, Due())
    assert only.words == "a strategy or a dump cycle of its own is counted in another way by amadmin"


def test_without_amadmin_there_is_nothing(tmp_path: Path) -> None:
    assert nights(tmp_path, None, 0.5) == []


def test_why_they_differ(tmp_path: Path) -> None:
    more = ("define dumptype often {\n base\n dumpcycle 3\n}\ndefine dumptype whole {\n base\n strategy noinc\n}\n"
            'define dumptype old {\n program "DUMP"\n}\n')
    found = nights(tmp_path, {"11/23": Due(0, 0), "11/26": Due(0, 0), "11/29": Due(4, 65)}, 0.5, more,
                   "localhost /new often\nlocalhost /whole whole\nlocalhost /old old\n")
    assert [night.label for night in found] == ["11/23", "11/24", "11/25", "11/26", "11/27", "11/28", "11/29"]
    assert [night.ours.fulls for night in found] == [2, 1, 1, 2, 1, 1, 5]
    assert found[0].words == "new here, and left out by amadmin: localhost:/new; dumped full every night: localhost:/whole"
    assert found[1].words == "dumped full every night: localhost:/whole"
