"""The records of a pax header: ``LENGTH KEY=VALUE`` and a newline each (POSIX.1-2001, pax).  Pure."""

from __future__ import annotations

_DIGITS = 9
"""A length of more is none."""


def pax_records(body: bytes) -> dict[bytes, bytes]:
    """Keys and values; what follows the first record that is none is left out.  One pass, however many there are."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(body):
        blank = body.find(b" ", at, at + _DIGITS + 1)
        digits = body[at:max(at, blank)]
        end = at + int(digits) if digits.isdigit() else 0
        if not blank + 1 < end <= len(body):
            break
        key, _, value = body[blank + 1:end - 1].partition(b"=")
        found[key] = value
        at = end
    return found


def pax_number(digits: bytes, otherwise: int) -> int:
    """A number in a record; ``otherwise`` when it is none that a file can have."""
    return int(digits) if digits.isdigit() and len(digits) < 18 else otherwise
