"""Restores that need a volume which is in no slot: another copy, a request, an answer from another terminal, the deadline."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tomli_w

from core.client.restores import live_restores
from core.client.runs import view_of
from tests.support.cli import PROGRAM, Said, environment, program
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite

MIB = 1 << 20


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A full over two volumes, and an incremental on a third."""
    tree = {f"d/f{number:02d}": os.urandom(MIB) for number in range(12)} | {"letter": b"dear"}
    made = SmallSite(tmp_path_factory.mktemp("house"), {"alpha:/home": tree}, storage={"capacity": "8 MiB"})
    for night in range(2):
        if night:
            (made.data("alpha:/home") / "letter").write_bytes(b"changed")
        ran = made.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    return made


def disk(house: SmallSite) -> str:
    return f"alpha:{house.data('alpha:/home')}"


def slot_of(house: SmallSite, label: str, storage: str = "vtapes") -> Path:
    [slot] = [slot for slot in (house.root / storage).glob("slot*") if (slot / f"00000.{label}").exists()]
    return slot


@contextmanager
def without(house: SmallSite, label: str, storage: str = "vtapes") -> Iterator[tuple[Path, Path]]:
    """That volume is on a shelf; where it is, and where its slot was."""
    slot, shelf = slot_of(house, label, storage), house.root / f"shelf-{label}"
    slot.rename(shelf)
    try:
        yield shelf, slot
    finally:
        if shelf.exists():
            shelf.rename(slot)


@contextmanager
def patience(house: SmallSite, **run: object) -> Iterator[None]:
    """Other settings of ``[run]``."""
    text = house.config.read_text()
    plain = tomllib.loads(text)
    plain["run"] |= run
    house.config.write_text(tomli_w.dumps(plain))
    try:
        yield
    finally:
        house.config.write_text(text)


