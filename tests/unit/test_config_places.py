"""Positions of keys, finding the file, editing the disklist, the first file."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from core.config.edit import add_disk, remove_disk, toml_text
from core.config.faults import nearest, show_key
from core.config.find import find_config, user_dir
from core.config.first import Answers, first_config, places_for
from core.config.load import load_site, load_text
from core.config.positions import Positions
from core.errors import UsageError
from core.migration import source

TOML = '''\
# a comment = 1
org = "x" # not = this
"odd key" = """two
lines = 3 """
[run]
dumpcycle = '7 days'
requests = { "HLD*" = { reply = "a", after = "b" }, X = { reply = "c" } }
[storage.main.retention]
tapes = 1
[[disk]]
host = "a\\"b"
exclude = [
  "one", # [
  'two]',
]
[[disk]]
a.b = 1
[disk.bump]
size = 2
'''


@pytest.mark.parametrize(("path", "line"), [
    (("org",), 2), (("odd key",), 3), (("run",), 5), (("run", "dumpcycle"), 6), (("run", "requests"), 7),
    (("run", "requests", "X", "reply"), 7), (("storage", "main", "retention", "tapes"), 9), (("disk",), 10),
    (("disk", 0), 10), (("disk", 0, "exclude"), 12), (("disk", 0, "exclude", 1), 14), (("disk", 1), 16),
    (("disk", 1, "a", "b"), 17), (("disk", 1, "bump", "size"), 19), (("disk", 0, "missing"), 10), (("nothing",), 1),
])
def test_lines_of_keys(path: tuple[str | int, ...], line: int) -> None:
    assert Positions(TOML).line_of(path) == line


def test_all_lines_of_a_table() -> None:
    positions = Positions(TOML)
    assert positions.lines_of(("disk", 0)) == {10, 11, 12, 13, 14, 15}
    assert positions.lines_of(("disk", 1)) == {16, 17, 18, 19}


@pytest.mark.parametrize("text", ["[", "[[a", "a", "a = ", 'a = "', "a = [", "a = {", "= 1", "a = [1", "\\"])
def test_a_text_that_breaks_off_gives_what_was_found(text: str) -> None:
    assert Positions(f"x = 1\n{text}").line_of(("x",)) == 1


def test_keys_and_names_for_people() -> None:
    assert show_key(("disk", 2, "a b")) == "disk[3].'a b'"
    assert show_key(()) == "file"
    assert nearest("x", []) == "; there is none"
    assert nearest("zzz", [f"name{n:02d}" for n in range(30)]).endswith("name19, …")


def test_finding_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    system, home = tmp_path / "etc", tmp_path / "home"
    env = {"HOME": str(home)}
    with pytest.raises(UsageError) as caught:
        find_config("", env, system)
    assert caught.value.code == "CFG001"
    assert caught.value.message == (f"no configuration was found; looked for ./taperoom.toml, "
                                    f"{home}/.config/taperoom/taperoom.toml, {system}/taperoom.toml")
    assert caught.value.hint == "name one with --config FILE, or write a first one with 'taperoom init'"
    for place in (system, home / ".config" / "taperoom", tmp_path):
        place.mkdir(parents=True, exist_ok=True)
        (place / "taperoom.toml").touch()
        assert find_config("", env, system).absolute() == place / "taperoom.toml"
    other = tmp_path / "other.toml"
    other.touch()
    assert find_config("", env | {"TAPEROOM_CONFIG": str(other)}, system) == other
    assert find_config(str(system), env | {"TAPEROOM_CONFIG": str(other)}, system) == system / "taperoom.toml"


def test_a_bare_word_names_a_configuration(tmp_path: Path) -> None:
    system = tmp_path / "etc"
    (system / "weekly").mkdir(parents=True)
    (system / "weekly" / "taperoom.toml").touch()
    (system / "nightly.toml").touch()
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert find_config("weekly", env, system) == system / "weekly" / "taperoom.toml"
    assert find_config("nightly", env, system) == system / "nightly.toml"
    assert user_dir(env) == tmp_path / "xdg" / "taperoom"
    with pytest.raises(UsageError) as caught:
        find_config("monthly", env, system)
    assert (caught.value.code, caught.value.message) == ("CFG002", "monthly: there is no such file (named by --config)")
    with pytest.raises(UsageError, match=r"named by TAPEROOM_CONFIG"):
        find_config("", env | {"TAPEROOM_CONFIG": "./gone.toml"}, system)


def close(monkeypatch: pytest.MonkeyPatch, *places: Path) -> None:
    """The working directory, and these, may not be looked into, as root's may not after su."""
    real = os.stat

    def stat(path: Any, *words: Any, **more: Any) -> os.stat_result:
        if not isinstance(path, int) and (not os.path.isabs(path) or any(Path(path).is_relative_to(place) for place in places)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return real(path, *words, **more)

    monkeypatch.setattr(os, "stat", stat)


def test_a_place_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system, home = tmp_path / "etc", {"HOME": str(tmp_path / "home")}
    system.mkdir()
    (system / "nightly.toml").touch()
    (system / "taperoom.toml").touch()
    with monkeypatch.context() as patch:
        close(patch)
        assert find_config("nightly", home, system) == system / "nightly.toml"
        assert find_config("", home, system) == system / "taperoom.toml"
    for name in ("nightly", "", str(system / "nightly.toml")):
        with monkeypatch.context() as patch, pytest.raises(UsageError, match=f"; this user may not look into {system} "):
            close(patch, system)
            find_config(name, home, system)


def test_a_configuration_of_amanda_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "SYSTEM", tmp_path)
    (tmp_path / "daily").mkdir()
    (tmp_path / "daily/amanda.conf").touch()
    with monkeypatch.context() as patch:
        close(patch)
        assert source.find_directory("daily") == tmp_path / "daily"
    with monkeypatch.context() as patch, pytest.raises(UsageError) as caught:
        close(patch, tmp_path / "daily")
        source.find_directory("daily")
    assert (caught.value.code, caught.value.message) == ("AMA001", f"daily: this user may not look into {tmp_path}/daily")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "taperoom.toml"
    path.write_text('# mine\norg = "x"   # kept\n\n[[disk]]   # the first\nhost = "a"\ndisk = "/x"\n\n'
                    '# about b\n[[disk]]\nhost = "b"\ndisk = "/y"\nexclude = [\n  "./z",\n]\n\n[run]\nruntapes = 2\n')
    path.chmod(0o640)
    return path


