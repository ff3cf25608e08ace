"""Loaded by every Python program of a run under a crash test: kills a process at a named point, and notes what is durable.

A *point* is a record of the journal (``before X`` and ``after X`` it is on disk), a line of a pipe as the driver sends or
reads it (``driver>dumper0 FILE-DUMP``), something on a client's wire (``client out REP``), or a step of a dumper or taper
that changes names or makes data durable (``taper rename``).  Which occurrence of which point kills whom stands in
``$TAPEROOM_CRASH/target.json``; without that file the points and who lived then are recorded.  The program stands still at
the point until the victim is dead, so nothing depends on time.
"""

from __future__ import annotations

import os
import sys

_DIR = os.environ.get("TAPEROOM_CRASH", "")
_NAMES = {"core.amdump": "amdump", "core.planner": "planner", "core.driver": "driver", "core.taper": "taper",
          "core.dumper": "dumper", "clientd.amandad": "amandad"}
_counts: dict[str, int] = {}
_me = ""
"""what this process is, if it was forked and is not to be seen in its command line"""
_PLAIN = {name: getattr(os, name) for name in ("rename", "replace", "unlink", "remove", "mkdir", "fsync", "fdatasync")}
_STEPS = {"dumper": ("rename", "replace", "unlink", "mkdir", "fsync"), "driver": ("unlink",)}
_STEPS["taper"] = _STEPS["dumper"]
"""Whose changes of names and fsyncs are points, right after they were done."""
_ALONE = ("dumper ", "taper ", "driver unlink")
_MANY = ("client ", *_ALONE)
"""Several processes come by these points: they are counted together."""


