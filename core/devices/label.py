"""Labels: what one may look like, and the next one of an autolabel template.

A template is Amanda's (perl/Amanda/Changer.pm, make_new_tape_label; man amanda.conf): ``$$``, ``$o`` organisation,
``$c`` configuration, ``$r`` storage, ``$b`` barcode, ``$m`` meta, ``$s`` slot, ``$3s`` slot in three digits; one run
of ``%`` (digits) or of ``!`` (letters) that is filled with the first value, from 1, that is not taken; a backslash
takes the next character as it is.  Unlike Amanda's labelstr, a pattern must match the whole label.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from core.errors import UsageError

MAX_LABEL = 200
_ESCAPE = re.compile(r"\\(.)|\$(\d{0,2})s|\$([$bmocr])|(%+)|(!+)|([^\\$%!]+)|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Names:
    """What a template may name."""

    org: str = ""
    storage: str = ""
    slot: str = ""
    barcode: str = ""
    meta: str = ""


def is_label(label: str) -> bool:
    """Whether ``label`` can stand in a label block, in the tapelist and in a file name."""
    return len(label.encode("utf-8", "surrogateescape")) <= MAX_LABEL and (
        re.fullmatch(r"(?!\.)[^\s/:\\\"'#\x00-\x1f\x7f]+", label) is not None
    )


def matches(pattern: str, label: str) -> bool:
    """Whether a storage's ``label`` pattern takes this label.  UsageError TAP011 for a pattern that is none."""
    try:
        return re.fullmatch(pattern, label) is not None
    except re.error as fault:
        raise UsageError("TAP011", f"label = {pattern!r} is no regular expression: {fault}") from None


def next_label(template: str, names: Names, taken: Container[str], pattern: str = ".*") -> str:
    """The first label of ``template`` that is not ``taken``.  UsageError TAP011 when there is none."""
    before, run, after = _expand(template, names)
    if not run:
        return _accept(before, template, taken, pattern)
    base, zero = (10, ord("0")) if run[0] == "%" else (26, ord("A"))
    for number in range(1, base ** len(run)):
        label = before + _digits(number, base, zero, len(run)) + after
        if label not in taken:
            return _accept(label, template, taken, pattern)
    raise UsageError("TAP011", f"autolabel = {template!r}: all its labels are used", "give the template one more %")


def _accept(label: str, template: str, taken: Container[str], pattern: str) -> str:
    if label in taken:
        raise UsageError("TAP011", f"autolabel = {template!r}: {label} is used, and there is no % to count with")
    if not is_label(label):
        raise UsageError("TAP011", f"autolabel = {template!r} makes {label!r}, which cannot be a label")
    if not matches(pattern, label):
        raise UsageError("TAP011", f"autolabel = {template!r} makes {label}, which label = {pattern!r} does not match")
    return label


def _expand(template: str, names: Names) -> tuple[str, str, str]:
    """What stands before the run of counting characters, the run, and what stands after it."""
    pieces = ["", ""]
    run = ""
    values = {"$": "$", "o": names.org, "c": names.org, "r": names.storage, "b": names.barcode, "m": names.meta}
    for found in _ESCAPE.finditer(template):
        literal, width, name, digits, letters, plain, wrong = found.groups()
        if wrong is not None:
            raise UsageError("TAP011", f"autolabel = {template!r}: {wrong!r} at {found.start() + 1} names nothing")
        if digits or letters:
            if run:
                raise UsageError("TAP011", f"autolabel = {template!r} has more than one run of % or !")
            run = digits or letters
            continue
        if literal is not None:
            text = literal
        elif name is not None:
            text = values[name]
        elif width is not None:
            text = names.slot.rjust(int(width or 0), "0")
        else:
            text = plain
        pieces[1 if run else 0] += text
    return pieces[0], run, pieces[1]


def _digits(number: int, base: int, zero: int, width: int) -> str:
    out = ""
    for _ in range(width):
        number, digit = divmod(number, base)
        out = chr(zero + digit) + out
    return out
