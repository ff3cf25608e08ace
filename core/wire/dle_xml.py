"""The ``<dle>`` element of a request (Amanda 3.5.1: built in server-src/diskfile.c, planner.c, dumper.c; read in amxml.c).

Promises Amanda's exact text and its inverse.  The reader is strict as Amanda's is: an element that is not known, or
comes twice where it may not, rejects the whole request.  It does not know what a program does with a `Dle`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import ProtocolError
from core.model.disk import Compression, Disk
from core.model.dump import MAX_LEVEL
from core.wire import xml
from core.wire.features import (
    XML_DATA_PATH,
    XML_ESTIMATE,
    XML_ESTIMATELIST,
    XML_LEVEL_SERVER,
    Features,
)

_PROGRAMS = {"gnutar": "GNUTAR", "dump": "DUMP", "star": "STAR"}
_COMPRESS = {
    Compression.CLIENT_FAST: "FAST", Compression.CLIENT_BEST: "BEST", Compression.CLIENT_CUSTOM: "CUSTOM",
    Compression.SERVER_FAST: "SERVER-FAST", Compression.SERVER_BEST: "SERVER-BEST",
    Compression.SERVER_CUSTOM: "SERVER-CUSTOM",
}
_SINGLE = frozenset({
    "program", "backup-program", "estimate", "calcsize", "disk", "diskdevice", "spindle", "auth", "compress", "encrypt",
    "kencrypt", "record", "index", "datapath", "exclude", "include", "dumpdate",
})
_REPEATED = frozenset({"level", "property", "script"})


@dataclass(frozen=True, slots=True)
class Choice:
    """An exclude or include element: patterns, files of patterns, and whether a missing file is no fault."""

    files: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Dle:
    """One disk of a request as the client gets it.  ``compress`` is Amanda's word, empty for none.  ``application``: the
    program is one of the Application API's, and has ``properties``."""

    program: str
    disk: str
    device: str
    levels: tuple[int, ...] = ()
    estimate: tuple[str, ...] = ()
    spindle: int = -1
    auth: str = ""
    compress: str = ""
    compress_program: str = ""
    encrypt: str = ""
    record: bool = True
    index: bool = False
    exclude: Choice = Choice()
    include: Choice = Choice()
    application: bool = False
    properties: tuple[tuple[str, tuple[str, ...]], ...] = ()


def sendbackup_dle(disk: Disk, level: int, peer: Features) -> str:
    """The element of a sendbackup request, newline included."""
    program, plugin = _program(disk)
    return "".join([
        "<dle>\n", f"  {xml.write('program', program)}\n", *_names(disk), f"  <level>{level}</level>\n",
        *_options(disk, peer), *plugin, "</dle>\n",
    ])


def sendsize_dle(disk: Disk, levels: tuple[int, ...], peer: Features) -> str:
    """The element of a sendsize request; without levels that of a selfcheck request."""
    program, plugin = _program(disk)
    server = "<server>YES</server>" if peer.has(XML_LEVEL_SERVER) and "server" in disk.dumptype.estimate else ""
    return "".join([
        "<dle>\n", f"  {xml.write('program', program)}\n", *plugin, *_estimate(disk, peer), *_names(disk),
        *(f"  <level>{level}{server}</level>\n" for level in levels),
        *([f"    <spindle>{disk.spindle}</spindle>\n"] if levels else []),
        *_options(disk, peer), "</dle>\n",
    ])


def _program(disk: Disk) -> tuple[str, list[str]]:
    name = disk.dumptype.program
    if name.lower() in _PROGRAMS:
        return _PROGRAMS[name.lower()], []
    properties = "".join(
        "    <property>\n" f"      {xml.write('name', key)}\n"
        + "".join(f"      {xml.write('value', value)}\n" for value in values) + "    </property>\n"
        for key, values in disk.dumptype.properties)
    return "APPLICATION", [
        f"  <backup-program>\n    {xml.write('plugin', name)}\n{properties}  </backup-program>\n"]


def _names(disk: Disk) -> Iterator[str]:
    yield f"  {xml.write('disk', disk.disk)}\n"
    if disk.device and disk.device != disk.disk:
        yield f"  {xml.write('diskdevice', disk.device)}\n"


def _estimate(disk: Disk, peer: Features) -> Iterator[str]:
    if not peer.has(XML_ESTIMATE):
        return
    methods = [method.upper() for method in disk.dumptype.estimate] or ["CLIENT"]
    if not peer.has(XML_ESTIMATELIST):
        methods = methods[:1]
    yield "  <estimate>" + "".join(f"{method} " for method in methods) + "</estimate>\n"


