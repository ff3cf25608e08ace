"""labelstr and autolabel of Amanda as ``label`` and ``autolabel`` of ours.  Pure.

Amanda's pattern may match anywhere in a label and is Perl's; ours has to match the whole and is Python's.
"""

from __future__ import annotations

import re
import warnings

_CLASSES = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z", "xdigit": "0-9A-Fa-f",
    "space": r"\s", "blank": r" \t", "word": r"\w",
}
_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")
_TEMPLATE = re.compile(r"\\(.)|\$(\d{0,2})s|\$([$bmocr])|(%+)|(!+)|(.)", re.DOTALL)


def pattern_of(labelstr: str) -> str:
    """The pattern that has to match a whole label where ``labelstr`` matches somewhere in it.  ValueError without one."""
    text = _CLASS.sub(_class, labelstr)
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(text)
    except re.error as fault:
        raise ValueError(f"Python does not read it: {fault}") from None
    plain = text.removeprefix("^")
    begins = plain != text
    ends = plain.endswith("$") and not plain.endswith("\\$")
    plain = plain[:-1] if ends else plain
    if "|" in plain or plain.startswith("^"):
        return f".*(?:{text}).*"  # an anchor in one branch says nothing of the others
    return ("" if begins else ".*") + plain + ("" if ends else ".*")


def _class(found: re.Match[str]) -> str:
    inside = _CLASSES.get(found[2])
    if inside is None or found[1]:
        raise ValueError(f"Python has no class {found[0]}")
    return inside


def template_of(autolabel: str, org: str, config: str, storage: str) -> str:
    """The template with what never changes filled in.  ValueError for what ours has not."""
    out = ""
    for escaped, width, name, digits, letters, plain in _TEMPLATE.findall(autolabel):
        if escaped:
            out += _literal(escaped)
        elif name:
            if name in "bm":
                raise ValueError(f"${name}: there are no barcodes and no meta labels here")
            out += _literal({"$": "$", "o": org, "c": config, "r": storage}[name])
        elif digits or letters or plain:
            if plain == "$":
                raise ValueError("a $ stands for nothing")
            out += digits or letters or plain
        else:
            out += f"${width}s"
    return out


def _literal(text: str) -> str:
    return re.sub(r"([$%!\\])", r"\\\1", text)


def pattern_of_template(autolabel: str, org: str, config: str, storage: str) -> str:
    """The pattern of MATCH-AUTOLABEL: every label that the template can make."""
    out = ""
    for escaped, width, name, digits, letters, plain in _TEMPLATE.findall(autolabel):
        if digits:
            out += f"[0-9]{{{len(digits)}}}"
        elif letters:
            out += f"[A-Z]{{{len(letters)}}}"
        elif name:
            out += ".*" if name in "bm" else re.escape({"$": "$", "o": org, "c": config, "r": storage}[name])
        elif escaped or plain:
            out += re.escape(escaped or plain)
        else:
            out += f"[0-9]{{{width or 1},}}"
    return out
