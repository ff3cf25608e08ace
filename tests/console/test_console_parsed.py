"""Style sheets that are parsed once: the same text and theme give the same rules, and another theme gives its own."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet

from tui import parsed

CSS = "Label { color: $warm; }"


def rules_of(warm: str, css: str = CSS) -> list[object]:
    sheet = Stylesheet(variables={"warm": warm})
    sheet.add_source(css, read_from=("here", ""))
    sheet.parse()
    return list(sheet.rules)


def test_the_same_text_and_theme_are_parsed_once() -> None:
    parsed.share()
    first = rules_of("#102030")
    assert [id(rule) for rule in rules_of("#102030")] == [id(rule) for rule in first]


def test_another_theme_or_text_has_its_own_rules() -> None:
    parsed.share()
    warm, cold = rules_of("#102030")[0], rules_of("#405060")[0]
    assert warm.styles.color.hex == "#102030" and cold.styles.color.hex == "#405060"  # type: ignore[attr-defined]
    other = rules_of("#102030", "Label { color: red; }")[0]
    assert other.styles.color.hex != "#102030"  # type: ignore[attr-defined]


def test_a_sheet_that_reads_itself_again_takes_the_theme_that_is_worn_now() -> None:
    parsed.share()
    sheet = Stylesheet(variables={"warm": "#102030"})
    sheet.add_source(CSS, read_from=("here", ""))
    sheet.parse()
    sheet.set_variables({"warm": "#405060"})
    sheet.reparse()
    assert sheet.rules[0].styles.color.hex == "#405060"


def test_sharing_twice_is_sharing_once() -> None:
    parsed.share()
    once = Stylesheet._parse_rules
    parsed.share()
    assert Stylesheet._parse_rules is once