def _options(disk: Disk, peer: Features) -> Iterator[str]:
    kind = disk.dumptype
    yield f"  {xml.write('auth', kind.auth)}\n"
    word = _COMPRESS.get(kind.compress)
    if word is not None and word.endswith("CUSTOM"):
        custom = xml.write("custom-compress-program", kind.compress_program)
        yield f"  <compress>{word}\n    {custom}\n  </compress>\n"
    elif word is not None:
        yield f"  <compress>{word}</compress>\n"
    yield f"  <record>{'YES' if kind.record else 'NO'}</record>\n"
    if kind.index:
        yield "  <index>YES</index>\n"
    if peer.has(XML_DATA_PATH):
        yield "  <datapath>AMANDA</datapath>\n"
    yield from _choice("exclude", kind.exclude, kind.exclude_list)
    yield from _choice("include", kind.include, kind.include_list)


def _choice(name: str, files: tuple[str, ...], lists: tuple[str, ...]) -> Iterator[str]:
    if files or lists:
        yield f"  <{name}>\n"
        yield from (f"    {xml.write('file', value)}\n" for value in files)
        yield from (f"    {xml.write('list', value)}\n" for value in lists)
        yield f"  </{name}>\n"


def read_dles(text: str) -> tuple[Dle, ...]:
    """The disks of a request.  ProtocolError, in Amanda's words where it has some, when they are not well formed."""
    elements = xml.read(text)
    for element in elements:
        if element.name != "dle":
            raise ProtocolError(f"XML: Invalid {element.name} element")
    return tuple(_dle(element) for element in elements)


def _dle(element: xml.Element) -> Dle:
    for child in element.children:
        if child.name not in _SINGLE and child.name not in _REPEATED:
            raise ProtocolError(f"XML: Invalid {child.name} element")
    value = {name: element.value(name).strip() if name not in ("disk", "diskdevice") else element.value(name)
             for name in _SINGLE}
    if not value["program"]:
        raise ProtocolError("XML: program element missing")
    if not value["disk"]:
        raise ProtocolError("XML: disk element missing")
    if value["encrypt"] and value["encrypt"] != "SERVER-CUSTOM":
        raise ProtocolError(f"XML: encrypt '{value['encrypt'][:40]}' is not known here")
    if value["datapath"] not in ("", "AMANDA"):
        raise ProtocolError(f"XML: data-path '{value['datapath'][:40]}' is not known here")
    program = next(iter(element.all("backup-program")), None)
    compress = next(iter(element.all("compress")), None)
    return Dle(
        program=value["program"] if program is None else program.value("plugin").strip(),
        disk=value["disk"],
        device=value["diskdevice"] or value["disk"],
        levels=tuple(_number(level.text.strip(), 0, MAX_LEVEL) for level in element.all("level")),
        estimate=tuple(value["estimate"].split()),
        spindle=_number(value["spindle"] or "-1", -1, 10**6),
        auth=value["auth"],
        compress=_word(value["compress"], {"", *_COMPRESS.values()}, "compress"),
        compress_program=compress.value("custom-compress-program") if compress is not None else "",
        encrypt=value["encrypt"],
        record=_word(value["record"], {"", "YES", "NO"}, "record") != "NO",
        index=_word(value["index"], {"", "YES", "NO"}, "index") == "YES",
        exclude=_read_choice(element, "exclude"),
        include=_read_choice(element, "include"),
        application=program is not None,
        properties=tuple(_property(child) for child in program.all("property")) if program is not None else (),
    )


def _property(element: xml.Element) -> tuple[str, tuple[str, ...]]:
    for child in element.children:
        if child.name not in ("name", "value", "priority"):
            raise ProtocolError(f"XML: Invalid {child.name} element")
    return element.value("name").strip(), tuple(child.text for child in element.all("value"))


def _read_choice(element: xml.Element, name: str) -> Choice:
    found = next(iter(element.all(name)), None)
    if found is None:
        return Choice()
    for child in found.children:
        if child.name not in ("file", "list", "optional"):
            raise ProtocolError(f"XML: Invalid {child.name} element")
    return Choice(
        tuple(child.text for child in found.all("file")),
        tuple(child.text for child in found.all("list")),
        found.value("optional") == "YES",
    )


def _word(text: str, known: set[str], name: str) -> str:
    if text not in known:
        raise ProtocolError(f"XML: Invalid {name} '{text[:40]}'")
    return text


def _number(text: str, least: int, most: int) -> int:
    if len(text) > 9 or not text.removeprefix("-").isdecimal() or not text.isascii() or not least <= int(text) <= most:
        raise ProtocolError(f"XML: '{text[:20]}' is no number from {least} to {most}")
    return int(text)