def test_adding_keeps_everything(file: Path) -> None:
    before = file.read_text()
    add_disk(file, "c", 'with "quotes"\nand lines', {"device": "/d", "exclude": ["./a"], "spindle": 2})
    assert file.read_text().startswith(before)
    disk = load_site(file).disks[2]
    assert (disk.disk, disk.device, disk.dumptype.exclude, disk.spindle) == (
        'with "quotes"\nand lines', "/d", ("./a",), 2)
    assert file.stat().st_mode & 0o777 == 0o640


def test_removing_keeps_comments_and_the_rest(file: Path) -> None:
    remove_disk(file, "b", "/y")
    assert file.read_text() == ('# mine\norg = "x"   # kept\n\n[[disk]]   # the first\nhost = "a"\ndisk = "/x"\n\n'
                                '# about b\n\n[run]\nruntapes = 2\n')
    remove_disk(file, "a", "/x")
    assert load_site(file).disks == ()
    assert os.listdir(file.parent) == ["taperoom.toml"]


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "sub" / "link.toml"
    link.parent.mkdir()
    link.symlink_to(file)
    add_disk(link, "c", "/z", {})
    assert link.is_symlink()
    assert len(load_site(file).disks) == 3


@pytest.mark.parametrize(("host", "disk", "message"), [
    ("a", "/x", "a:/x is in the disklist already"),
    ("a", "_x", "the file would have faults after that, so it is left as it was"),
])
def test_what_cannot_be_added(file: Path, host: str, disk: str, message: str) -> None:
    before = file.read_text()
    with pytest.raises(UsageError) as caught:
        add_disk(file, host, disk, {})
    assert caught.value.code == "CFG004"
    assert caught.value.message.split("\n")[0] == message
    assert file.read_text() == before


def test_what_cannot_be_removed(file: Path) -> None:
    with pytest.raises(UsageError) as caught:
        remove_disk(file, "a", "/nothing")
    assert (caught.value.code, caught.value.message) == ("CFG004", "a:/nothing is not in the disklist")
    with pytest.raises(UsageError, match="cannot be read"):
        remove_disk(file.parent / "gone", "a", "/x")


def test_texts() -> None:
    import tomllib

    for text in ('a"b', "a\\b", "a\nb\tc\rd\be\ff\x01\x7f", "ü"):
        assert tomllib.loads(f"x = {toml_text(text)}")["x"] == text


@pytest.mark.parametrize("answers", [
    Answers(),
    Answers(org="big", slots=2000, holding="", disks=(("localhost", "/etc"), ("web1", '/a "b"')),
            local=frozenset({"localhost"}), addresses=(("web1", "10.0.0.1"),)),
    Answers(slots=2, compress="none", dumpcycle="3 days", volumes="/v w", state_dir="/s \\ t"),
])
def test_the_first_file_loads(answers: Answers) -> None:
    site = load_text(first_config(answers), Path("/x/taperoom.toml"))
    assert [disk.key for disk in site.disks] == list(answers.disks)
    assert [disk.dumptype.auth for disk in site.disks] == [
        "local" if disk.host.name in answers.local else "ssh" for disk in site.disks]
    assert str(site.state_dir) == answers.state_dir
    assert bool(site.holding) == bool(answers.holding)


def test_places_of_a_new_site() -> None:
    assert places_for("x", True, Path("/root")) == ("/var/lib/taperoom/x", "/var/spool/taperoom", "/srv/vtapes")
    assert places_for("x", False, Path("/home/a"))[0] == "/home/a/.local/state/taperoom/x"
