"""Whatever stands in the file: a site or one UsageError, and a line for every key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import sections
from core.config.edit import disk_table
from core.config.load import load_text
from core.config.positions import Positions
from core.errors import UsageError
from core.model.site import Site

FILE = Path("/etc/taperoom/taperoom.toml")
WORDS = [*sections.TOP, *sections.RUN, *sections.HOLDING, *sections.STORAGE, *sections.DUMPTYPE, *sections.HOST,
         *sections.DISK, "run", "holding", "storage", "dumptype", "disk", "host", "interface", "requests", "retention",
         "bump", "like", "default", "main", "x"]
TEXTS = st.one_of(st.sampled_from(["", "1 GiB", "-5 GiB", "7 days", "900 Mbps", "disk:/v", "client fast", "a", "main"]),
                  st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
LEAVES = st.one_of(TEXTS, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(), st.datetimes())
KEYS = st.one_of(st.sampled_from(WORDS), st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
VALUES = st.recursive(LEAVES, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)), max_leaves=12)


def load(text: str) -> Site | None:
    try:
        return load_text(text, FILE)
    except UsageError as fault:
        assert fault.code in ("CFG002", "CFG003")
        return None


@given(st.dictionaries(KEYS, VALUES, max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_toml_is_a_site_or_one_usage_error(plain: dict[str, Any]) -> None:
    load(tomli_w.dumps(plain))


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_site_or_one_usage_error(text: str) -> None:
    load(text)
    Positions(text).line_of(("run", "x"))


@given(st.dictionaries(KEYS, VALUES, max_size=6))
@settings(max_examples=150, deadline=None)
def test_every_key_has_a_line_that_names_it(plain: dict[str, Any]) -> None:
    text = tomli_w.dumps(plain)
    positions, lines = Positions(text), text.split("\n")
    for key, value in tomllib.loads(text).items():
        line = lines[positions.line_of((key,)) - 1]
        bare = key and all(c.isascii() and (c.isalnum() or c in "-_") for c in key)
        if bare and not (isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values())):
            assert key in line


@given(st.lists(st.tuples(st.sampled_from(["a", "b.c"]), st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)), max_size=6))
@settings(max_examples=150, deadline=None)
def test_a_disk_that_is_written_is_the_disk_that_is_read(disks: list[tuple[str, str]]) -> None:
    text = "".join(disk_table(host, f"/{disk}", {}) + "\n" for host, disk in disks)
    site = load(text)
    if site is not None:
        assert [disk.key for disk in site.disks] == [(host, f"/{disk}") for host, disk in disks]
