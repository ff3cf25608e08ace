"""What is delayed, dropped and taken back when tonight does not fit; sizes KiB, volumes of 1000 KiB unless said."""

from __future__ import annotations

from core.model.history import DiskHistory
from tests.support.planning import lines, make_disk, make_site, past, shown, stat, tonight


def due(days_ago: float) -> DiskHistory:
    return past(stat(0, 1000, days_ago), stat(1, 100, 2), stat(1, 100, 1))


def test_the_youngest_full_waits() -> None:
    """64 + 3 × (500 + 32) = 1660 over 1200: b is the younger of the two that may wait and turns into an incremental
    of 40, that is 1200 and fits.  a, the oldest, is preserved."""
    disks = [make_disk("/a"), make_disk("/b"), make_disk("/c")]
    history = {"/a": due(9), "/b": due(7), "/c": due(8)}
    histories = {d.key: history[d.disk] for d in disks}
    found = tonight(make_site(disks, capacity=1200), histories, {d.disk: {0: 500, 1: 40} for d in disks})
    assert shown(found) == {
        "/a": "0: full overdue 2 days", "/c": "0: full overdue 1 day",
        "/b": "1: PLN012 delayed full: tonight needs 1.6 MiB, the volumes of main hold 1.2 MiB"}
    assert found.uses[0].wanted == 1200
    assert lines(found)["/b"].plan_b is None


def test_among_equals_the_least_important_waits() -> None:
    """Both were dumped at the same time; priority 3 is kept."""
    disks = [make_disk("/a", priority=9), make_disk("/b", priority=3), make_disk("/c", priority=1)]
    found = tonight(
        make_site(disks, capacity=1200), {d.key: due(7) for d in disks}, {d.disk: {0: 500, 1: 40} for d in disks})
    assert [d for d, why in shown(found).items() if "delayed" in why] == ["/c"]


def test_a_full_without_incremental_is_dropped() -> None:
    """skip_incr: it may not become an incremental."""
    disks = [make_disk("/a"), make_disk("/b", skip_incr=True)]
    found = tonight(
        make_site(disks, capacity=1000), {disks[0].key: due(9), disks[1].key: due(7)},
        {"/a": {0: 500, 1: 10}, "/b": {0: 500, 1: 10}})
    assert shown(found) == {
        "/a": "0: full overdue 2 days",
        "/b": "!PLN006 full dropped: tonight needs 1.1 MiB, the volumes of main hold 1000 KiB"}


def test_what_fits_again_comes_back_last_first() -> None:
    """b (600) and then c (300) wait; with c back, 64 + 632 (a) + 42 (b, incremental) + 332 = 1070 fit in 1100."""
    disks = [make_disk("/a"), make_disk("/b"), make_disk("/c")]
    history = {"/a": due(9), "/b": due(8), "/c": due(7)}
    sizes = {"/a": {0: 600, 1: 10}, "/b": {0: 300, 1: 10}, "/c": {0: 600, 1: 10}}
    site = make_site(disks, capacity=1100)
    found = shown(tonight(site, {d.key: history[d.disk] for d in disks}, sizes))
    assert found["/b"] == "0: full overdue 1 day"  # c alone was enough
    sizes = {"/a": {0: 600, 1: 10}, "/b": {0: 600, 1: 10}, "/c": {0: 300, 1: 10}}
    found = shown(tonight(site, {d.key: history[d.disk] for d in disks}, sizes))
    assert found["/b"].startswith("1: PLN012 delayed full")
    assert found["/c"] == "0: full due today"


