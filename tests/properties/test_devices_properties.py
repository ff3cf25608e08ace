"""What must hold for every tapelist, every capacity and every cut."""

from __future__ import annotations

import string

from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from core.devices.contract import BLOCK, UNLIMITED, Condition, SlotView
from core.devices.label import Names, is_label, next_label
from core.devices.parts import (
    RESERVED_BLOCKS,
    SMALLEST_VOLUME,
    next_part_length,
    part_size_of,
    room_by_capacity,
    room_by_free,
)
from core.devices.scan_policy import Rules, Standing, choose, judge, refusal, retained
from core.holding.header import HEADER_SIZE
from core.model.crc_tail import crc_of_tail
from core.model.site import Retention, Storage
from core.model.volume import Volume, find_volume, format_tapelist, parse_tapelist, with_volume

WORDS = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=12)
STAMPS = st.one_of(st.just("0"), st.integers(1, 28).map(lambda day: f"202611{day:02d}010203"))
LABELS = st.integers(1, 12).map(lambda number: f"D-{number:03d}")
VOLUMES = st.builds(
    Volume, LABELS, STAMPS, st.booleans(), pool=st.sampled_from(["", "main", "main", "main", "other"]),
    storage=st.sampled_from(["", "main", "other"]), config=st.sampled_from(["", "daily", "daily", "weekly"]),
)
TAPELISTS = st.lists(VOLUMES, max_size=12, unique_by=lambda v: (v.label, v.pool)).map(tuple)
VIEWS = st.builds(SlotView, st.just("?"), st.sampled_from([*Condition, Condition.LABELLED, Condition.LABELLED]), LABELS,
                  st.one_of(STAMPS, st.just("X")), files=st.integers(0, 2))


def _numbered(views: list[SlotView]) -> list[SlotView]:
    return [
        SlotView(str(number), v.condition, *((v.label, v.datestamp) if v.condition is Condition.LABELLED else ("", "")),
                 files=v.files if v.condition is not Condition.EMPTY else 0)
        for number, v in enumerate(views, 1)
    ]


SLOTS = st.lists(VIEWS, max_size=10).map(_numbered)


@given(SLOTS, TAPELISTS, st.integers(0, 8), st.integers(0, 10), st.dictionaries(LABELS, st.just("last full of web1:/home")),
       st.booleans(), st.integers(1, 28))
def test_devices_policy_never_picks_what_is_needed(
    views: list[SlotView], volumes: tuple[Volume, ...], tapes: int, days: int, protected: dict[str, str],
    autolabel: bool, today: int,
) -> None:
    storage = Storage("main", "disk:/x", label="D-[0-9]{3}", autolabel="D-%%%" if autolabel else "",
                      retention=Retention(tapes, days, 1))
    now = 1795860000.0 + today * 86400
    stamp = f"202611{today:02d}120000"
    rules = Rules(storage, "daily", now, stamp, protected, frozenset({"3"}))
    verdicts = judge(views, volumes, rules)
    assert [v.view for v in verdicts] == views
    assert all(v.reason for v in verdicts)
    chosen = choose(verdicts, volumes, "main")
    assert (chosen is None) == (not any(v.writable for v in verdicts))
    assert refusal(verdicts)
    if chosen is None:
        return
    assert chosen.view.slot != "3"
    assert chosen.label and is_label(chosen.label)
    newest = sorted((v for v in volumes if v.pool in ("", "main") and v.used and v.reuse), key=lambda v: v.datestamp)
    assert chosen.label not in {v.label for v in newest[len(newest) - tapes:]} or tapes == 0
    assert chosen.label not in protected or chosen.standing is Standing.BLANK
    if chosen.standing is Standing.BLANK:
        assert autolabel and chosen.view.condition is Condition.EMPTY and chosen.view.files == 0
        assert chosen.label not in {v.label for v in volumes} | {v.label for v in views}
        return
    entry = find_volume(volumes, chosen.label, "main")
    assert chosen.view.condition is Condition.LABELLED
    if entry is None:  # begun by a run that died before the tapelist knew it
        assert autolabel and chosen.view.files == 0 and chosen.label not in protected
        assert not any(v.label == chosen.label for v in volumes)
        return
    assert entry.reuse or not entry.used
    assert entry.datestamp < stamp
    assert entry.config in ("", "daily") and entry.pool in ("", "main")
    assert chosen.label not in retained(volumes, rules)
    assert [v.label for v in views].count(chosen.label) == 1
    older = [v for v in verdicts if v.standing is Standing.REUSABLE]
    if chosen.standing is Standing.REUSABLE:
        stamps = [e.datestamp for v in older if (e := find_volume(volumes, v.label, "main")) is not None]
        assert entry.datestamp == min(stamps)
    else:
        assert not older


