"""An amanda.conf: what is read out of it, and all its faults at once."""

from __future__ import annotations

import pytest

from core.amanda.conf import Conf, read_conf
from core.amanda.lists import Patterns, names_of, patterns_of, properties_of
from core.amanda.words import Word
from core.errors import UsageError
from tests.support.amanda_lines import REFUSED, TAKEN, text_of


def conf(text: str, **others: str) -> Conf:
    texts = {"amanda.conf": text, **{f"{name}.conf": other for name, other in others.items()}}

    def read(name: str) -> str:
        if name not in texts:
            raise FileNotFoundError(2, "No such file or directory")
        return texts[name]

    return read_conf("amanda.conf", read)


def faults(text: str, **others: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        conf(text, **others)
    assert caught.value.code == "CFG011"
    return caught.value.message.split("\n")[1:]


@pytest.mark.parametrize(("line", "key", "value"), [
    ("dumpcycle 2 weeks", "dumpcycle", 14), ("tapecycle 4 tapes", "tapecycle", 4), ("NETUSAGE 8 mbps", "netusage", 8192),
    ("bumpsize 10M", "bumpsize", 10240), ("bumpsize 10", "bumpsize", 10), ("bumpsize 1500 bytes", "bumpsize", 1),
    ("device_output_buffer_size 2M", "device-output-buffer-size", 2097152), ("bumpmult 1.25", "bumpmult", 1.25),
    ('org "a\\tb" # its name', "org", "a\tb"), ('mailto "a\\\nb"', "mailto", "a\nb"), ("runtapes 2\nruntapes 3", "runtapes", 3),
    ("autoflush all", "autoflush", "all"), ("eject-volume", "eject-volume", True), ("eject-volume OFF", "eject-volume", False),
])
def test_a_global_setting(line: str, key: str, value: object) -> None:
    assert conf(line).top.get(key) == value


def test_a_block_takes_over_another_and_changes_it() -> None:
    found = conf('define dumptype base {\n auth "bsdtcp"\n index no\n exclude "./a"\n}\n'
                 'define dumptype Mine {\n BASE # all of it\n no-hold\n index yes\n exclude append "./b"\n}\n')
    mine, base = found.block("dumptype", "mine"), found.block("dumptype", "base")
    assert mine is not None and base is not None
    assert (mine.get("auth"), mine.get("index"), mine.get("holdingdisk"), base.get("index")) == ("bsdtcp", True, "never", False)
    assert [setting.value for setting in mine.settings["exclude"]] == [
        (Word("string", "./a"),), (Word("name", "append"), Word("string", "./b"))]
    assert len(base.settings["exclude"]) == 1
    assert (mine.settings["auth"][0].line, mine.settings["index"][0].line) == (2, 9)


def test_sizes_of_holding_disks_may_be_negative() -> None:
    found = conf("holdingdisk a {\n use -10 gb\n}\ndefine holdingdisk b {\n chunksize 1 gb\n}\n")
    assert [(block.get("use"), block.get("chunksize")) for block in found.blocks["holdingdisk"].values()] == [
        (-10 * 1024 * 1024, ""), ("", 1024 * 1024)]


def test_includes_stand_where_they_are_written() -> None:
    found = conf('runtapes 1\nincludefile "more.conf"\ndefine dumptype b {\n a\n}\n',
                 more='runtapes 2\ndefine dumptype a {\n record no\n}\n')
    b = found.block("dumptype", "b")
    assert b is not None and b.get("record") is False and b.settings["record"][0].file == "more.conf"
    assert (found.top.get("runtapes"), found.files) == (2, ["amanda.conf", "more.conf"])


def test_every_fault_has_its_line() -> None:
    text = ('org daily\nbogus 3\ninparallel 4 x\ndefine dumptype a {\n later\n index perhaps\n}\n'
            'define dumptype A {\n}\ndefine thing t {\n any 3\n}\ndefine tapetype t { length 3\n}\n'
            'includefile "none.conf"\nmailto "open\n')
    assert faults(text) == [
        "amanda.conf:1: org: wanted is a text in double quotes",
        "amanda.conf:2: bogus is no keyword of amanda.conf",
        "amanda.conf:3: inparallel: x is no unit",
        "amanda.conf:5: later is no keyword of a dumptype, and no dumptype of this name is defined above",
        "amanda.conf:6: index: wanted is yes or no",
        "amanda.conf:8: dumptype A is defined already, at amanda.conf:4",
        "amanda.conf:10: 'thing' cannot be defined; known here: application, changer, device, dumptype, holdingdisk, "
        "interactivity, interface, policy, script, storage, taperscan, tapetype",
        "amanda.conf:13: length stands behind '{'; it needs a line of its own",
        "amanda.conf:15: none.conf cannot be read: No such file or directory",
        "amanda.conf:16: a text has no closing quote",
    ]


def test_a_circle_of_includes_ends() -> None:
    assert faults('includefile "a.conf"\n', a='includefile "b.conf"\n', b='\nincludefile "a.conf"\n') == [
        "b.conf:2: a.conf includes itself: amanda.conf -> a.conf -> b.conf -> a.conf"]
    # What the files would have had from each other is missing, which is nobody's fault but the circle's.
    assert faults('includefile "a.conf"\ndefine dumptype base {\n}\ndefine dumptype b {\n one\n}\nbogus 3\n',
                  a='includefile "amanda.conf"\ndefine dumptype one {\n base\n index perhaps\n}\nstorage none\n') == [
        "a.conf:1: amanda.conf includes itself: amanda.conf -> a.conf -> amanda.conf"]


def test_a_block_that_does_not_end() -> None:
    assert faults("dumpcycle 3\ndefine dumptype a {\n index\n") == ["amanda.conf:2: the dumptype a has no closing '}'"]


def test_lines_are_counted_on_after_a_joined_string() -> None:
    assert faults('mailto "a\\\nb"\nbogus\n') == ["amanda.conf:3: bogus is no keyword of amanda.conf"]


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in TAKEN.items() for line in lines])
def test_what_amanda_takes(kind: str, line: str) -> None:
    conf(text_of(kind, line))


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in REFUSED.items() for line in lines])
def test_what_amanda_refuses(kind: str, line: str) -> None:
    first = text_of(kind, line).split("\n").index(f" {line}".split("\n")[0] if kind else line) + 1
    assert any(fault.startswith(f"amanda.conf:{first}: ") for fault in faults(text_of(kind, line)))


