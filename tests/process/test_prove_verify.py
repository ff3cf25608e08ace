"""``taperoom verify`` on a real small site: all is good, one byte is changed, a volume is away, a schedule says what is due."""

from __future__ import annotations

import json
import os
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from core.catalogue.checked import NAME, read_checks
from core.holding.header import HEADER_SIZE
from core.index.reader import open_index
from core.prove import verify as proving
from core.prove.verify import Choice, Outcome, Wish, choose, verify
from tests.support.cli import call
from tests.support.flips import cases, flipped
from tests.support.indexes import lines_of, store_index
from tests.support.small_site import SmallSite

TREES = {
    "a:/one": {"aa small": b"first\n", "big": random.Random(1).randbytes(2_500_000), "sub/small": b"one\n"},
    "b:/two": {"other": random.Random(2).randbytes(150_000)},
}


@pytest.fixture(scope="module", params=["none", "client fast", "server fast"])
def taped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A night that went to volumes; the dump of A has three parts."""
    site = SmallSite(tmp_path_factory.mktemp("taped"), TREES, dumptype={"compress": request.param})
    assert site.amdump().returncode == 0, site.logs()
    return site


@pytest.fixture(scope="module")
def spooled(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A night that stayed on the holding disk, in several chunks."""
    root = tmp_path_factory.mktemp("spooled") / "site"
    holding = [{"path": str(root / "hold"), "use": "256 MiB", "chunksize": "512 KiB"}]
    site = SmallSite(root, TREES, storage={"changer": ""}, holding=holding)
    assert site.amdump().returncode in (0, 1), site.logs()
    return site


