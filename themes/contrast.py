"""How well a text is read on its ground: WCAG 2.2's contrast ratio (relative luminance of sRGB).  Pure."""

from __future__ import annotations

from themes.palette import TEXT_ON, Theme

AA = 4.5
"""What WCAG AA asks of text of ordinary size."""


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 to 1.  ValueError when it is no such colour."""
    if len(colour) != 7 or colour[0] != "#":
        raise ValueError(f"{colour!r} is no #rrggbb")
    red, green, blue = (_linear(int(colour[at:at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(text: str, ground: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    one, other = sorted((luminance(text), luminance(ground)), reverse=True)
    return (one + 0.05) / (other + 0.05)


def faults(theme: Theme, least: float = AA) -> list[str]:
    """One sentence for each pair of the theme that is harder to read than ``least``; none for a terminal's own."""
    if theme.terminal:
        return []
    found: list[str] = []
    for text, ground in TEXT_ON:
        got = ratio(getattr(theme.palette, text), getattr(theme.palette, ground))
        if got < least:
            found.append(f"{theme.name}: {text} on {ground} has a contrast of {got:.1f}, less than {least:.1f}")
    return found


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
