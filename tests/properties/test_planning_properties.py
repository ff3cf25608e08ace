"""What holds for every night: any history, any sizes, any volumes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.model.disk import Compression, Strategy
from core.model.history import DiskHistory
from core.model.site import Site
from core.planning.balance import TOLERANCE
from core.planning.plan import Plan, plan, stand_all
from core.planning.sizing import Answer
from core.protocol.planner import decode, encode
from tests.support.planning import NOW, make_disk, make_site, past, stat

Key = tuple[str, str]

kinds = st.fixed_dictionaries({}, optional={
    "strategy": st.sampled_from(Strategy), "skip_full": st.booleans(), "skip_incr": st.booleans(),
    "priority": st.integers(0, 3), "dumpcycle": st.integers(0, 15), "maxpromoteday": st.integers(0, 10),
    "compress": st.sampled_from(Compression), "allow_split": st.booleans(),
    "estimate": st.sampled_from([("client", "server"), ("server",), ("calcsize",), ("server", "client")]),
})


@st.composite
def histories(draw: st.DrawFn) -> DiskHistory:
    """Dumps of some nights, each at a level that has its base; perhaps damaged, perhaps with an order."""
    top = -1
    dumps = []
    ages = sorted(draw(st.sets(st.integers(0, 40), max_size=12)), reverse=True)
    for age in ages:
        level = draw(st.integers(0, max(0, min(top + 1, 9))))
        top = level
        size = draw(st.integers(0, 20_000))
        dumps.append(stat(level, size, age, draw(st.integers(0, 25_000)), float(draw(st.integers(0, 99)))))
    found = past(*dumps, forced=draw(st.sampled_from(["", "", "", "full", "bump", "no-bump", "level-1"])))
    if found.levels and draw(st.integers(0, 5)) == 0:
        lost = draw(st.sampled_from(sorted(found.levels)))
        kept = {level: known for level, known in found.levels.items() if level != lost}
        return DiskHistory(kept, found.recent, found.last_level, found.consecutive, found.forced)
    return found


answers = st.builds(
    Answer, st.dictionaries(st.integers(0, 9), st.integers(0, 30_000), max_size=4),
    st.sampled_from(["", "no such disk"]), st.booleans(), st.sampled_from(["", "ff03"]),
)


@st.composite
def nights(draw: st.DrawFn) -> tuple[Site, dict[Key, DiskHistory], dict[Key, Answer]]:
    """A site with up to 12 disks, their histories and what the clients said."""
    disks = [make_disk(f"/d{n}", f"h{n % 3}", **draw(kinds)) for n in range(draw(st.integers(0, 12)))]
    site = make_site(
        disks, capacity=draw(st.sampled_from([0, 500, 20_000, 60_000])), runtapes=draw(st.integers(1, 3)),
        part_size=draw(st.sampled_from([0, 100])), runspercycle=draw(st.integers(0, 7)))
    return site, {d.key: draw(histories()) for d in disks}, {d.key: draw(answers) for d in disks if draw(st.booleans())}


def make(night: tuple[Site, dict[Key, DiskHistory], dict[Key, Answer]]) -> Plan:
    site, history, said = night
    return plan(site, stand_all(site.disks, history, NOW), said)


@settings(max_examples=120, deadline=None)
@given(nights())
def test_each_disk_has_one_verdict(night: tuple[Site, dict[Key, DiskHistory], dict[Key, Answer]]) -> None:
    """Dumped once or skipped once, always with a reason; what nobody wanted to skip is marked FAIL."""
    found = make(night)
    verdicts = [(d.host, d.disk) for d in found.dumps] + [(s.host, s.disk) for s in found.skips]
    assert sorted(verdicts) == sorted(disk.key for disk in night[0].disks)
    assert all(line.why for line in found.dumps)
    assert all(skip.message for skip in found.skips)
    assert all(skip.message.startswith("PLN") and bool(skip.fail) != skip.message.startswith("PLN011") for skip in found.skips)


@settings(max_examples=120, deadline=None)
@given(nights())
def test_a_due_disk_is_never_silently_left_out(night: tuple[Site, dict[Key, DiskHistory], dict[Key, Answer]]) -> None:
    """A full that is due is made, or somebody is told why not."""
    site, history, _ = night
    found = make(night)
    said = {(d.host, d.disk): d for d in found.dumps}
    for standing in stand_all(site.disks, history, NOW):
        line = said.get(standing.key)
        if line is not None and standing.next_level0 <= 0 and line.level > 0 and not standing.forced:
            assert "full" in line.why
            assert not line.why.startswith("incremental")


@settings(max_examples=120, deadline=None)
@given(nights())
def test_it_fits_or_says_why(night: tuple[Site, dict[Key, DiskHistory], dict[Key, Answer]]) -> None:
    """No dump is larger than a run may write, and the sum is within the volumes unless a notice says so."""
    site = night[0]
    found = make(night)
    main = site.storages["main"]
    use = found.uses[0]
    assert use.wanted == 64 + sum(line.size + 32 for line in found.dumps)
    if main.capacity:
        assert use.room == main.capacity * site.run.runtapes
        assert use.wanted <= use.room or found.notices or not found.dumps
        assert all(line.size <= use.room for line in found.dumps)
    assert found.full_kib == sum(line.size for line in found.dumps if line.level == 0)
    assert found.total_kib == sum(line.size for line in found.dumps)


@settings(max_examples=120, deadline=None)
@given(nights())
def test_promotion_never_exceeds(night: tuple[Site, dict[Key, DiskHistory], dict[Key, Answer]]) -> None:
    """More than one promoted full never makes more than the balanced size and its tolerance; all have a plan B."""
    found = make(night)
    promoted = [line for line in found.dumps if line.why.startswith("promoted")]
    fulls = [line for line in found.dumps if line.level == 0]
    if promoted and len(fulls) > 1:
        assert found.full_kib <= found.balanced_kib * (1 + TOLERANCE)
    assert all(line.plan_b is not None and line.plan_b.level > 0 for line in promoted)


@settings(max_examples=80, deadline=None)
@given(nights())
def test_levels_have_their_base_and_lines_travel(night: tuple[Site, dict[Key, DiskHistory], dict[Key, Answer]]) -> None:
    """Every incremental follows known dumps, also in plan B; each line is read as it was written."""
    site, history, _ = night
    found = make(night)
    assert found == make(night)
    strategies = {disk.key: disk.dumptype.strategy for disk in site.disks}
    for line in found.dumps:
        for level in (line.level, line.plan_b.level if line.plan_b else 0):
            known = history[line.host, line.disk].levels
            assert strategies[line.host, line.disk] is Strategy.NOFULL or all(low in known for low in range(level))
        assert decode(encode(line).rstrip(b"\n")) == line
    for skip in found.skips:
        assert decode(encode(skip).rstrip(b"\n")) == skip
