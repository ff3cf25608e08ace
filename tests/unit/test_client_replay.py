"""A recorded night as a timeline, and as a file."""

from __future__ import annotations

import itertools
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.client import bundle as bundles
from core.client.bundle import NAMES, TOP, cache_dir, export_run, open_bundle
from core.client.replay import FAILED, NO_ROOM, REQUEST, TRY_AGAIN, Replay
from core.client.runs import Run, view_of
from core.errors import TaperoomError, UsageError, WorldError
from core.events import event as e
from core.events.codec import encode
from core.events.event import Record
from core.events.view import DiskState, RunView
from tests.support import recorded_run as recorded

AT = recorded.BEGAN


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded.make_run(tmp_path_factory.mktemp("night"), "ended")


def folded(replay: Replay, at: float) -> RunView:
    view = RunView()
    view.apply_all(itertools.takewhile(lambda record: record.at <= at, replay.records))
    return view


def test_the_beginning_and_the_end(night: Run) -> None:
    replay = Replay(night)
    assert (replay.began, replay.ended, replay.part, replay.over) == (AT, AT + 14998, 0.0, False)
    assert replay.view.began is not None and replay.view.ended is None
    moved = replay.seek(AT + 1e9)
    assert (replay.over, replay.part, replay.now, moved.reset) == (True, 1.0, AT + 14998, False)
    assert replay.view == view_of(night)
    assert len(moved.lines) + 1 >= len(night.traffic.read_text().splitlines()) - 5


def test_going_back_gives_what_stood_then(night: Run) -> None:
    replay = Replay(night)
    replay.seek(AT + 14998)
    moved = replay.seek(AT + 8180)
    assert moved.reset and moved.records == ()
    assert replay.view == folded(replay, AT + 8180)
    assert replay.view.disks["mail", "/srv"].state is DiskState.STALLED
    assert [q.asked.id for q in replay.view.open_questions] == [7, 8]
    assert moved.lines[-1].split(" ", 1)[0] <= f"{AT + 8180:.6f}"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-100, 16000), min_size=1, max_size=6))
def test_any_way_leads_to_the_same_moment(night: Run, ways: list[float]) -> None:
    replay = Replay(night)
    shown: list[str] = []
    for way in ways:
        moved = replay.seek(AT + way)
        shown = list(moved.lines) if moved.reset or not shown else shown + list(moved.lines)
    straight = Replay(night)
    straight.seek(AT + ways[-1])
    assert replay.view == straight.view and replay.gauges == straight.gauges
    assert replay.at(replay.now)[2] == straight.at(straight.now)[2]


