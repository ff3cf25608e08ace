"""Whatever stands in an amanda.conf: a configuration or one UsageError, and every written setting comes back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.amanda.conf import Block, read_conf
from core.amanda.kinds import BLOCKS, GLOBAL
from core.errors import UsageError
from core.model.quoting import quote

WORDS = st.one_of(
    st.sampled_from([*GLOBAL, *BLOCKS, *BLOCKS["dumptype"], "define", "includefile", "{", "}", "\n", "\n", "yes", "3", "-4",
                     "1.5", "mb", "weeks", '"a"', '"amanda.conf"', '"', "#", "\\", "x", "no-hold"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(st.lists(WORDS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_configuration_or_one_usage_error(words: list[str]) -> None:
    text = " ".join(words)
    try:
        found = read_conf("amanda.conf", lambda name: text)
    except UsageError as fault:
        assert fault.code == "CFG011"
        lines = fault.message.split("amanda.conf:")
        assert len(lines) > 1
    else:
        assert found.files == ["amanda.conf"]


@given(st.dictionaries(st.sampled_from(["org", "mailto", "tapelist"]), TEXTS), st.booleans(), st.integers(-(2**40), 2**40))
@settings(deadline=None)
def test_every_setting_comes_back(texts: dict[str, str], record: bool, use: int) -> None:
    written = "".join(f'{key} "{quote(text)[1:-1] if quote(text) != text else text}"\n' for key, text in texts.items())
    written += f"define dumptype a {{\n record {'yes' if record else 'no'}\n}}\nholdingdisk h {{\n use {use} kb\n}}\n"
    found = read_conf("amanda.conf", lambda name: written)
    assert {key: found.top.get(key) for key in texts} == texts
    dumptype, holding = found.block("dumptype", "a"), found.block("holdingdisk", "h")
    assert isinstance(dumptype, Block) and isinstance(holding, Block)
    assert (dumptype.get("record"), holding.get("use")) == (record, use)