@pytest.fixture(autouse=True)
def nothing_was_checked(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for name in ("taped", "spooled"):
        if name in request.fixturenames:
            (request.getfixturevalue(name).root / "state" / NAME).unlink(missing_ok=True)


def again(site: SmallSite, wish: Wish = Wish(), now: float = 2e9) -> Outcome:  # noqa: B008 (frozen)
    return verify(site.site, choose(site.site, wish, now), "ana", lambda at: None, lambda result: None, lambda: now)


def faults(outcome: Outcome) -> list[str]:
    return [fault for result in outcome.results for fault in result.finding.faults]


def parts(site: SmallSite, host: str) -> list[Path]:
    return sorted(path for path in (site.root / "vtapes").glob("slot*/0*") if f".{host}." in path.name)


def stamps(site: SmallSite) -> dict[str, tuple[int, int]]:
    return {str(path): (os.stat(path).st_mtime_ns, os.stat(path).st_size) for path in (site.root / "vtapes").rglob("*")}


def test_all_is_good_and_nothing_is_written_to_a_volume(taped: SmallSite) -> None:
    before, seen = stamps(taped), list[int]()
    choice = choose(taped.site, Wish(), 1e9)
    outcome = verify(taped.site, choice, "ana", lambda at: seen.append(at.done), lambda result: None, lambda: 1e9)
    assert outcome.good and len(outcome.results) == 2 and not outcome.warnings
    for result in outcome.results:
        assert result.finding.compared == ["stored", "archive", "names"] and not result.finding.warnings
        assert result.finding.size == sum(part.crc.size for part in result.target.parts)
    assert seen == sorted(seen) and seen[-1] <= sum(target.size * 1024 for target in choice.chosen)
    assert stamps(taped) == before
    checked = read_checks(taped.site.state_dir)
    assert {(last.at, last.outcome) for last in checked.whole.values()} == {(1e9, "good")} and len(checked.whole) == 2


def test_a_byte_of_data_names_volume_and_file_and_the_rest_is_read_all_the_same(taped: SmallSite) -> None:
    files = parts(taped, "a")
    assert len(files) >= 2
    for number, path in enumerate(files):
        size = path.stat().st_size
        where = f"volume T-001 file {int(path.name[:5])}"
        for at, pattern in cases([HEADER_SIZE, (HEADER_SIZE + size) // 2, size - 1], number):
            with flipped(path, at, pattern):
                outcome = again(taped)
            assert not outcome.good
            [bad] = [result for result in outcome.results if result.finding.outcome != "good"]
            assert bad.target.dump.host == "a" and bad.finding.outcome == "damaged"
            crcs = [fault for fault in bad.finding.faults if fault.startswith("VFY001") and "its data has CRC" in fault]
            assert [fault.startswith(f"VFY001 {where}: ") for fault in crcs] == [True], bad.finding.faults
            assert bad.finding.size == sum(part.crc.size for part in bad.target.parts), "every part was read"
    assert again(taped).good


def test_damage_in_an_archive_that_is_stored_as_it_is_names_the_files(taped: SmallSite) -> None:
    if taped.site.disks[0].dumptype.compress != "none":
        pytest.skip("a compressed archive cannot be unpacked behind its damage")
    with flipped(parts(taped, "a")[1], HEADER_SIZE + 500_000):
        told = faults(again(taped))
    assert [fault for fault in told if fault.startswith("VFY003") and "the MiB at byte 1048576 of the archive" in fault
            and "/big" in fault and "small" not in fault], told


def test_a_header_on_a_volume(taped: SmallSite) -> None:
    path = parts(taped, "b")[0]
    with flipped(path, 40):
        outcome = again(taped)
        assert outcome.good
        [warned] = [result for result in outcome.results if result.finding.warnings]
        assert warned.finding.warnings[0].startswith(f"RST027 volume T-001 file {int(path.name[:5])}: byte 40 of its header")
    with flipped(path, 10), flipped(path, 500):
        told = faults(again(taped))
        assert len(told) == 1 and told[0].startswith(f"VFY001 volume T-001 file {int(path.name[:5])}: "), told


def test_a_part_that_is_gone_and_one_that_is_cut_short(taped: SmallSite) -> None:
    path = parts(taped, "a")[0]
    data = path.read_bytes()
    path.rename(path.with_name("away"))
    try:
        told = faults(again(taped))
        assert len(told) == 1 and told[0].startswith("VFY001 volume T-001 file ") and "has no file" in told[0], told
    finally:
        path.with_name("away").rename(path)
    path.write_bytes(data[:-100])
    try:
        assert [fault for fault in faults(again(taped)) if fault.startswith("VFY001") and "its data has CRC" in fault]
    finally:
        path.write_bytes(data)
    assert again(taped).good


def index_of(site: SmallSite, host: str) -> Path:
    [found] = (site.root / "state/index" / host).rglob("*.tix")
    return found


def test_an_index_with_other_names_than_the_archive(taped: SmallSite) -> None:
    index = index_of(taped, "a")
    data = index.read_bytes()
    with open_index(index) as opened:
        lines = lines_of(opened)
    try:
        store_index(index, [b"/sub/other" if line == b"/sub/small" else line for line in lines])
        assert faults(again(taped)) == [
            "VFY002 1 in the index and not in the archive: /sub/other; 1 in the archive and not in the index: /sub/small"]
        store_index(index, [line for line in lines if line != b"/sub/small"])
        assert faults(again(taped)) == ["VFY002 1 in the archive and not in the index: /sub/small"]
        index.write_bytes(data[:len(data) // 2])
        [told] = faults(again(taped))
        assert told.startswith(f"VFY002 its index cannot be read: {index}: ")
        index.unlink()
        outcome = again(taped)
        assert outcome.good
        [warning] = [text for result in outcome.results for text in result.finding.warnings]
        assert warning.startswith("RST018 a:") and "has no index to compare with" in warning
    finally:
        index.write_bytes(data)


def test_an_archive_that_was_stored_well_and_is_not_what_was_dumped(taped: SmallSite) -> None:
    """The checksums of the dump's own day are those of another archive: as if memory had changed a byte before storing."""
    sums = index_of(taped, "a").with_suffix(".crcs")
    other = index_of(taped, "b").with_suffix(".crcs")
    data = sums.read_bytes()
    try:
        sums.write_bytes(other.read_bytes())
        [told] = faults(again(taped))
        assert told.startswith("VFY003 ") and told.partition("; ")[0].endswith("is not what was dumped") and "/big" in told
        sums.write_bytes(data[:-1])
        outcome = again(taped)
        assert outcome.good and [text for r in outcome.results for text in r.finding.warnings if text.startswith("VFY006")]
        assert all("archive" in result.finding.compared for result in outcome.results), "the CRC of the whole does instead"
    finally:
        sums.write_bytes(data)


def test_holding_files(spooled: SmallSite) -> None:
    outcome = again(spooled)
    assert outcome.good and [result.target.copy for result in outcome.results] == [None, None]
    assert all(result.finding.compared == ["stored", "archive", "names"] for result in outcome.results)
    chunks = sorted(path for path in (spooled.root / "hold").glob("*/*") if path.name.startswith("a."))
    assert len(chunks) > 3
    for path in (chunks[0], chunks[-1]):
        with flipped(path, path.stat().st_size - 1):
            told = faults(again(spooled))
        assert [f for f in told if f.startswith(f"VFY001 holding file {chunks[0]}: the whole has CRC")], told


def test_what_was_flushed_meanwhile_is_no_fault(spooled: SmallSite, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = choose(spooled.site, Wish(), 1e9)
    first = choice.chosen[0]
    gone = Path(first.dump.file)
    gone.rename(gone.with_name("elsewhere"))
    try:
        monkeypatch.setattr(proving, "_still_there", lambda site, target: target.dump.key != first.dump.key)
        outcome = verify(spooled.site, choice, "ana", lambda at: None, lambda result: None, lambda: 1e9)
        assert outcome.gone == [first] and outcome.good and len(outcome.results) == 1
        monkeypatch.undo()
        outcome = again(spooled)
        assert not outcome.good and not outcome.gone
    finally:
        gone.with_name("elsewhere").rename(gone)


def test_a_volume_that_is_in_no_slot_is_told_and_one_that_was_written_anew_is_not_believed(taped: SmallSite) -> None:
    [slot] = {path.parent for path in parts(taped, "a")}
    away = taped.root / "away"
    slot.rename(away)
    try:
        outcome = again(taped)
        assert not outcome.good and not outcome.results and len(outcome.choice.elsewhere) == 2
    finally:
        away.rename(slot)
    with pytest.raises(Exception, match="TAP018 no dump that the catalogue knows is on a volume T-009"):
        choose(taped.site, Wish(volume="T-009"), 1e9)
    with pytest.raises(Exception, match="CFG007 'x:/y' names no disk"):
        choose(taped.site, Wish(disks=("x:/y",)), 1e9)


def scheduled(site: SmallSite, every: str) -> None:
    config = tomllib.loads(site.config.read_text())
    config.pop("verify", None)
    site.config.write_text(tomli_w.dumps(config | ({"verify": {"every": every}} if every else {})))


def due_at(site: SmallSite, now: float, wish: Wish = Wish()) -> Choice:  # noqa: B008 (frozen)
    return choose(site.site, wish, now)


def test_a_schedule_reads_what_is_due_and_nothing_else(spooled: SmallSite) -> None:
    day, now = 86400.0, 2e9
    scheduled(spooled, "30 days")
    try:
        assert len(due_at(spooled, now).chosen) == 2, "never read"
        again(spooled, Wish(disks=("a",)), now)
        assert [target.dump.host for target in due_at(spooled, now + day).chosen] == ["b"]
        again(spooled, Wish(), now + day)
        choice = due_at(spooled, now + 2 * day)
        assert choice.chosen == [] and choice.next_due == pytest.approx(now + 30 * day)
        assert len(due_at(spooled, now + 2 * day, Wish(everything=True)).chosen) == 2
        assert [target.dump.host for target in due_at(spooled, now + 30 * day).chosen] == ["a"]
        later = due_at(spooled, now + 31 * day, Wish(share=0.01))
        assert [t.dump.host for t in later.chosen] == ["a"] and [t.dump.host for t in later.left] == ["b"]
    finally:
        scheduled(spooled, "")


def test_the_command(taped: SmallSite, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(taped.config)
    said = call(capsys, "verify", "--config", config)
    assert said.code == 0 and said.out.count("good     ") == 2 and "2 copies read" in said.out and "all good" in said.out
    assert "compared: stored," in said.out and said.err == ""
    listed = call(capsys, "verify", "--list", "--json", "--config", config)
    assert [(one["outcome"], one["due"]) for one in json.loads(listed.out)] == [("good", False)] * 2
    path = parts(taped, "b")[0]
    with flipped(path, path.stat().st_size - 1):
        said = call(capsys, "verify", "b", "--json", "--config", config)
        found = json.loads(said.out)
        assert said.code == 1 and not found["good"] and len(found["verified"]) == 1
        assert found["verified"][0]["faults"][0].startswith("VFY001 volume T-001 file ")
        said = call(capsys, "verify", "--volume", "T-001", "--config", config)
        assert said.code == 1 and "DAMAGED  b:" in said.out and "1 NOT good" in said.out
    said = call(capsys, "verify", "--list", "--config", config)
    assert said.code == 0 and "DAMAGED" in said.out
    said = call(capsys, "report", "--config", config)
    assert "PROOF - " in said.out and "DAMAGED b:" in said.out and "on volume T-001" in said.out.replace("\n    ", " ")
    said = call(capsys, "tape", "list", "--config", config)
    assert said.code == 0 and "read again" in said.out and [x for x in said.out.splitlines() if "T-001" in x and "DAMAGED" in x]
    rows = json.loads(call(capsys, "tape", "list", "--json", "--config", config).out)
    assert [(row["damaged"], row["verified"] > 0) for row in rows if row["label"] == "T-001"] == [(1, True)]
    said = call(capsys, "verify", "--sample", "1%", "--config", config)
    assert said.code == 0 and "1 copy read" in said.out and "still to be read another time: 1 copy" in said.out
    assert call(capsys, "verify", "--sample", "half", "--config", config).code == 2
    assert call(capsys, "verify", "nobody", "--config", config).code == 2


def test_a_dump_that_goes_over_two_volumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = SmallSite(tmp_path / "site", TREES, storage={"capacity": "2 MiB", "part_size": "512 KiB"})
    assert site.amdump().returncode == 0, site.logs()
    choice = choose(site.site, Wish(volume="T-002"), 1e9)
    [target] = [target for target in choice.chosen if target.dump.host == "a"]
    assert not target.whole and {part.label for part in target.parts} == {"T-002"} and target.copy is not None
    outcome = again(site, Wish(volume="T-002"), 1e9)
    [result] = [result for result in outcome.results if result.target.dump.host == "a"]
    assert outcome.good and result.finding.compared == ["stored"], "half an archive is no archive"
    assert read_checks(site.site.state_dir).of(target.dump, target.copy) is None, "the other volume was not read"
    last = next(part for part in parts(site, "a") if "slot1" not in str(part))
    with flipped(last, last.stat().st_size - 1):
        [told] = faults(again(site, Wish(volume="T-002"), 1e9))
        assert told.startswith(f"VFY001 volume T-002 file {int(last.name[:5])}: its data has CRC")
        assert again(site, Wish(volume="T-001"), 1e9).good
    again(site, Wish(volume="T-002"), 2e9)
    found = read_checks(site.site.state_dir).of(target.dump, target.copy)
    assert found is not None and (found.at, found.outcome) == (1e9, "good"), "as old as the part that was read first"
    slot, away = last.parent, site.root / "away"
    slot.rename(away)
    said = call(capsys, "verify", "a", "--config", str(site.config))
    assert said.code == 1 and "VFY004 not read, since volumes are in no slot: 1 copy, " in said.out and "T-002" in said.out
    said = call(capsys, "verify", "--volume", "T-001", "--config", str(site.config))
    assert said.code == 0, "what is on the other one can be read all the same"
