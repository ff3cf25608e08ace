"""One night's plan from values: `stand_all`, then ask the clients, then `plan`.

Promises: each disk of the configuration ends in exactly one of ``dumps`` and ``skips``; nothing that is due is left out
without a sentence that says why; the result depends on the arguments only.  Sizes are KiB, times seconds since the
epoch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from core.model.disk import Disk
from core.model.history import DiskHistory
from core.model.site import Site
from core.model.units import EPOCH_DUMPDATE, Kib, dumpdate_of, show_kib
from core.planning import explain
from core.planning import reasons as r
from core.planning.balance import promote
from core.planning.choose import Draft, choose
from core.planning.fit import fit
from core.planning.levels import Standing, stand
from core.planning.sheet import Key, Medium, Sheet, media_of
from core.planning.sizing import NOT_ASKED, Answer, Sizing, client_levels, size_up
from core.protocol.planner import DumpLine, PlanB, Skip

NO_HISTORY = DiskHistory()


@dataclass(frozen=True, slots=True)
class Use:
    """What the plan wants of one storage: ``wanted`` KiB of ``room`` (None: no limit), ``volumes`` that it takes."""

    storage: str
    wanted: int
    room: int | None
    volumes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is dumped tonight, in order, what is not, and the sums.

    ``balanced_kib`` of fulls a night would make all nights equal; ``notices`` are for the log.
    """

    dumps: tuple[DumpLine, ...]
    skips: tuple[Skip, ...]
    full_kib: int
    incremental_kib: int
    balanced_kib: int
    uses: tuple[Use, ...]
    notices: tuple[str, ...] = ()

    @property
    def total_kib(self) -> int:
        """KiB as stored, headers not counted."""
        return self.full_kib + self.incremental_kib


def stand_all(
    disks: Iterable[Disk], histories: Mapping[Key, DiskHistory], now: float, held: Collection[Key] = ()
) -> list[Standing]:
    """Where each disk stands; a disk that is named twice counts once, one that is ``held`` is not dumped."""
    unique = {disk.key: disk for disk in disks}
    return [stand(disk, histories.get(key, NO_HISTORY), now, key in held) for key, disk in unique.items()]


def to_ask(standing: Standing) -> tuple[int, ...]:
    """The levels that the client has to be asked for; none when the disk is not dumped or history is enough."""
    if standing.refusal is not None:
        return ()
    return client_levels(standing.disk, standing.history, standing.asks, standing.last_level)


def plan(
    site: Site, standings: Iterable[Standing], answers: Mapping[Key, Answer],
    flushing: Mapping[str, int] | None = None, as_amanda: bool = False,
) -> Plan:
    """The plan for these disks.

    ``answers`` what the clients said (a disk that is missing was not asked); ``flushing`` KiB per storage that earlier
    runs left on the holding disk and that go to the same volumes; ``as_amanda`` promotes just as Amanda would, for a
    comparison with one.
    """
    media = media_of(site)
    skips: list[Skip] = []
    drafts: list[Draft] = []
    notices: list[str] = []
    for standing in standings:
        if standing.warning:
            notices.append(standing.warning)
        drafted = _draft(site, standing, answers.get(standing.key, NOT_ASKED), media)
        if isinstance(drafted, Draft):
            drafts.append(drafted)
        else:
            skips.append(_skip(standing.key, drafted))
    sheet = Sheet(drafts, media)
    fit(sheet)
    balanced = promote(sheet, site.run, flushing or {}, as_amanda)
    skips += [_skip(key, cause) for key, cause in sheet.dropped.items()]
    notices += [explain.overflow(cause) for name in media if (cause := sheet.over(name)) is not None]
    planned = sheet.in_order()
    return Plan(
        tuple(_line(draft) for draft in planned), tuple(skips), sheet.full_kib,
        sum(draft.csize for draft in planned if not draft.full), balanced,
        tuple(_use(sheet, medium) for medium in media.values()), tuple(notices),
    )


def totals(plan: Plan) -> str:
    """The plan in one line, for a log."""
    fulls = sum(1 for line in plan.dumps if line.level == 0)
    return (
        f"{len(plan.dumps)} dumps, {fulls} full {show_kib(plan.full_kib)}, {len(plan.dumps) - fulls} incremental"
        f" {show_kib(plan.incremental_kib)}, {len(plan.skips)} skipped, balanced size {show_kib(plan.balanced_kib)}"
    )


def _draft(site: Site, standing: Standing, answer: Answer, media: Mapping[str, Medium]) -> Draft | r.Refusal:
    if standing.refusal is not None:
        return standing.refusal
    disk = standing.disk
    storages = tuple(name for name in site.storages_of(disk) if name in media)
    capacity = max((media[name].capacity for name in storages), default=0)
    sizings = size_up(disk, standing.history, standing.asks, standing.last_level, answer, capacity)
    return choose(standing, answer, sizings, storages, disk.dumptype.allow_split)


def _skip(key: Key, cause: r.Refusal) -> Skip:
    text, attention = explain.refusal(cause)
    return Skip(*key, text, "FAIL" if attention else "")


def _line(draft: Draft) -> DumpLine:
    standing, sizing = draft.standing, draft.sizing
    why = explain.why(draft.reason)
    origin = explain.origin(sizing.source, draft.answer.reached, draft.answer.error)
    host, disk = standing.key
    return DumpLine(
        host, disk, standing.priority, sizing.level, Kib(sizing.csize), sizing.seconds,
        plan_b=_plan_b(standing, draft.plan_b) if draft.full else None, orig=Kib(sizing.size), kps=sizing.kps,
        dumpdate=_dumpdate(standing, sizing.level), features=draft.answer.features,
        why=f"{why}; {origin}" if origin else why,
    )


def _plan_b(standing: Standing, sizing: Sizing | None) -> PlanB | None:
    if sizing is None:
        return None
    return PlanB(sizing.level, Kib(sizing.csize), sizing.seconds, _dumpdate(standing, sizing.level))


def _dumpdate(standing: Standing, level: int) -> str:
    """The date of the newest dump at a lower level; that of a full is the epoch."""
    dates = [stat.date for low, stat in standing.history.levels.items() if low < level]
    return dumpdate_of(max(dates)) if dates else EPOCH_DUMPDATE


def _use(sheet: Sheet, medium: Medium) -> Use:
    wanted = sheet.used[medium.name]
    return Use(medium.name, wanted, medium.room, -(-wanted // medium.capacity) if medium.capacity else 1)