@given(TAPELISTS, VOLUMES)
def test_devices_tapelist_round_trip(volumes: tuple[Volume, ...], volume: Volume) -> None:
    text = format_tapelist(volumes)
    assert format_tapelist(parse_tapelist(text)) == text
    assert sorted(parse_tapelist(text), key=repr) == sorted(volumes, key=repr)
    after = with_volume(volumes, volume)
    assert volume in after
    assert [v.datestamp for v in after] == sorted((v.datestamp for v in after), reverse=True)


@given(st.text(max_size=200))
def test_devices_tapelist_garbage_is_a_value_error(text: str) -> None:
    try:
        volumes = parse_tapelist(text)
    except ValueError as fault:
        assert str(fault).startswith("line ")
    else:
        assert parse_tapelist(format_tapelist(volumes)) is not None


@given(st.integers(0, 3_000_000), st.integers(0, 300), st.integers(SMALLEST_VOLUME // 1024, 2000))
def test_devices_parts_join_to_the_whole_and_volumes_hold_them(total: int, part_kib: int, capacity_kib: int) -> None:
    """The taper's loop in numbers: every byte once, in order, and never more on a volume than it may hold."""
    size, capacity = part_size_of(part_kib), capacity_kib * 1024
    assert size == UNLIMITED or (size % BLOCK == 0 and size >= part_kib * 1024)
    at, used, volumes = 0, HEADER_SIZE, 1
    while at < total:
        room = room_by_capacity(used, capacity)
        if room == 0:
            used, volumes = HEADER_SIZE, volumes + 1
            continue
        length = min(next_part_length(size, room), total - at)
        assert length > 0
        used += HEADER_SIZE + length
        assert used <= capacity
        # All but the last block of a part stand outside of the early warning.
        assert length < room or used + BLOCK * RESERVED_BLOCKS > capacity
        at += length
    assert at == total
    assert volumes <= 1 + total // BLOCK


@given(st.integers(0, 10_000_000))
def test_devices_room_on_a_file_system(free: int) -> None:
    room = room_by_free(free)
    assert room % BLOCK == 0
    assert room == 0 or room + HEADER_SIZE + RESERVED_BLOCKS * BLOCK <= free
    assert room_by_capacity(free, 0) == UNLIMITED
    assert room_by_capacity(free, free + HEADER_SIZE + RESERVED_BLOCKS * BLOCK - 1) == 0


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_devices_crc_of_a_tail(head: bytes, tail: bytes) -> None:
    assert crc_of_tail(crc32c(head), crc32c(head + tail), len(tail)) == crc32c(tail)


@given(st.integers(1, 999), st.sampled_from(["D-%%%", "$o-$r-%%%", "%%%-$s", "$5s!!!", "x\\%y%%%", "$$%%%"]))
def test_devices_labels_are_new_and_count_up(count: int, template: str) -> None:
    names = Names("daily", "main", "7")
    taken: list[str] = []
    for _ in range(min(count, 30)):
        taken.append(next_label(template, names, taken))
    assert len(set(taken)) == len(taken)
    assert all(is_label(label) for label in taken)
    assert taken == sorted(taken)
