"""The rules of the house, kept by a machine: who may import whom, how long a file is, and that the docs are not stale."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.codes import AREAS, PAGES
from core.events.event import ChildDied
from core.protocol.describe import pages

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "clientd", "tui", "themes")
LONGEST = 400


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_no_file_has_more_than_one_job() -> None:
    long = {str(p.relative_to(ROOT)): n for p in sources() if (n := len(p.read_text().splitlines())) > LONGEST}
    assert not long, f"longer than {LONGEST} lines: {long}"


def test_no_drawer_for_odds_and_ends() -> None:
    bad = [p for p in sources() if re.search(r"(^|_)(utils?|helpers?|misc|manager)$", p.stem)]
    assert not bad


def test_no_pattern_is_one_that_older_pythons_get_wrong() -> None:
    """Python 3.11.2, which Debian 12 has, goes on in the wrong place behind a group that is repeated without giving back."""
    bad = [f"{p.relative_to(ROOT)}:{number}" for p in sources() for number, line in enumerate(p.read_text().splitlines(), 1)
           if re.search(r"\)(?:[*+?]|\{[0-9,]+\})\+[^=]|\(\?>", line)]
    assert not bad


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(p.relative_to(ROOT)) for p in sources()
        if p.read_text().strip() and not p.read_text().lstrip().startswith(('"""', '#!'))
    ]
    assert not silent


def test_imports_go_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.fail("import-linter is not installed; make test installs it")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_protocol_pages_are_not_stale() -> None:
    for name, text in pages().items():
        assert (ROOT / "docs" / "protocol" / name).read_text() == text, f"docs/protocol/{name} is stale; run: make docs"


def test_man_pages_are_not_stale() -> None:
    from core.manual.__main__ import pages as manual

    there = {path.name: path.read_text() for path in (ROOT / "docs/man").iterdir()}
    assert there == manual(), "docs/man is stale; run: make docs"
    installed = (ROOT / "pyproject.toml").read_text()
    for name in there:
        assert f'"docs/man/{name}" = "share/man/man{name[-1]}/{name}"' in installed, f"{name} is not installed"


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", [
    "import core.cli.main", "import core.amdump.__main__", "import core.driver.__main__", "import core.planner.__main__",
    "import core.dumper.__main__", "import core.taper.__main__", "import core.client.session",
])
def test_no_program_but_the_console_loads_textual(statement: str) -> None:
    assert "textual" not in modules_after(statement)


@pytest.mark.parametrize("statement", ["import core.dumper.__main__", "import core.taper.__main__"])
def test_the_data_path_starts_light(statement: str) -> None:
    loaded = modules_after(statement)
    assert not loaded & {"asyncio", "typer", "rich", "pydantic"}


def test_a_restore_starts_light() -> None:
    loaded = modules_after("import core.cli.recovery, core.cli.forecast, core.restore.recover, core.report.text")
    assert not loaded & {"typer", "rich", "pydantic", "core.events.event", "core.restore.byhand", "core.report.lines"}


def test_the_client_needs_only_python() -> None:
    statement = ("import clientd.amandad, clientd.services.sendbackup, clientd.services.sendsize, clientd.services.selfcheck,"
                 " clientd.services.restore")
    ours = {name.split(".")[0] for name in modules_after(statement)} - set(sys.stdlib_module_names)
    assert ours <= {"core", "clientd", "isal", "crc32c", "zlib_ng", "_virtualenv"} | {
        n for n in ours if n.startswith(("_", "sitecustomize", "distutils"))}
    core = {name for name in modules_after(statement) if name.startswith("core.")}
    assert all(name.split(".")[1] in ("wire", "landing", "model", "errors", "codes") for name in core), core


def test_every_code_has_a_page_that_says_what_to_do() -> None:
    assert len(PAGES) == sum(len(area.PAGES) for area in AREAS), "a code stands twice"
    for code, page in PAGES.items():
        assert re.fullmatch(r"[A-Z]{3}\d{3}", code) and page.severity in "ADEWI"
        assert page.title and page.meaning and page.action


def test_every_code_that_is_used_has_a_page() -> None:
    ours = re.compile(r'"((?:CFG|CLT|DMP|HLD|TAP|RUN|RST|TUI|PLN|VFY|AMA)\d{3})\b')
    used = {code for p in sources() for code in ours.findall(p.read_text())}
    assert not used - set(PAGES), f"no page in core/codes for {sorted(used - set(PAGES))}"


def reasons_of(call: ast.Call) -> list[str]:
    """How each reason that is written in a call begins; one that is made elsewhere has been looked at there."""
    found = []
    for word in call.args:
        first = word.values[0] if isinstance(word, ast.JoinedStr) and word.values else word
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and " " in first.value:
            found.append(first.value)
        elif isinstance(word, ast.JoinedStr):
            found.append(ast.unparse(word))
    return found


def test_every_reason_that_the_engine_gives_for_a_dump_or_storage_that_fails_has_a_code() -> None:
    """`x` on a failed disk has a page to open then, and the report a remedy."""
    ends = {"end", "abort", "cut_off", "give_up", "_give_up", "_failed", "DumpRetried"}
    good = {"on the holding disk"}  # where a dump stays that no storage is to have
    bare = []
    for path in (ROOT / "core" / "engine").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] not in ends:
                continue
            bare += [f"{path.name}: {text}" for text in reasons_of(node) if text[:6] not in PAGES and text not in good]
    assert not bare


@pytest.mark.parametrize(("child", "code"), [("dumper3", "DMP029"), ("taper0", "TAP027")])
def test_the_death_of_a_child_has_a_code_with_a_page(child: str, code: str) -> None:
    assert ChildDied(child, "signal 9", "").code == code and code in PAGES


def test_nothing_names_the_machine_it_was_made_on() -> None:
    if shutil.which("git") is None:
        pytest.skip("NOT TESTED: git is not installed, so what is committed is not known")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("NOT TESTED: this is no git checkout, so what is committed is not known")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix in (".py", ".md", ".toml", ".sh", ".txt", ".tcss", ""):
            assert str(ROOT) not in path.read_text(errors="replace"), name


@pytest.mark.parametrize("language", ["planner", "dumper", "taper", "operator"])
def test_every_word_of_a_pipe_is_spoken_somewhere(language: str) -> None:
    module = __import__(f"core.protocol.{language}", fromlist=["VOCABULARY"])
    program = "\n".join(
        p.read_text() for package in ("core", "tui") for p in (ROOT / package).rglob("*.py") if "protocol" not in p.parts)
    silent = [m.VERB for m in module.VOCABULARY.messages.values() if not re.search(rf"\b{m.__name__}\(", program)]
    assert not silent, f"declared and never said: {silent}"


def test_what_talks_to_a_real_peer_is_marked_so() -> None:
    """make test-interop goes by the mark."""
    silent = [path.name for path in (ROOT / "tests/interop").glob("test_*.py") if "mark.interop" not in path.read_text()]
    assert not silent