def test_lists_add_up_as_in_amanda() -> None:
    found = conf('define script s {\n plugin "p"\n}\n'
                 'define dumptype base {\n exclude "a"\n exclude list optional "l"\n script s\n'
                 ' property "P" "1"\n}\ndefine dumptype child {\n base\n exclude append "b"\n property "Q" "1"\n'
                 ' property append "p" "2"\n}\ndefine dumptype over {\n base\n exclude "c"\n exclude list ""\n}\n'
                 "define dumptype twice {\n child\n base\n}\n")
    child, over, twice = (found.block("dumptype", name) for name in ("child", "over", "twice"))
    assert child is not None and over is not None and twice is not None
    assert patterns_of(child, "exclude") == Patterns(("a", "b"), ("l",), False)
    assert patterns_of(over, "exclude") == Patterns(("c",), (), False)
    assert patterns_of(twice, "exclude") == Patterns(("a",), ("l",), True)
    assert properties_of(child) == {"p": ("1", "2"), "q": ("1",)}
    assert properties_of(twice) == {"p": ("1",), "q": ("1",)}
    assert names_of(twice, "script") == ["s", "s"]


def test_what_stands_between_braces_of_its_own() -> None:
    found = conf('define dumptype a {\n application {\n  plugin "amgtar"\n  property "X" "1"\n }\n index no\n}\n')
    a = found.block("dumptype", "a")
    assert a is not None and a.get("index") is False
    application = found.block("application", str(a.get("application")))
    assert application is not None and application.get("plugin") == "amgtar" and properties_of(application) == {"x": ("1",)}