def test_checkpoints_do_not_change_anything(night: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.client.replay._STRIDE", 10)
    replay = Replay(night)
    for at in (14998, 8180, 70, 9000, 0, 14998, 3600):
        replay.seek(AT + at)
        assert replay.view == folded(replay, AT + at)


def test_gauges_are_made_of_progress_lines(night: Run) -> None:
    replay = Replay(night)
    view, gauges, lines = replay.at(AT + 8180)
    written, before = gauges.progress["02-00031"]
    assert abs(before - 2 * written) <= 1 and written > 0
    assert set(gauges.progress) == {"02-00031"}, "no other handle said how far it was"
    free, _, taken = gauges.holding["/hold1"]
    assert taken >= written and free + taken == view.holding["/hold1"].use
    assert "PROGRESS 02-00031" in "".join(lines)
    replay.seek(AT + 12301)
    assert gauges.at == AT + 8180 and replay.gauges.progress == {}


def test_time_goes_by_at_a_speed(night: Run) -> None:
    replay = Replay(night)
    replay.speed = 5000
    assert replay.speed == 1000
    replay.speed = 0
    assert replay.speed == 1
    replay.speed = 100
    assert [record.at <= AT + 100 for record in replay.advance(1.0).records].count(False) == 0
    assert replay.now == AT + 100
    replay.paused = True
    assert replay.advance(1.0).records == () and replay.now == AT + 100
    replay.paused = False
    replay.advance(1e9)
    assert replay.over and replay.advance(1).records == ()


def test_steps(night: Run) -> None:
    replay = Replay(night)
    assert [len(replay.step().records) for _ in range(2)] == [2, 5]
    assert replay.now == AT + 0.2
    replay.step(-1)
    assert replay.now == AT + 0.1
    replay.step(-1)
    replay.step(-1)
    assert replay.now == AT
    replay.seek(AT + 99999)
    assert not replay.step().records


def test_marks(night: Run) -> None:
    replay = Replay(night)
    found = [(round(mark.at - AT), mark.kind, mark.title) for mark in replay.marks]
    assert found == [
        (62, FAILED, "build7:/work"), (7960, TRY_AGAIN, "git:/home"), (8081, NO_ROOM, "mail:/srv"),
        (8081, REQUEST, "mail:/srv"), (8150, REQUEST, "main"), (12300, FAILED, "mail:/srv")]
    replay.seek(AT + 8000)
    ahead, behind, request = replay.next(), replay.previous(), replay.next(REQUEST)
    assert ahead and behind and request
    assert (ahead.kind, behind.kind, request.title) == (NO_ROOM, TRY_AGAIN, "mail:/srv")
    assert replay.next("nothing") is None
    replay.seek(replay.began)
    assert replay.previous() is None


def test_odd_traffic_and_a_clock_that_was_set_back(tmp_path: Path) -> None:
    run = Run(tmp_path / "20260101000000")
    run.path.mkdir()
    events: list[e.Event] = [e.RunBegan("20260101000000", "o", "c", "b", 1, 1, 1, 1), e.Paused("ana"), e.Resumed("ana")]
    times = [100.0, 300.0, 200.0]
    run.journal.write_bytes(b"".join(encode(Record(n, at, x)) for n, (at, x) in enumerate(zip(times, events, strict=True), 1)))
    run.traffic.write_bytes(b"free text\n150.0 a > b PROGRESS x 1\nnan z\n160.0 a > b PROGRESS h not-a-number\n"
                            b"170.0 a > b say PROGRESS h 3\n\xff\xfe odd\n500.0 a > b LAST\ntorn")
    replay = Replay(run)
    assert (replay.began, replay.ended) == (100.0, 500.0)
    assert len(replay.seek(170).lines) == 6 - 1
    replay.seek(299)
    assert replay.view.paused == ""
    replay.seek(300)
    assert replay.view.seq == 3
    assert Replay(run, kept=2).seek(500).skipped == 4


def test_a_run_without_facts(tmp_path: Path) -> None:
    run = Run(tmp_path / "20260101000000")
    for act in (lambda: Replay(run), lambda: export_run(run, tmp_path)):
        with pytest.raises(UsageError) as caught:
            act()
        assert caught.value.code == "RUN025"


# A run as one file.

def test_there_and_back(night: Run, tmp_path: Path) -> None:
    night.path.joinpath("secret.txt").write_text("not in it")
    file = export_run(night, tmp_path)
    assert file == tmp_path / f"taperoom-{recorded.STAMP}.zip" and not list(tmp_path.glob(".*"))
    again = open_bundle(file, tmp_path / "cache")
    assert again.datestamp == night.datestamp and not again.live()
    assert sorted(os.listdir(again.path)) == ["journal.jsonl", "report.txt", "traffic.log"]
    assert again.journal.read_bytes() == night.journal.read_bytes()
    assert again.traffic.read_bytes() == night.traffic.read_bytes()
    assert (again.path / "report.txt").read_text().startswith("TAPEROOM DailySet1")
    assert Replay(again).marks == Replay(night).marks
    inode = again.journal.stat().st_ino
    assert open_bundle(file, tmp_path / "cache").journal.stat().st_ino == inode


def test_a_named_file_and_what_is_there_already(night: Run, tmp_path: Path) -> None:
    target = tmp_path / "n.zip"
    target.write_text("old")
    assert export_run(night, target) == target and zipfile.is_zipfile(target)
    with pytest.raises(WorldError) as caught:
        export_run(night, tmp_path / "no" / "such" / "n.zip")
    assert (caught.value.code, str(tmp_path / "no" / "such" / "n.zip") in caught.value.message) == ("RUN027", True)


def test_only_the_newest_opened_runs_stay(night: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(8):
        run = Run(tmp_path / "runs" / f"2026010100000{number}")
        run.path.mkdir(parents=True)
        run.journal.write_bytes(encode(Record(1, 1.0 + number, e.RunBegan("x", "o", "c", "b", 1, 1, 1, 1))))
        opened = open_bundle(export_run(run, tmp_path))
    assert opened.journal.exists() and opened.path.is_relative_to(cache_dir())
    assert len(list(cache_dir().iterdir())) == 5


GOOD = encode(Record(1, 1.0, e.RunBegan("20260101000000", "o", "c", "b", 1, 1, 1, 1)))
JOURNAL = f"{TOP}/20260101000000/journal.jsonl"


def archive(file: Path, members: dict[str, bytes], mode: int = 0o644) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            out.writestr(member, data)
    return file


@pytest.mark.parametrize(("make", "why"), [
    (lambda f: f.write_bytes(b"nothing"), "File is not a zip file"),
    (lambda f: f.write_bytes(b""), "File is not a zip file"),
    (lambda f: archive(f, {"../evil": b"x"}), "'../evil' does not belong there"),
    (lambda f: archive(f, {JOURNAL: GOOD, f"{TOP}/20260101000000/lock": b""}), "lock' does not belong there"),
    (lambda f: archive(f, {f"{TOP}/../../x/journal.jsonl": GOOD}), "does not belong there"),
    (lambda f: archive(f, {f"/{JOURNAL}": GOOD}), "does not belong there"),
    (lambda f: archive(f, {f"{TOP}/２０２６０１０１/journal.jsonl": GOOD}), "does not belong there"),
    (lambda f: archive(f, {JOURNAL: b"/etc/passwd"}, 0o120777), "does not belong there"),
    (lambda f: archive(f, {f"{TOP}/20260101000000/traffic.log": b""}), "it has no journal"),
    (lambda f: archive(f, {JOURNAL: GOOD, f"{TOP}/20260102000000/traffic.log": b""}), "it has more than one run"),
    (lambda f: archive(f, {}), "it has no journal"),
    (lambda f: archive(f, {JOURNAL: b"\0" * 100}), "its journal does not begin as one"),
    (lambda f: archive(f, {JOURNAL: encode(Record(1, 1.0, e.Paused("x")))}), "its journal does not begin as one"),
    (lambda f: archive(f, {JOURNAL: GOOD, f"{TOP}/20260101000000/traffic.log": b"\0" * 5000}), "traffic.log is too long"),
])
def test_hostile_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object], why: str) -> None:
    monkeypatch.setattr(bundles, "LARGEST", 4000)
    file = tmp_path / "x.zip"
    make(file)
    with pytest.raises(UsageError) as caught:
        open_bundle(file, tmp_path / "cache")
    assert caught.value.code == "RUN026" and why in caught.value.message
    assert not list((tmp_path / "cache").iterdir()) and {p.name for p in tmp_path.iterdir()} == {"x.zip", "cache"}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_refused_or_harmless(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("damaged")
    file = archive(directory / "x.zip", {JOURNAL: GOOD * 3, f"{TOP}/20260101000000/traffic.log": bytes(range(256)) * 4})
    raw = bytearray(file.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[place] = data.draw(st.integers(0, 255))
    file.write_bytes(raw[:data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        run = open_bundle(file, directory / "cache")
    except TaperoomError as fault:
        assert fault.code == "RUN026"
    else:
        assert set(os.listdir(run.path)) <= set(NAMES)
    assert {path.name for path in directory.iterdir()} == {"x.zip", "cache"}


def test_files_that_cannot_be_read_or_kept(night: Run, tmp_path: Path) -> None:
    for name, what in (("none.zip", "No such file"), ("", "Is a directory")):
        with pytest.raises(UsageError) as caught:
            open_bundle(tmp_path / name, tmp_path / "cache")
        assert caught.value.code == "RUN026" and what in caught.value.message
    file = export_run(night, tmp_path)
    (tmp_path / "taken").write_text("")
    with pytest.raises(WorldError) as fault:
        open_bundle(file, tmp_path / "taken")
    assert fault.value.code == "RUN027"


def test_a_traffic_log_that_is_too_long_is_not_exported_in_part(
    night: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "LARGEST", 100)
    with pytest.raises(WorldError, match="RUN027"):
        export_run(night, tmp_path)
    assert list(tmp_path.iterdir()) == []