def _append(name: str, text: str) -> None:
    fd = os.open(os.path.join(_DIR, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(fd, text.encode("utf-8", "surrogateescape"))
    finally:
        os.close(fd)


def _target() -> dict[str, object]:
    import json

    try:
        with open(os.path.join(_DIR, "target.json"), "rb") as file:
            found: dict[str, object] = json.load(file)
            return found
    except FileNotFoundError:
        return {}


def processes_of(directory: str) -> dict[str, list[int]]:
    """The processes of the run that is controlled by ``directory``, by their name."""
    token = f"TAPEROOM_CRASH={directory}".encode()
    commands: dict[int, tuple[list[bytes], int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if token not in file.read().split(b"\0"):
                    continue
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue
        if state not in (b"Z", b"X"):
            commands[int(name)] = (words, int(parent))
    kinds = _forked(directory)
    for pid, (words, parent) in commands.items():
        kind = "console" if b"tui" in words else ""
        for word, called in _NAMES.items():
            if word.encode() in words:
                kind = called
        if os.path.basename(words[0]) == b"tar":
            kind = "tar"
        if kind == "amandad" and b"clientd.amandad" in commands.get(parent, ([], 0))[0]:
            kind = "service"
        kinds[pid] = kind or "other"
    found: dict[str, list[int]] = {}
    dumpers = 0
    for pid, kind in sorted(kinds.items()):
        if kind == "dumper":
            kind, dumpers = f"dumper{dumpers}", dumpers + 1
        found.setdefault(kind, []).append(pid)
    return found


def _forked(directory: str) -> dict[int, str]:
    """Processes that were forked and live: what they said they are (`born`)."""
    found: dict[int, str] = {}
    try:
        with open(os.path.join(directory, "processes"), encoding="ascii") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return found
    for line in lines:
        pid, since, kind = line.split()
        if _since(int(pid)) == since:
            found[int(pid)] = kind
    return found


def _since(pid: int) -> str:
    """When a process began, in the kernel's words; empty when it has ended, which it has not while a thread of it still holds
    its files."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") and int(fields[17]) < 2 else fields[19].decode()


def born(program: str = "", directory: str = "") -> None:
    """This process was forked and is that program, or what its parent makes of it."""
    global _me, _DIR
    if not (program or _me):
        return
    _DIR = directory or _DIR
    _me = _NAMES[program] if program else "service" if _me == "amandad" else "other"
    _append("processes", f"{os.getpid()} {_since(os.getpid())} {_me}\n")


def _kill(pids: list[int]) -> None:
    """All of them; a process of its own does it, since another thread of this one may end it as soon as the first is dead."""
    if (child := os.fork()) > 0:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()  # what a group is told when its parent dies is not for this one
        _stop_and_kill(pids)
    finally:
        os._exit(0)


def _stop_and_kill(pids: list[int]) -> None:
    import select
    import signal

    handles = []
    for pid in pids:
        try:
            handles.append(os.pidfd_open(pid))
            os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError:
            pass
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for handle in handles:
        select.select([handle], [], [])  # readable when the process is dead
        os.close(handle)


def _ask(point: str) -> None:
    """Somebody wants to do something at every point of the driver: stand still until it is done."""
    if point.startswith(_MANY):
        return
    with open(os.path.join(_DIR, "ask"), "w", encoding="utf-8") as ask:
        ask.write(point + "\n")
    with open(os.path.join(_DIR, "go"), "rb") as go:
        go.read()


def reached(point: str) -> None:
    """The program is at ``point``."""
    if os.path.exists(os.path.join(_DIR, "ask")):
        _ask(point)
        return
    target = _target()
    if target and target["point"] != point:
        return
    if point.startswith(_MANY):
        _append("clients", point + "\n")
        with open(os.path.join(_DIR, "clients"), encoding="utf-8", errors="surrogateescape") as file:
            nth = file.read().split("\n").count(point)
    else:
        nth = _counts[point] = _counts.get(point, 0) + 1
    if not target:
        alive_now = ["self"] if point.startswith(_ALONE) else sorted(processes_of(_DIR))
        _append("points", f"{point}\t{nth}\t{','.join(alive_now)}\n")
        return
    if target["nth"] != nth or os.path.exists(os.path.join(_DIR, "fired")):
        return
    alive, me, victim = processes_of(_DIR), os.getpid(), str(target["victim"])
    pids = [pid for kind in alive for pid in alive[kind]] if victim == "all" else alive.get(victim, [])
    if victim == "self":
        pids = [me]
    if not pids:
        _append("absent", victim)
        return
    _append("fired", victim)
    if pids == [me]:
        os.kill(me, 9)
    _kill(sorted(pids, key=lambda pid: pid != me))  # it stands still first


def _driver(module: object) -> None:
    journal, traffic = module.Journal, module.Traffic  # type: ignore[attr-defined]
    add, commit, note = journal.add, journal.commit, traffic.note

    def add_(self: object, event: object) -> object:
        self.__dict__.setdefault("crash_kinds", []).append(type(event).__name__)
        return add(self, event)

    def commit_(self: object) -> object:
        kinds = self.__dict__.pop("crash_kinds", [])
        for kind in kinds:
            reached(f"before {kind}")
        done = commit(self)
        for kind in kinds:
            reached(f"after {kind}")
        return done

    def note_(self: object, source: str, target: str, line: bytes) -> None:
        note(self, source, target, line)
        word = line.split(b" ", 1)[0].decode("utf-8", "replace")
        if word != "PROGRESS":
            known = word.isupper() and "-" not in word[:1] and word.replace("-", "").isalpha()
            reached(f"{source}>{target} {word if known else 'a disk'}")

    journal.add, journal.commit, traffic.note = add_, commit_, note_


def _packets(module: object) -> None:
    encode, add = module.encode, module.Assembler.add  # type: ignore[attr-defined]

    def encode_(handle: int, packet: object) -> object:
        reached(f"client out {_title(packet)}")
        return encode(handle, packet)

    def add_(self: object, piece: memoryview) -> object:
        packet = add(self, piece)
        if packet is not None:
            reached(f"client in {_title(packet)}")
        return packet

    module.encode, module.Assembler.add = encode_, add_  # type: ignore[attr-defined]


def _title(packet: object) -> str:
    first = str(packet.body).split("\n", 1)[0]  # type: ignore[attr-defined]
    service = f" {first.split()[1]}" if first.startswith("SERVICE ") else ""
    return f"{packet.kind.name}{service}"  # type: ignore[attr-defined]


def _streams(module: object) -> None:
    kind = module.WireStreams  # type: ignore[attr-defined]
    write, relay, end, confirmed = kind.write, kind.relay, kind.end, kind.confirmed

    def write_(self: object, name: str, data: bytes) -> None:
        if len(data) and name != "DATA":
            reached(f"client stream {name}")
        write(self, name, data)
        if name == "DATA" and len(data):
            reached("client stream DATA")

    def relay_(self: object, name: str, source: int) -> object:
        send = relay(self, name, source)
        if send is None:
            return None

        def send_(size: int, take: object) -> None:
            send(size, take)
            reached(f"client stream {name}")

        return send_

    def end_(self: object, name: str) -> None:
        end(self, name)
        reached(f"client end {name}")

    def confirmed_(self: object) -> bool:
        found: bool = confirmed(self)
        reached("client confirmed")
        return found

    kind.write, kind.relay, kind.end, kind.confirmed = write_, relay_, end_, confirmed_


def _snapshots(module: object) -> None:
    kind = module.Snapshot  # type: ignore[attr-defined]
    commit = kind.commit

    def commit_(self: object) -> None:
        commit(self)
        reached("client committed")

    kind.commit = commit_


def _gnutar(module: object) -> None:
    kind = module.TarDump  # type: ignore[attr-defined]
    start = kind.start

    def start_(self: object) -> object:
        process = start(self)
        reached("client tar started")
        return process

    kind.start = start_


_CLIENT = {"core.wire.packets": _packets, "clientd.streams": _streams, "clientd.snapshots": _snapshots,
           "clientd.programs.gnutar": _gnutar}
_DRIVER = {"core.driver.journal": _driver}


class _Finder:
    """Changes a module right after it was loaded."""

    def __init__(self, wanted: dict[str, object]) -> None:
        self._wanted = wanted

    def find_spec(self, name: str, path: object, target: object = None) -> object:
        change = self._wanted.get(name)
        if change is None:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def exec_module(module: object) -> None:
            load(module)  # type: ignore[arg-type]
            change(module)  # type: ignore[operator]

        spec.loader.exec_module = exec_module  # type: ignore[method-assign, assignment]
        return spec


def _steps(program: str) -> None:
    for name in _STEPS[program]:
        setattr(os, name, _step(getattr(os, name), f"{program} {name}"))


def _step(call: object, point: str) -> object:
    def stepped(*words: object, **more: object) -> object:
        done = call(*words, **more)  # type: ignore[operator]
        reached(point)
        return done

    return stepped


def _note_what_is_durable() -> None:
    """What fsync made durable goes to ``durable``; what is removed or replaced is kept by a link in ``graveyard``."""
    import json
    import stat

    fsync, fdatasync = os.fsync, os.fdatasync
    rename, replace, unlink = os.rename, os.replace, os.unlink

    def synced(fd: object) -> None:
        number = fd if isinstance(fd, int) else fd.fileno()  # type: ignore[attr-defined]
        found = os.fstat(number)
        if stat.S_ISDIR(found.st_mode):
            with os.scandir(number) as entries:
                names = {entry.name: entry.inode() for entry in entries}
            fact: dict[str, object] = {"directory": found.st_ino, "names": names}
        else:
            fact = {"file": found.st_ino, "size": found.st_size}
        _append("durable", json.dumps(fact) + "\n")

    def bury(path: object) -> None:
        try:
            found = os.lstat(path)  # type: ignore[call-overload]
            if stat.S_ISREG(found.st_mode):
                os.link(path, os.path.join(_DIR, "graveyard", str(found.st_ino)), follow_symlinks=False)  # type: ignore[arg-type]
        except OSError:
            pass

    def fsync_(fd: object) -> None:
        fsync(fd)  # type: ignore[arg-type]
        synced(fd)

    def fdatasync_(fd: object) -> None:
        fdatasync(fd)  # type: ignore[arg-type]
        synced(fd)

    def rename_(source: object, target: object, **more: object) -> None:
        bury(target)
        rename(source, target, **more)  # type: ignore[arg-type]

    def replace_(source: object, target: object, **more: object) -> None:
        bury(target)
        replace(source, target, **more)  # type: ignore[arg-type]

    def unlink_(path: object, **more: object) -> None:
        bury(path)
        unlink(path, **more)  # type: ignore[arg-type]

    os.fsync, os.fdatasync = fsync_, fdatasync_  # type: ignore[assignment]
    os.rename, os.replace, os.unlink, os.remove = rename_, replace_, unlink_, unlink_  # type: ignore[assignment]


def _changes(words: list[str]) -> dict[str, object]:
    return _DRIVER if "core.driver" in words else _CLIENT if "clientd.amandad" in words else {}


def _watch(words: list[str]) -> None:
    """The calls of `os` that are points, or make something durable."""
    if os.path.isdir(os.path.join(_DIR, "graveyard")):
        _note_what_is_durable()
    for program in _STEPS:
        if f"core.{program}" in words:
            _steps(program)


def enter(words: list[str], watched: bool) -> None:
    """A process that was forked, with everything loaded, becomes the program of that command line."""
    _counts.clear()
    for name, call in _PLAIN.items():
        setattr(os, name, call)  # its parent's were perhaps not
    if not watched:
        return
    for name, change in _changes(words).items():
        module = sys.modules[name]
        before = dict(vars(module))
        change(module)  # type: ignore[operator]
        for other in list(sys.modules.values()):  # which have some of its names as their own
            for key, value in before.items():
                if vars(module)[key] is not value and vars(other).get(key) is value:
                    setattr(other, key, vars(module)[key])
    _watch(words)


os.register_at_fork(after_in_child=born)
if _DIR:
    if _changes(sys.orig_argv):
        sys.meta_path.insert(0, _Finder(_changes(sys.orig_argv)))
    _watch(sys.orig_argv)
