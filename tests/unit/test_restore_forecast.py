"""What a restore says beforehand: parts, volumes in order, bytes and time."""

from __future__ import annotations

from core.catalogue.queries import Copy, Dump, Part
from core.cli.forecast import runs
from core.model.dump import NO_CRC, Crc
from core.restore.forecast import ASSUMED, ENOUGH, RECENT, Need, Stop, forecast, rate_of, step_of

MIB = 1 << 20


def dump(level: int = 0) -> Dump:
    return Dump("web1", "/home", f"2026010{level + 1}030000", level, "good", "20260101030000", 0, 0, 0, 3072, 3072, NO_CRC,
                NO_CRC, NO_CRC, "")


def copy(*parts: tuple[str, int], crc: bool = True, size: int = 1000) -> Copy:
    made = tuple(Part(label, number, 1, Crc(1, size) if crc else NO_CRC) for label, number in parts)
    return Copy("main", "20260101030000", made, 1, NO_CRC)


THREE = (("T-1", 4), ("T-1", 5), ("T-2", 1))


def test_only_parts_with_needed_bytes_are_read() -> None:
    for spans, files in (
        (((0, 1),), [Stop("main", "T-1", (4,))]),
        (((999, 1001),), [Stop("main", "T-1", (4, 5))]),
        (((1000, 2000),), [Stop("main", "T-1", (5,))]),
        (((10, 20), (2500, 2600)), [Stop("main", "T-1", (4,)), Stop("main", "T-2", (1,))]),
    ):
        step = step_of(Need(dump(), 7, spans, copy=copy(*THREE)))
        assert list(step.stops) == files and not step.whole and step.of == 3
        assert step.parts == sum(len(stop.files) for stop in files)


def test_all_parts_where_nothing_tells_which() -> None:
    both = (Stop("main", "T-1", (4, 5)), Stop("main", "T-2", (1,)))
    whole = step_of(Need(dump(), 3000, None, copy=copy(*THREE)))
    assert whole.stops == both and whole.whole and (whole.parts, whole.of) == (3, 3)
    assert step_of(Need(dump(), 7, ((0, 1),), copy=copy(*THREE, crc=False))).stops == both


def test_a_holding_file_and_a_dump_that_is_nowhere() -> None:
    held = step_of(Need(dump(), 7, None, file="/hold/x", copy=copy(*THREE)))
    assert held.stops == (Stop("", "/hold/x"),) and (held.parts, held.of) == (0, 0)
    assert step_of(Need(dump(), 7)).stops == ()


def test_a_volume_is_named_once_while_it_is_in_the_drive() -> None:
    needs = [Need(dump(0), 100, copy=copy(("T-1", 4), ("T-2", 1))), Need(dump(1), 20, copy=copy(("T-2", 2))),
             Need(dump(2), 3, copy=copy(("T-1", 9)))]
    ahead = forecast(needs, [])
    assert ahead.stops == (Stop("main", "T-1", (4,)), Stop("main", "T-2", (1, 2)), Stop("main", "T-1", (9,)))
    assert ahead.volumes == 2 and ahead.size == 123 and [step.dump.level for step in ahead.steps] == [0, 1, 2]
    assert forecast([], []).stops == () and forecast([], []).seconds == 0


def test_time_comes_from_what_was_measured_or_is_assumed() -> None:
    assert rate_of([]) == (ASSUMED, 0)
    assert rate_of([(ENOUGH - 1, 1.0), (5 * MIB, 0.0)]) == (ASSUMED, 0)
    assert rate_of([(10 * MIB, 1.0), (30 * MIB, 3.0), (100, 50.0)]) == (10 * MIB, 2)
    old = [(100 * MIB, 1.0)] * 5
    assert rate_of(old + [(2 * MIB, 1.0)] * RECENT) == (2 * MIB, RECENT)
    assert forecast([Need(dump(), 40 * MIB)], [(20 * MIB, 2.0)]).seconds == 4.0


def test_numbers_of_files_are_short() -> None:
    assert (runs([]), runs([3]), runs([3, 4, 5, 9, 8, 10, 11])) == ("", "3", "3-5 9 8 10-11")