def test_forced_fulls_wait_last() -> None:
    """a is forced and preserved; b is forced too and waits after c, which is not forced."""
    disks = [make_disk("/a"), make_disk("/b"), make_disk("/c")]
    forced = past(stat(0, 1000, 2), stat(1, 100, 1), forced="full")
    history = {"/a": forced, "/b": forced, "/c": due(9)}
    sizes = {"/a": {0: 500, 1: 10}, "/b": {0: 490, 1: 10}, "/c": {0: 500, 1: 10}}
    found = shown(tonight(make_site(disks, capacity=1200), {d.key: history[d.disk] for d in disks}, sizes))
    assert found["/a"] == found["/b"] == "0: full forced by the operator"
    assert found["/c"].startswith("1: PLN012 delayed full")
    found = shown(tonight(make_site(disks, capacity=800), {d.key: history[d.disk] for d in disks}, sizes))
    assert found["/a"] == "0: full forced by the operator"
    assert found["/b"] == "1: PLN012 delayed full: tonight needs 1.1 MiB, the volumes of main hold 800 KiB"


def test_incrementals_are_dropped_last() -> None:
    """Lowest priority first, as long as it is too much: 64 + 3 × 432 = 1360 over 1000."""
    disks = [make_disk("/a", priority=3), make_disk("/b", priority=2), make_disk("/c", priority=1)]
    found = tonight(
        make_site(disks, capacity=1000), {d.key: due(3) for d in disks}, {d.disk: {0: 900, 1: 400} for d in disks})
    assert shown(found) == {
        "/a": "1: incremental, full due in 4 days", "/b": "1: incremental, full due in 4 days",
        "/c": "!PLN006 level 1 dropped: tonight needs 1.3 MiB, the volumes of main hold 1000 KiB"}


def test_new_disks_do_not_push_out_incrementals() -> None:
    """Two first fulls are too much; they wait on the holding disk, and nothing else suffers."""
    disks = [make_disk("/new1"), make_disk("/new2"), make_disk("/old")]
    found = tonight(
        make_site(disks, capacity=1000), {disks[2].key: due(3)},
        {"/new1": {0: 700}, "/new2": {0: 700}, "/old": {0: 900, 1: 400}})
    assert shown(found) == {
        "/new1": "0: new disk, first full", "/new2": "0: new disk, first full",
        "/old": "1: incremental, full due in 4 days"}
    assert found.notices == (
        "PLN007 tonight needs 1.9 MiB, the volumes of main hold 1000 KiB; what does not fit waits on the holding disk",)


def test_larger_than_a_run() -> None:
    """A full that no run can write: the incremental is made, or it is said how many volumes are missing."""
    disk = make_disk()
    site = make_site([disk], capacity=1000, runtapes=2)
    assert shown(tonight(site, {disk.key: due(8)}, {"/home": {0: 3500, 1: 10}})) == {
        "/home": "1: PLN012 delayed full: full of 3.4 MiB needs 4 volumes of main, you allow 2"}
    assert shown(tonight(site, {}, {"/home": {0: 2500}})) == {
        "/home": "!PLN004 full of 2.4 MiB needs 3 volumes of main, you allow 2"}
    assert shown(tonight(site, {disk.key: due(8)}, {"/home": {0: 3500, 1: 2500}})) == {
        "/home": "!PLN004 full of 3.4 MiB needs 4 volumes of main, you allow 2"}
    assert shown(tonight(site, {disk.key: due(3)}, {"/home": {0: 100, 1: 2500}})) == {
        "/home": "!PLN004 level 1 of 2.4 MiB needs 3 volumes of main, you allow 2"}
    assert shown(tonight(site, {}, {"/home": {0: 1900}})) == {"/home": "0: new disk, first full"}


def test_larger_than_a_volume_and_not_to_be_split() -> None:
    for disk, part_size in ((make_disk(allow_split=False), 100), (make_disk(), 0)):
        site = make_site([disk], capacity=1000, runtapes=9, part_size=part_size)
        assert shown(tonight(site, {}, {"/home": {0: 1001}})) == {
            "/home": "!PLN004 full of 1001 KiB may not be split and is larger than a volume of main (1000 KiB)"}
        assert shown(tonight(site, {}, {"/home": {0: 900}})) == {"/home": "0: new disk, first full"}


def test_without_a_capacity_everything_fits() -> None:
    disk = make_disk()
    found = tonight(make_site([disk], capacity=0), {}, {"/home": {0: 10**12}})
    assert shown(found) == {"/home": "0: new disk, first full"}
    assert found.uses[0].room is None
