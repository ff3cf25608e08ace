"""What every dump program of the client must do, run over the registry."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clientd.programs import PROGRAMS, find_program
from clientd.programs.contract import Program, Sort, Task
from clientd.settings import read_settings
from core.errors import WorldError
from core.wire.dle_xml import Dle


@pytest.fixture(params=sorted(PROGRAMS))
def program(request: pytest.FixtureRequest) -> Program:
    return PROGRAMS[request.param]


@pytest.fixture
def task(tmp_path: Path, program: Program) -> Task:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "file").write_text("hello")
    dle = Dle(program.name, str(tmp_path / "disk"), str(tmp_path / "disk"), record=True, index=True)
    return Task(dle, "web1", read_settings({"TAPEROOM_CLIENT_STATE": str(tmp_path / "state")}))


def test_its_name_is_its_key(program: Program) -> None:
    assert find_program(program.name) is program


def test_a_good_disk_checks_well(program: Program, task: Task) -> None:
    checked = list(program.check(task))
    assert checked and all(well for well, _ in checked), checked


def test_a_dump_as_long_as_its_estimate(program: Program, task: Task) -> None:
    kib = program.estimate(task, (0, 1))
    dump = program.prepare(task, 0)
    with dump.start() as process:
        data, said = process.communicate()
    assert dump.fault(process.returncode) == ""
    assert len(data) == kib[0] * 1024
    assert all(dump.sort(line) is not Sort.STRANGE for line in said.decode().splitlines())
    dump.commit()
    dump.discard()
    assert dump.backup and dump.restore_command
    subprocess.run(["tar", "-t"], input=data, check=True, stdout=subprocess.DEVNULL)
    assert program.estimate(task, (1,))[1] <= kib[1]


def test_what_was_discarded_leaves_the_next_one_full(program: Program, task: Task) -> None:
    full = program.estimate(task, (0,))[0]
    dump = program.prepare(task, 0)
    with dump.start() as process:
        process.communicate()
    dump.discard()
    assert program.estimate(task, (1,))[1] == full


def test_faults_have_codes(program: Program, task: Task) -> None:
    gone = Task(Dle(program.name, "/no/such", "/no/such"), "web1", task.settings)
    with pytest.raises(WorldError, match="CLT021"):
        program.estimate(gone, (0,))
    with pytest.raises(WorldError, match="CLT021"):
        program.prepare(gone, 0)
    assert [text[:6] for well, text in program.check(gone) if not well] == ["CLT021"]
    dump = program.prepare(task, 0)
    assert dump.fault(-9).startswith("CLT066 ") and dump.fault(2).startswith("CLT029 ")
    dump.discard()
