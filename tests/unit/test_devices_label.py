"""Labels and their templates, and the words of a refusal."""

from __future__ import annotations

import pytest

from core.codes import lookup
from core.devices.contract import Condition, SlotView, VolumeFault, VolumeFull, fault_of
from core.devices.label import Names, is_label, matches, next_label
from core.devices.scan_policy import Rules, Standing, Verdict, judge, refusal, vanished
from core.errors import UsageError
from core.model.site import Retention, Storage
from core.model.volume import Volume

NAMES = Names("daily", "main", "4", "BC1", "M2")


@pytest.mark.parametrize(("template", "taken", "label"), [
    ("DAILY-%%%", (), "DAILY-001"),
    ("DAILY-%%%", ("DAILY-001", "DAILY-002", "DAILY-004"), "DAILY-003"),
    ("$o-$c-$r-$b-$m-$s-$3s-%", (), "daily-daily-main-BC1-M2-4-004-1"),
    ("T!!", (), "TAB"),
    ("T!!", ("TAB",), "TAC"),
    ("$$\\%\\$%", (), "$%$1"),
    ("ONE", (), "ONE"),
])
def test_devices_templates(template: str, taken: tuple[str, ...], label: str) -> None:
    assert next_label(template, NAMES, taken) == label


@pytest.mark.parametrize(("template", "taken", "pattern", "fault"), [
    ("D-%", tuple(f"D-{n}" for n in range(10)), ".*", "autolabel = 'D-%': all its labels are used"),
    ("ONE", ("ONE",), ".*", "autolabel = 'ONE': ONE is used, and there is no % to count with"),
    ("%-%", (), ".*", "autolabel = '%-%' has more than one run of % or !"),
    ("%!", (), ".*", "autolabel = '%!' has more than one run of % or !"),
    ("$x%", (), ".*", "autolabel = '$x%': '$' at 1 names nothing"),
    ("a b %", (), ".*", "autolabel = 'a b %' makes 'a b 1', which cannot be a label"),
    ("D-%%%", (), "DAILY-.*", "autolabel = 'D-%%%' makes D-001, which label = 'DAILY-.*' does not match"),
    ("D-%", (), "(", "label = '(' is no regular expression: missing ), unterminated subpattern at position 0"),
])
def test_devices_templates_that_make_no_label(template: str, taken: tuple[str, ...], pattern: str, fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        next_label(template, NAMES, taken, pattern)
    assert (caught.value.code, caught.value.message) == ("TAP011", fault)


@pytest.mark.parametrize("label", ["", "a b", "a/b", "../x", ".hidden", "a:b", "a\\b", "a\nb", "x" * 201, "a#b", 'a"b'])
def test_devices_no_labels(label: str) -> None:
    assert not is_label(label)


def test_devices_a_pattern_matches_the_whole_label() -> None:
    assert matches("DAILY-[0-9]{3}", "DAILY-001")
    assert not matches("DAILY-[0-9]{3}", "XDAILY-0011")


def _reason(view: SlotView, volumes: tuple[Volume, ...] = (), **rules: object) -> tuple[Standing, str]:
    storage = Storage("main", "disk:/x", label="D-[0-9]+", retention=Retention(1, 0, 0))
    made = Rules(storage, "daily", 1795860000.0, "20261130000000", **rules)  # type: ignore[arg-type]
    [verdict] = judge([view], volumes, made)
    return verdict.standing, verdict.reason


def _view(label: str = "D-1", datestamp: str = "20261101000000", files: int = 3, sealed: bool = True) -> SlotView:
    return SlotView("1", Condition.LABELLED, label, datestamp, files=files, sealed=sealed)


NEWER = Volume("D-9", "20261105000000", pool="main")


@pytest.mark.parametrize(("view", "entry", "standing", "reason"), [
    (_view(), None, Standing.FOREIGN, "not in the tapelist"),
    (_view(), Volume("D-1", "20261101000000", pool="other"), Standing.FOREIGN, "belongs to pool other"),
    (_view(), Volume("D-1", "20261101000000", storage="far"), Standing.FOREIGN, "belongs to storage far"),
    (_view(), Volume("D-1", "20261101000000", config="weekly"), Standing.FOREIGN, "belongs to configuration weekly"),
    (_view(), Volume("D-1", "20261101000000", False), Standing.ACTIVE, "marked no-reuse"),
    (_view(), Volume("D-1", "20261130000000"), Standing.ACTIVE, "written by this run or a later one"),
    (_view(), Volume("D-1", "20261106000000"), Standing.ACTIVE, "one of the 1 newest"),
    (_view("E-1"), Volume("E-1", "20261101000000"), Standing.FOREIGN, "its label does not match D-[0-9]+"),
    (_view(), Volume("D-1", "20261029000000"), Standing.FOREIGN,
     "written 20261101000000, but the tapelist says 20261029000000"),
    (_view(files=0), Volume("D-1", "20261029000000"), Standing.REUSABLE, "last written 20261029000000"),
    (_view(datestamp="X", files=0), Volume("D-1", "0"), Standing.NEW, "labelled, never used"),
    (_view(), Volume("D-1", "0"), Standing.FOREIGN, "written 20261101000000, but the tapelist says 0"),
    (SlotView("1", Condition.WEIRD), None, Standing.FOREIGN, "its data is not Amanda's"),
    (SlotView("1", Condition.FAULTY, note="Input/output error"), None, Standing.FAULTY, "Input/output error"),
    (SlotView("1", Condition.EMPTY), None, Standing.BLANK, "no label, and autolabel is not set"),
])
def test_devices_reasons(view: SlotView, entry: Volume | None, standing: Standing, reason: str) -> None:
    volumes = (NEWER, entry) if entry else (NEWER,)
    assert _reason(view, volumes) == (standing, reason)


def test_devices_a_volume_that_was_begun_in_vain_is_used() -> None:
    """A taper died between writing the label and entering it in the tapelist: the slot must not be lost for ever."""
    storage = Storage("main", "disk:/x", label="D-[0-9]+", autolabel="D-%", retention=Retention(1, 0, 0))

    def standing(view: SlotView, volumes: tuple[Volume, ...] = (), **rules: object) -> Standing:
        [verdict] = judge([view], volumes, Rules(storage, "daily", 1795860000.0, "20261130000000", **rules))  # type: ignore[arg-type]
        return verdict.standing

    assert standing(_view(files=0)) is Standing.NEW
    assert standing(_view(files=0, sealed=False)) is Standing.FOREIGN, "a real Amanda wrote it"
    assert standing(_view(files=1)) is Standing.FOREIGN
    assert standing(_view("E-1", files=0)) is Standing.FOREIGN
    assert standing(_view(datestamp="X", files=0)) is Standing.FOREIGN
    assert standing(_view(files=0), protected={"D-1": "needed"}) is Standing.FOREIGN
    assert standing(_view(files=0), (Volume("D-1", "20261101000000", pool="other"),)) is Standing.FOREIGN


def test_devices_more_reasons() -> None:
    entry = (NEWER, Volume("D-1", "20261101000000"))
    assert _reason(_view(), entry, spent=frozenset({"1"})) == (Standing.FAULTY, "failed or filled in this run")
    assert _reason(_view(), entry, protected={"D-1": "last full of web1:/home"}) == (
        Standing.ACTIVE, "last full of web1:/home")
    storage = Storage("main", "disk:/x", autolabel="D-%", retention=Retention(0, 3, 0))
    rules = Rules(storage, "daily", 1793577600.0, spent=frozenset({"2"}))  # 2 November 2026
    twins = [_view(), SlotView("2", Condition.EMPTY), SlotView("3", Condition.EMPTY)]
    verdicts = judge(twins, [Volume("D-1", "20261101000000")], rules)
    assert [v.reason for v in verdicts] == ["younger than 3 days", "failed in this run", "no label; it would become D-2"]
    late = Rules(storage, "daily", 1796860000.0)
    twins = [_view(), SlotView("2", Condition.LABELLED, "D-1", "20261101000000", files=3)]
    assert {v.reason for v in judge(twins, [Volume("D-1", "20261101000000")], late)} == {"its label is in two slots"}
    broken = Rules(Storage("main", "disk:/x", autolabel="D-%%!", retention=Retention(0, 0, 0)), "daily", 0.0)
    [verdict] = judge([SlotView("1", Condition.EMPTY)], [], broken)
    assert (verdict.standing, verdict.reason) == (
        Standing.BLANK, "autolabel = 'D-%%!' has more than one run of % or !")
    odd = Rules(Storage("main", "disk:/x", retention=Retention(0, 5, 0), label="("), "daily", 1796860000.0)
    assert judge([_view(datestamp="20261399")], [Volume("D-1", "20261399")], odd)[0].reason == "younger than 5 days"
    odd = Rules(Storage("main", "disk:/x", retention=Retention(0, 0, 0), label="("), "daily", 1796860000.0)
    assert judge([_view()], [Volume("D-1", "20261101000000")], odd)[0].reason == "its label does not match ("


def test_devices_a_refusal_names_a_few_slots() -> None:
    verdicts = [Verdict(SlotView(str(n), Condition.LABELLED, f"D-{n}"), Standing.ACTIVE, "needed", f"D-{n}") for n in range(9)]
    assert refusal(verdicts, 2) == "slot 0 D-0: needed; slot 1 D-1: needed; and 7 more"
    assert refusal([]) == "there are no slots"
    assert vanished(verdicts, [NEWER], "main") == 0
    assert vanished([Verdict(SlotView("1", Condition.EMPTY), Standing.BLANK, "")], [NEWER], "main") == 1
    assert vanished([], [Volume("A", pool="main")], "main") == 0


@pytest.mark.parametrize(("number", "kind", "code"), [
    (28, VolumeFull, "TAP007"), (122, VolumeFull, "TAP007"), (27, VolumeFull, "TAP007"), (5, VolumeFault, "TAP008"),
    (30, None, "TAP003"), (13, None, "TAP003"), (2, None, "TAP002"), (116, None, "TAP002"),
])
def test_devices_what_an_oserror_means(number: int, kind: type | None, code: str) -> None:
    import os

    fault = fault_of(OSError(number, os.strerror(number)), "/x", written=3)
    assert fault.code == code
    assert fault.message == f"/x: {os.strerror(number)}"
    assert kind is None or isinstance(fault, kind)
    assert not isinstance(fault, VolumeFull) or fault.written == 3
    assert lookup(code) is not None
