"""Restores as processes of their own: foretold, begun, followed, interrupted, and found again by whoever comes next."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.client import foresee as foreseeing
from core.client.acts import acts
from core.client.foresee import foresee
from core.client.restores import DIRECTORY, KEPT, SHOWN, Restoring, answer, begin, live_restores, look, restorings, stop, take
from core.client.standing import Standing, restore_words
from core.errors import StartError, UsageError
from core.protocol import operator as op
from tests.support.cli import ROOT
from tests.support.small_site import SmallSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    made = SmallSite(tmp_path_factory.mktemp("restoring"), {"alpha:/home": {
        "letter": b"dear reader\n", "d/one": b"1", "with blank": b"b", "big": os.urandom(2 << 20)}})
    ran = made.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    yield made


@pytest.fixture(autouse=True)
def _client(site: SmallSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("TAPEROOM_CONFIG", raising=False)


def words(site: SmallSite, to: Path | str, *marks: str, more: tuple[str, ...] = ()) -> list[str]:
    at = Standing("alpha", str(site.data("alpha:/home")), site.run().datestamp, "", marks or ("",), str(to))
    return restore_words(at, at.date, *more)


def ended(one: Restoring) -> Restoring:
    """Wait until nobody holds its lock any more."""
    with open(one.path / "lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    return look(one.path)


def test_what_it_would_do(site: SmallSite, tmp_path: Path) -> None:
    ahead = foresee(site.site, words(site, tmp_path / "to"))
    assert (ahead.files, ahead.directories, ahead.to) == (4, 2, str(tmp_path / "to"))
    assert ahead.size > 2 << 20 and ahead.seconds > 0 and not ahead.refused and ahead.taken == ()
    assert [(storage, label) for storage, label, _ in ahead.stops] == [("main", "T-001")] and ahead.stops[0][2][0] == 1
    (tmp_path / "letter").write_text("mine")
    (tmp_path / "d").write_text("no directory")
    taken = foresee(site.site, words(site, tmp_path))
    assert (taken.taken, taken.blocked, taken.refused) == ((f"{tmp_path}/letter",), (f"{tmp_path}/d",), True)
    assert not (tmp_path / "to").exists() and (tmp_path / "letter").read_text() == "mine"


def test_what_it_would_say_is_the_error(site: SmallSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"RST030 .* is not a directory") as caught:
        foresee(site.site, words(site, tmp_path / "file"))
    assert caught.value.hint.startswith("name one that is")
    with pytest.raises(UsageError, match=r"RST013 alpha:.* had no /gone on"):
        foresee(site.site, words(site, tmp_path, "gone"))
    monkeypatch.setattr(foreseeing, "PROGRAM", ("true",))
    with pytest.raises(StartError, match="RST059 the restore ended with status 0 and said nothing"):
        foresee(site.site, words(site, tmp_path))


def test_it_goes_on_without_whoever_began_it(site: SmallSite, tmp_path: Path) -> None:
    """The console is another process, and is over before the restore is."""
    said = words(site, tmp_path / "to", "letter", "with blank", "d")
    code = ("import sys; from pathlib import Path; from core.config.load import load_site;"
            "from core.client.restores import begin;"
            "print(begin(load_site(Path(sys.argv[1])), sys.argv[2:]).path)")
    done = subprocess.run([sys.executable, "-P", "-c", code, str(site.config), *said], capture_output=True, text=True,
                          check=True)
    one = ended(look(Path(done.stdout.strip())))
    assert (one.code, one.alive, one.words) == (0, False, tuple(said)), one.said
    assert one.command == f"taperoom restore {one.words[2]} '{one.words[3]}' {one.words[4]} --as-of '{one.words[6]}'" \
                          f" --to {tmp_path}/to"
    assert one.to == str(tmp_path / "to") and one.ended >= one.began > 0
    assert "3 files and 2 directories in" in "\n".join(one.said)
    assert sorted(str(p.relative_to(tmp_path / "to")) for p in (tmp_path / "to").rglob("*")) == [
        "d", "d/one", "letter", "with blank"]
    assert (one.done, one.total) != (0, 0) and "alpha:" in one.what
    assert restorings(site.root / "state")[0] == one
    assert acts(site.root / "state")[-1][1].order == one.command


def test_a_fault_is_told_with_its_code(site: SmallSite, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    one = ended(begin(site.site, words(site, tmp_path, "letter")))
    assert one.code == 2 and any("RST031" in line for line in one.said) and (tmp_path / "letter").read_text() == "mine"
    again = ended(begin(site.site, words(site, tmp_path, "letter", more=("--overwrite",))))
    assert again.code == 0 and (tmp_path / "letter").read_bytes() == b"dear reader\n"
    assert again.name > one.name


def test_it_is_interrupted_as_by_ctrl_c(site: SmallSite, tmp_path: Path) -> None:
    """The volume's file is one that nobody fills: who opens it waits there."""
    file = next((site.root / "vtapes/slot1").glob("00001.*"))
    away = site.root / "away"
    file.rename(away)
    os.mkfifo(file)
    try:
        one = begin(site.site, words(site, tmp_path / "to", "big"))
        with open(file, "wb"):  # goes on when it is opened for reading
            assert look(one.path).alive and look(one.path).code is None
            stop(one)
            one = ended(one)
        assert one.code == 130, one.said
        assert list(tmp_path.rglob("*")) == []
    finally:
        file.unlink()
        away.rename(file)
    with pytest.raises(UsageError, match=r"RST059 the restore to .* is over"):
        stop(one)