class Restoring:
    """A restore as a process; what it says is read line by line."""

    def __init__(self, house: SmallSite, to: Path, *more: str) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "--config", str(house.config), "restore", disk(house), "--to", str(to), "--json", *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True)
        self.said = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until something was said."""
        assert self.process.stderr is not None
        while (found := re.search(pattern, self.said)) is None:
            line = self.process.stderr.readline()
            assert line, f"it ended: {self.said}"
            self.said += line
        return found

    def end(self) -> tuple[int, dict[str, object]]:
        """Wait for its end; exit code and what it wrote."""
        out, said = self.process.communicate(timeout=60)
        self.said += said
        return self.process.returncode, json.loads(out) if out else {}


def command(house: SmallSite, *words: str) -> Said:
    return program("--config", str(house.config), *words)


def test_it_is_said_beforehand(house: SmallSite, tmp_path: Path) -> None:
    words = ("restore", disk(house), "--to", str(tmp_path / "out"), "--dry-run")
    with without(house, "T-002"):
        text = " ".join(command(house, *words).out.split())
        assert re.search(r"2\. volume T-002 of storage main: files [-0-9 ]+, IN NO SLOT", text)
        assert "in no slot now: T-002; load it, or the restore asks when all others are read" in text
        plain = json.loads(command(house, *words, "--json").out)
        assert [(stop["label"], stop["here"]) for stop in plain["order"]] == [
            ("T-001", True), ("T-002", False), ("T-003", True)]
    assert "IN NO SLOT" not in command(house, *words).out


def test_a_request_withdraws_itself_when_the_volume_comes(house: SmallSite, tmp_path: Path) -> None:
    to = tmp_path / "out"
    with without(house, "T-001") as (shelf, slot):
        restoring = Restoring(house, to)
        number = restoring.until(r"(\d+)  RST040A  main: load volume\s+T-001")[1]
        restoring.until("without an answer: skip at")
        assert f"taperoom reply {number} done:" in restoring.said and f"taperoom reply {number} stop:" in restoring.said
        # What needs no hands was read and is in its place.
        assert (to / "letter").read_bytes() == b"changed"
        [asked] = json.loads(command(house, "requests", "--json").out)
        assert (asked["id"], asked["code"], asked["default"]) == (int(number), "RST040", "skip")
        shown = " ".join(command(house, "requests").out.split())
        assert f"{number} RST040A main: load volume T-001, which is needed for {disk(house)} level 0 of " in shown
        shelf.rename(slot)
        restoring.until(f"request {number} is withdrawn")
        code, plain = restoring.end()
    assert code == 0 and plain["missing"] == [] and not plain["stays"]
    assert manifest(to) == manifest(house.data("alpha:/home"))
    assert live_restores(house.root / "state") == []
    refused = command(house, "requests")
    assert refused.code == 3 and refused.err.startswith("RUN020 ")


def test_an_answer_from_another_terminal(house: SmallSite, tmp_path: Path) -> None:
    to = tmp_path / "out"
    with without(house, "T-001"):
        restoring = Restoring(house, to)
        number = restoring.until(r"(\d+)  RST040A")[1]
        restoring.until("without an answer")
        for words, text in ((("1",), "request 1 is not open"), ((number, "perhaps"), "perhaps is no answer"),
                            ((number, "done"), "volume T-001 is in no slot of storage main yet")):
            refused = command(house, "reply", *words, *(() if len(words) > 1 else ("skip",)))
            assert refused.code == 2 and text in refused.err, refused
        taken = command(house, "reply", number, "skip")
        assert (taken.code, taken.out) == (0, f"request {number} is answered: skip\n")
        code, plain = restoring.end()
        assert code == 1 and len(plain["missing"]) == 12 and plain["stays"]  # type: ignore[arg-type]
        assert plain["lacking"] == [{"storage": "main", "label": "T-001"}]
        assert "the same command goes on with what is missing" in restoring.said
        [run] = sorted((house.root / "state/restores").glob("2*"))[-1:]
        [question] = view_of(type(house.run())(run)).questions.values()
        assert question.choice == "skip" and question.by
    with without(house, "T-003"):  # it has what was restored already
        code, plain = Restoring(house, to).end()
    assert code == 0 and plain["whole"] == 1 and plain["files"] == 13
    assert manifest(to) == manifest(house.data("alpha:/home"))


def test_a_directory_is_closed_until_the_dump_that_tells_who_may_enter_was_read(house: SmallSite, tmp_path: Path) -> None:
    to = tmp_path / "out"
    with without(house, "T-003"):
        restoring = Restoring(house, to)
        number = restoring.until(r"(\d+)  RST040A")[1]
        restoring.until("without an answer")
        assert command(house, "reply", number, "skip").code == 0
        code, plain = restoring.end()
    assert code == 1 and plain["stays"] and len(list((to / "d").iterdir())) == 12
    assert stat.S_IMODE((to / "d").stat().st_mode) == 0o700
    code, plain = Restoring(house, to).end()
    assert code == 0 and manifest(to) == manifest(house.data("alpha:/home"))


def test_stop_leaves_what_is_whole(house: SmallSite, tmp_path: Path) -> None:
    to = tmp_path / "out"
    with without(house, "T-002"):
        restoring = Restoring(house, to)
        # The first volume is read; the second is asked for where it is needed.
        number = restoring.until(r"(\d+)  RST040A  main: load volume\s+T-002, which is\s+needed to go\s+on with")[1]
        restoring.until("without an answer")
        assert command(house, "reply", number, "stop").code == 0
        code, plain = restoring.end()
    assert code == 1 and plain["stays"] and (to / "letter").exists()
    code, plain = Restoring(house, to).end()
    assert code == 0 and manifest(to) == manifest(house.data("alpha:/home"))


def test_one_slot_for_all_volumes(house: SmallSite, tmp_path: Path) -> None:
    """The first volume is taken out when the second is asked for: it is not asked for again."""
    to = tmp_path / "out"
    with without(house, "T-002") as (shelf, slot):
        restoring = Restoring(house, to)
        restoring.until("load volume\\s+T-002")
        restoring.until("without an answer")
        with without(house, "T-001"):
            shelf.rename(slot)
            code, plain = restoring.end()
    assert code == 0 and plain["missing"] == [], restoring.said
    assert manifest(to) == manifest(house.data("alpha:/home")) and restoring.said.count("RST040A") == 1


def test_the_deadline_loses_nothing(house: SmallSite, tmp_path: Path) -> None:
    to = tmp_path / "out"
    with without(house, "T-001"), patience(house, request_deadline="1 s"):
        restoring = Restoring(house, to)
        code, plain = restoring.end()
        assert code == 1 and "is answered: skip by deadline" in restoring.said, restoring.said
        assert (to / "letter").read_bytes() == b"changed" and plain["stays"]
    assert Restoring(house, to).end()[0] == 0 and manifest(to) == manifest(house.data("alpha:/home"))


def test_a_policy_answers(house: SmallSite, tmp_path: Path) -> None:
    with without(house, "T-001"), patience(house, requests={"RST*": {"reply": "stop", "after": "1 s"}}):
        restoring = Restoring(house, tmp_path / "out")
        assert restoring.end()[0] == 1 and "is answered: stop by policy" in restoring.said


def test_a_restore_that_is_killed_asks_nobody_any_more(house: SmallSite, tmp_path: Path) -> None:
    with without(house, "T-001"):
        restoring = Restoring(house, tmp_path / "out")
        restoring.until("without an answer")
        restoring.process.kill()
        restoring.process.communicate()
        assert command(house, "requests").code == 3
        # Two at once have numbers of their own.
        both = [Restoring(house, tmp_path / name) for name in ("one", "two")]
        numbers = {one.until(r"(\d+)  RST040A")[1] for one in both}
        for one in both:
            one.until("without an answer")
        assert len(numbers) == 2
        for number in numbers:
            assert command(house, "reply", number, "skip").code == 0
        assert [one.end()[0] for one in both] == [1, 1]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """Each dump on a volume of two storages."""
    tree = {f"d/f{number}": os.urandom(MIB) for number in range(6)}
    made = SmallSite(tmp_path_factory.mktemp("twice"), {"alpha:/home": tree}, dumptype={"storage": ["main", "second"]})
    plain = tomllib.loads(made.config.read_text())
    (made.root / "second").mkdir()
    plain["storage"]["second"] = plain["storage"]["main"] | {
        "changer": f"disk:{made.root / 'second'}", "label": "S-[0-9]{3}", "autolabel": "S-%%%"}
    made.config.write_text(tomli_w.dumps(plain))
    ran = made.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    return made


def test_another_copy_is_taken_without_asking(twice: SmallSite, tmp_path: Path) -> None:
    with without(twice, "T-001"):
        dry = command(twice, "restore", disk(twice), "--to", str(tmp_path / "o"), "--dry-run")
        assert "volume S-001 of storage second" in dry.out and "IN NO SLOT" not in dry.out
        restoring = Restoring(twice, tmp_path / "out")
        code, plain = restoring.end()
    assert code == 0 and "RST040" not in restoring.said and manifest(tmp_path / "out") == manifest(twice.data("alpha:/home"))
    [warning] = plain["warnings"]  # type: ignore[misc]
    assert str(warning).startswith("TAP018 ") and str(warning).endswith(
        "volume T-001 is in no slot of storage main; volume S-001 of storage second is read instead")


def test_a_damaged_copy_gives_way(twice: SmallSite, tmp_path: Path) -> None:
    part = sorted(slot_of(twice, "T-001").glob("0000[34].alpha*"))[0]
    whole = part.read_bytes()
    part.write_bytes(whole[:500_000] + bytes([whole[500_000] ^ 1]) + whole[500_001:])
    try:
        restoring = Restoring(twice, tmp_path / "out")
        code, plain = restoring.end()
        assert code == 0 and manifest(tmp_path / "out") == manifest(twice.data("alpha:/home"))
        [warning] = plain["warnings"]  # type: ignore[misc]
        assert str(warning).startswith("RST023 ")
        # With the other copy away: damaged here, and nobody brings that one.
        with without(twice, "S-001", "second"), patience(twice, request_deadline="1 s"):
            restoring = Restoring(twice, tmp_path / "gone")
            code, plain = restoring.end()
            assert code == 1 and re.search(r"RST040A\s+second: load volume\s+S-001", restoring.said)
            assert len(plain["missing"]) == 6 and not plain["stays"]  # type: ignore[arg-type]
    finally:
        part.write_bytes(whole)


def test_nobody_to_ask(twice: SmallSite, tmp_path: Path) -> None:
    """The same from a program: it is told at once."""
    from core.errors import WorldError
    from core.restore.recover import restore

    with (without(twice, "T-001"), without(twice, "S-001", "second"),
          pytest.raises(WorldError, match="is in no slot of storage") as caught):
        restore(twice.site, [disk(twice)], "now", tmp_path / "out")
    assert caught.value.code == "RST024" and not (tmp_path / "out").exists()
