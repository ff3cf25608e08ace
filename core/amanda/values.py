"""Turning the words behind a keyword of an amanda.conf into one value; ValueError says in a sentence why that cannot be."""

from __future__ import annotations

from core.amanda.shapes import check
from core.amanda.words import Word, same

Value = str | int | float | bool | tuple[Word, ...]
_YES = ("y", "yes", "t", "true", "on")
_NO = ("n", "no", "f", "false", "off")
_SCALE = {"b": 1, "byte": 1, "bytes": 1, "bps": 1}
for _power, _names in enumerate((
    "k kb kbyte kbytes kilobyte kilobytes kps kbps", "m mb meg mbyte mbytes megabyte megabytes mps mbps",
    "g gb gbyte gbytes gigabyte gigabytes gps gbps", "t tb tbyte tbytes terabyte terabytes tps tbps",
), 1):
    _SCALE.update(dict.fromkeys(_names.split(), 1024**_power))
_COUNTED = {"day": 1, "days": 1, "tape": 1, "tapes": 1, "week": 7, "weeks": 7}
_MOST = 1 << 62


def convert(kind: str, words: tuple[Word, ...]) -> Value:
    """The value of ``words`` for a keyword of that ``kind`` (see `core.amanda.kinds`)."""
    name, *bounds = kind.split()
    match name:
        case "shape" | "more":
            check(bounds[0], words)
            return words
        case "flag":
            return _flag(words)
        case "text" if bounds:
            return _one(words, bounds, "string")
        case "text" | "word":
            return _text(name, words)
        case "text-without-blank":
            return _without_blank(_text("text", words))
        case "one":
            return _one(words, bounds, "name")
        case "switch":
            return _one(words or (Word("name", "yes"),), bounds, "")
        case "real":
            return _real(words, bounds)
        case _:
            return _bounded(_number(name, words), bounds)


def _without_blank(text: str) -> str:
    if " " in text or '"' in text:
        raise ValueError("it may not have a blank")
    return text


def _one(words: tuple[Word, ...], known: list[str], kind: str) -> str:
    """One of the words that are known; a string has to be just so, a name in any case."""
    text = _text("word", words)
    found = next((word for word in known if text == word or (kind != "string" and same(text) == same(word))), None)
    if found is None or (kind and words[0].kind != kind):
        quotes = " in double quotes" if kind == "string" else ""
        raise ValueError(f"wanted is one of {', '.join(known)}{quotes}")
    return found


def _bounded(number: int, bounds: list[str]) -> int:
    """``number`` when it is in its bounds: the least, and the greatest."""
    match bounds:
        case ["not-0"] if number == 0:
            raise ValueError("it may not be 0")
        case ["chunk"] if number < 0 or 0 < number < 64:
            raise ValueError("it is at least 64 KiB, or 0")
        case ["not-0"] | ["chunk"]:
            return number
        case [low, *high] if number < int(low) or (high and number > int(high[0])):
            raise ValueError(f"it is at least {low}{f' and at most {high[0]}' if high else ''}")
    return number


def _flag(words: tuple[Word, ...]) -> bool:
    if not words:
        return True
    word = same(words[0].text)
    if len(words) > 1 or word not in (*_YES, *_NO, "0", "1"):
        raise ValueError("wanted is yes or no")
    return word in (*_YES, "1")


def _text(kind: str, words: tuple[Word, ...]) -> str:
    if not words or (kind == "text" and words[0].kind != "string"):
        raise ValueError("wanted is a text in double quotes" if kind == "text" else "wanted is a name")
    if len(words) > 1:
        raise ValueError(f"{words[1]} is one word too many")
    return words[0].text


def _real(words: tuple[Word, ...], bounds: list[str]) -> float:
    if len(words) != 1 or words[0].kind != "number":
        raise ValueError("wanted is a number")
    number = float(words[0].text)
    if bounds and number < float(bounds[0]):
        raise ValueError(f"it is at least {bounds[0]}")
    return number


def _number(kind: str, words: tuple[Word, ...]) -> int:
    if not words or words[0].kind != "number" or "." in words[0].text:
        if len(words) == 1 and same(words[0].text) in ("inf", "infinite"):
            return _MOST
        raise ValueError("wanted is a whole number")
    if len(words) > 2:
        raise ValueError(f"{words[2]} is one word too many")
    number = int(words[0].text[:20])
    unit = same(words[1].text) if len(words) == 2 else ""
    scale = _COUNTED.get(unit) if unit in _COUNTED or not unit else _SCALE.get(unit)
    if not unit:
        scale = 1
    if scale is None:
        raise ValueError(f"{words[1]} is no unit")
    value = number * scale
    if unit in _SCALE and kind != "bytes":  # Amanda counts in KiB and cuts what is less, towards zero
        value = int(abs(value) // 1024) * (1 if value >= 0 else -1)
    if abs(value) > _MOST:
        raise ValueError(f"{words[0]} is more than there is")
    return value