def test_what_was_killed_ended_without_a_word(site: SmallSite, tmp_path: Path) -> None:
    path = site.root / "state" / DIRECTORY / "20200101000000-1"
    path.mkdir(parents=True)
    (path / "command.json").write_text('{"words": ["taperoom", "restore", "a:/b", "--to"], "who": "ana", "began": 1}')
    (path / "lock").touch()
    (path / "end.json").write_text("{")
    (path / "progress.json").write_text("[]")
    one = look(path)
    assert (one.alive, one.code, one.to, one.who, one.said) == (False, None, "", "ana", ())
    nothing = look(path.parent / "20200101000001-1")
    assert (nothing.alive, nothing.code, nothing.words, nothing.began) == (False, None, (), 0.0)


def test_only_the_last_are_kept(site: SmallSite, tmp_path: Path) -> None:
    top = site.root / "state" / DIRECTORY
    for number in range(1, KEPT + 5):
        (top / f"20200101000100-{number}").mkdir(parents=True)
    held = top / "20200101000100-1"
    with open(held / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        one = ended(begin(site.site, words(site, tmp_path / "to", "letter")))
        names = {path.name for path in top.iterdir() if path.is_dir()}
        assert {held.name, one.name, f"20200101000100-{KEPT + 4}"} < names and len(names) == KEPT + 2
        assert one.name.endswith("-2")  # the number of one that lives is not given twice
    assert len(restorings(site.root / "state")) == SHOWN and restorings(site.root / "state")[0].name == one.name


def test_the_newest_of_one_second_is_the_first(tmp_path: Path) -> None:
    """Whatever their numbers are, and where those that are over have gone."""
    made: list[str] = []
    for living in range(2):
        locks = [take(tmp_path, ["restore"], 1_000_000_000.0)[1] for _ in range(living)]
        for _ in range(3):
            run, lock = take(tmp_path, ["restore"], 1_000_000_000.0)
            made.append(run.path.name)
            os.close(lock)
        for lock in locks:
            os.close(lock)
    order = [one.name for one in restorings(tmp_path)]
    assert [name for name in order if name in made] == made[::-1]


def test_a_state_directory_that_cannot_be_written(site: SmallSite, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StartError, match=r"RUN003 .*state/restores: Not a directory"):
        begin(replace(site.site, state_dir=tmp_path / "state"), words(site, tmp_path))


def asking(site: SmallSite) -> Restoring:
    """A restore that asks, when it does."""
    deadline = time.monotonic() + 30
    while not (found := [one for one in restorings(site.root / "state") if one.asks]):
        assert time.monotonic() < deadline, site.logs()
        time.sleep(0.02)
    return found[0]


@contextmanager
def on_the_shelf(site: SmallSite) -> Iterator[None]:
    """The only volume is in no slot."""
    slot, shelf = site.root / "vtapes/slot1", site.root / "shelf"
    slot.rename(shelf)
    try:
        yield
    finally:
        shelf.rename(slot)


def test_what_it_asks_is_in_its_own_directory_and_is_answered_there(site: SmallSite, tmp_path: Path) -> None:
    state = site.root / "state"
    with on_the_shelf(site):
        begun = begin(site.site, words(site, tmp_path / "to", "letter"))
        one = asking(site)
        [question] = one.asks
        assert one.path == begun.path and live_restores(state)[0].path == one.path
        assert (question.asked.code, question.asked.subject) == ("RST040", "main") and question.asked.id % 1000 == 1
        assert "load volume T-001" in question.asked.text
        with pytest.raises(UsageError, match="RUN021 the restore refused: perhaps is no answer to"):
            answer(state, one.name, op.Answer(question.asked.id, "perhaps", ""), "ana")
        assert answer(state, one.name, op.Answer(question.asked.id, "stop", ""), "ana") == "done"
        one = ended(one)
    assert one.code == 1 and one.asked == () and live_restores(state) == []
    with pytest.raises(StartError, match="RUN020 the restore is over"):
        answer(state, one.name, op.Answer(question.asked.id, "skip", ""), "ana")


def test_one_of_a_shell_is_listed_when_it_asks_and_interrupted_there(site: SmallSite, tmp_path: Path) -> None:
    before = len(restorings(site.root / "state"))
    with on_the_shelf(site):
        said = words(site, tmp_path / "to", "letter")
        process = subprocess.Popen([*foreseeing.PROGRAM, *said[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=foreseeing.environment(site.site))
        one = asking(site)
        assert (one.words[-1], one.to, one.code) == (str(tmp_path / "to"), str(tmp_path / "to"), None)
        with pytest.raises(UsageError, match=r"RST059 the restore to .* was begun in a shell"):
            stop(one)
        answer(site.root / "state", one.name, op.Answer(one.asks[0].asked.id, "skip", ""), "ana")
        assert process.wait(30) == 1
    one = look(one.path)
    assert (one.alive, one.code) == (False, 1) and one.ended >= one.began
    assert len(restorings(site.root / "state")) == min(SHOWN, before + 1)
