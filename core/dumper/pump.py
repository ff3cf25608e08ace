"""One dump from the client's streams to its store.

Promises that the data which arrived is stored once and in order, that nothing is read from the client while there is
no room, and that a dump which is not good leaves nothing behind.  Orders are heard all the while.  Every fault of the
client, the disk or the taper becomes an `Ending`; none concerns the next dump.
"""

from __future__ import annotations

import select
import sys
import time
import traceback
from collections import deque

from core.dumper.calling import Started, Switchboard
from core.dumper.driver_pipe import DriverPipe
from core.dumper.filters import Filter, Plain, filter_of
from core.dumper.indexing import IndexFile
from core.dumper.sidefile import Side, SideFile, index_path, state_path
from core.dumper.stores import Store, store_of
from core.dumper.sums import keep_sums, sums_of
from core.dumper.task import Task
from core.dumper.verdict import Counts, Ending, completed, filtered_on_client, header_of, judge
from core.errors import PeerError, ProtocolError, WorldError
from core.holding.header import Header
from core.model.crc32c import crc32c
from core.model.dump import Crc, Outcome
from core.model.framesums import FrameSums
from core.model.site import Site
from core.model.units import Kib, kib_of, show_kib
from core.protocol.dumper import Abort, Confirm, Continue, NoRoom, Progress, State
from core.wire.features import CONFIRMS, INDEX_DETAIL
from core.wire.mesg import Mesg
from core.wire.transports import Connection

_PROGRESS = 0.5  # seconds between two PROGRESS
_LEAST = 1024  # bytes within the client's data timeout; less is silence, or a byte now and then could hold a dumper for ever
_AFTER_ERROR = 15.0  # seconds of silence after the client has said that it failed; a stock one may not end its streams then
_MESG_LIMIT = 64 * 1024 * 1024  # bytes of MESG; a client that says more only talks
_ALIVE = 3  # PROGRESS for each time that the driver bears silence: a dumper that waits is told from one that hangs
_AT_ONCE = 16  # reads of the wire between two looks at the driver's pipe
_GOOD = (Outcome.DONE, Outcome.STRANGE)


class _GivenUp(Exception):
    """ABORT came, or there is no driver any more."""


class Pump:
    """Carries out one task; `run` once."""

    def __init__(self, task: Task, site: Site, pipe: DriverPipe, switchboard: Switchboard) -> None:
        self._task, self._site, self._pipe, self._switchboard = task, site, pipe, switchboard
        self._began = self._told = time.monotonic()
        self._told_of = 0
        self._alive = site.run.child_timeout / _ALIVE
        self._mesg = Mesg()
        self._mesg_size = self._heard = 0
        self._store: Store | None = None
        self._filter: Filter = Plain()
        self._plain = True
        self._header: Header | None = None
        self._started: Started | None = None
        self._open: dict[int, str] = {}
        self._sides: dict[str, Side] = {}
        self._index: IndexFile | None = None
        self._backlog: deque[memoryview] = deque()
        self._poll, self._asked = select.poll(), dict[int, int]()
        self._arrived = FrameSums(crc32c)
        self._crc_out = 0

    def run(self) -> Ending:
        """Dump.  ABORTED when the dump was given up or the driver is gone; never raises."""
        ending = self._attempt()
        if ending.outcome not in _GOOD:
            if self._arrived.size:
                self._tell_progress(0.0)  # so much is lost
            self._clean_up()
        return ending

    def _attempt(self) -> Ending:
        title = self._task.disk.title
        try:
            self._store = store_of(self._task)
            dumptype = self._task.disk.dumptype
            self._filter = filter_of(dumptype.compress, dumptype.compress_program)
            self._plain = isinstance(self._filter, Plain)
            self._started = self._call()
            self._open = {handle: name for name, handle in self._started.streams.items()}
            self._open_side_files()
            self._stream(self._store, self._started)
            return self._conclude(self._store, self._started)
        except _GivenUp:
            return Ending(Outcome.ABORTED)
        except PeerError as fault:
            mid_dump = fault.code == "CLT001" and self._arrived.size
            lost = f"; {show_kib(kib_of(self._arrived.size))} had come" if mid_dump else ""
            outcome = Outcome.TRY_AGAIN if fault.try_later else Outcome.FAILED
            return Ending(outcome, f"{fault}{lost}", again=fault.again)
        except WorldError as fault:
            # A dump of that name will still be there the next time; other faults may pass.
            outcome = Outcome.FAILED if fault.code == "HLD013" else Outcome.TRY_AGAIN
            return Ending(outcome, f"{fault.code} {title}: {fault.message}")
        except ProtocolError as fault:
            return Ending(Outcome.FAILED, f"DMP016 {title}: {fault}")
        except Exception as fault:
            traceback.print_exc(file=sys.stderr)
            return Ending(Outcome.FAILED, f"DMP023 {title}: {type(fault).__name__}: {fault}")

    def _clean_up(self) -> None:
        if self._started is not None:
            self._started.connection.close()
        self._filter.close()
        if self._store is not None:
            self._store.discard()
        for side in self._sides.values():
            side.discard()

    def _call(self) -> Started:
        call = self._switchboard.call(self._task)
        try:
            while call.done not in self._wait({call.done: select.POLLIN}, None):
                self._tell_progress(self._alive)
        except _GivenUp:
            call.give_up()
            raise
        return call.result()

    def _open_side_files(self) -> None:
        task = self._task
        path = index_path(self._site, task.disk.host.name, task.disk.disk, task.datestamp, task.level)
        streams = self._open.values()
        if "INDEX" in streams:
            self._sides["INDEX"] = self._index = IndexFile(path)
        if "STATE" in streams:
            self._sides["STATE"] = SideFile(state_path(path))

    def _wait(self, wanted: dict[int, int], timeout: float | None) -> dict[int, int]:
        """What is ready of ``wanted`` within ``timeout`` seconds; orders are heard and obeyed."""
        if self._pipe.gone:  # what was just said reached nobody
            raise _GivenUp
        asked = {**dict.fromkeys(self._pipe.waits, select.POLLIN), **wanted}
        if asked != self._asked:  # mostly it is the same as the last time, thousands of times a second
            self._poll, self._asked = select.poll(), asked
            for fd, events in asked.items():
                self._poll.register(fd, events)
        seconds = self._alive if timeout is None else min(max(0.0, timeout), self._alive)
        ready = dict(self._poll.poll(seconds * 1000 + 1))
        self._pipe.listen(set(ready))
        for order in self._pipe.orders():
            match order:
                case Abort():
                    raise _GivenUp
                case Confirm(handle=handle):
                    self._switchboard.confirm(handle)
                case Continue() if self._store is not None:
                    self._store.go_on(order)
                    self._drain(self._store)
        if self._pipe.gone:
            raise _GivenUp
        return ready

    def _stream(self, store: Store, started: Started) -> None:
        """Until all streams and the filter are at their end and everything is stored."""
        connection, filter_ = started.connection, self._filter
        quiet_since, counted, streams = time.monotonic(), 0, len(self._open)
        while self._open or not filter_.ended or self._backlog:
            if self._mesg.closed and self._mesg.error is not None:
                return  # it failed and has said so; a stock client need not end its DATA then
            if self._backlog:
                self._wait_for_room(store, started)
                quiet_since = time.monotonic()
                continue
            wanted: dict[int, int] = {}
            if reading := bool(self._open) and filter_.writer < 0:
                if connection.pending:
                    self._read(connection)
                    continue
                wanted[connection.fileno()] = select.POLLIN
            if filter_.reader >= 0:
                wanted[filter_.reader] = select.POLLIN
            if filter_.writer >= 0:
                wanted[filter_.writer] = select.POLLOUT
            failed = self._mesg.error is not None
            silence = min(self._task.disk.host.data_timeout, _AFTER_ERROR if failed else float("inf"))
            patience = quiet_since + silence - time.monotonic() if reading else self._alive
            if self._arrived.size != self._told_of and self._pipe.state is State.DUMPING:
                # What came is told, also when no more comes.
                patience = min(patience, self._told + _PROGRESS - time.monotonic())
            ready = self._wait(wanted, patience)
            now = time.monotonic()
            overdue = False
            if not reading or self._heard - counted >= _LEAST or len(self._open) < streams:
                quiet_since, counted, streams = now, self._heard, len(self._open)
            else:
                overdue = now - quiet_since >= silence
            if filter_.writer in ready:
                filter_.push()
            if filter_.reader in ready:
                self._keep(filter_.take())
            if reading and connection.fileno() in ready:
                self._receive(connection)
            # Only now: this process may have slept itself, and what came meanwhile has just been read.
            if overdue and self._heard - counted < _LEAST and len(self._open) == streams:
                if failed:
                    return
                much = f"no more than {self._heard - counted} bytes" if self._heard > counted else "nothing"
                raise PeerError("DMP017", f"{self._task.disk.title}: {much} came from the client for {silence:.0f} s")
            self._tell_progress(_PROGRESS)

    def _receive(self, connection: Connection) -> None:
        """What waits, but not for long: orders want to be heard."""
        for _ in range(_AT_ONCE):
            if not self._read(connection) or self._backlog or self._filter.writer >= 0 or not self._open:
                return

    def _read(self, connection: Connection) -> bool:
        """`Connection.receive`.  Who leaves when all is said has ended its streams by that, as for Amanda's dumper."""
        try:
            return connection.receive(self._sink)
        except PeerError as fault:
            if fault.code != "CLT001" or not self._mesg.ended or not {"DATA", "INDEX"}.isdisjoint(self._open.values()):
                raise
            self._open.clear()
            return False

    def _sink(self, handle: int, piece: memoryview) -> None:
        stream = self._open.get(handle)
        if stream is None:
            return
        side = self._sides.get(stream)
        if side is None or not side.fault:  # what is only dropped could go on for ever
            self._heard += len(piece)
        if stream == "DATA":
            if len(piece):
                self._data(piece)
            else:
                self._keep(self._filter.finish())
        elif stream == "MESG":
            self._listen_to(piece)
        elif side is not None and len(piece):
            side.write(piece)
        if not len(piece):
            del self._open[handle]

    def _listen_to(self, piece: memoryview) -> None:
        self._mesg_size += len(piece)
        if self._mesg_size - self._mesg.frames_said > _MESG_LIMIT:
            raise self._nonsense("messages without end")
        try:
            self._mesg.feed(piece)
        except ProtocolError as fault:
            raise self._nonsense(str(fault)) from fault

    def _nonsense(self, text: str) -> PeerError:
        return PeerError("DMP016", f"{self._task.disk.title}: the client talks nonsense: {text}", try_later=False)

    def _data(self, piece: memoryview) -> None:
        if self._header is None:
            self._begin()
        self._arrived.add(piece)
        if self._index is not None:
            self._index.look(piece)
        self._keep(self._filter.feed(piece))

    def _begin(self) -> None:
        assert self._store is not None and self._started is not None
        if not self._mesg.info_complete:
            raise self._nonsense("data came before `sendbackup: info end`")
        self._header = header_of(self._task, self._mesg.info, self._started.dle_xml)
        try:
            self._store.begin(self._header)
        except ValueError as fault:
            raise self._nonsense(f"its description fits no header: {fault}") from fault
        tells = self._started.connection.features.has(INDEX_DETAIL)
        tar = "tar" in (self._header.application or self._header.program).lower()
        if self._index is not None and tar and not tells and not filtered_on_client(self._mesg, self._task):
            self._index.read_data()

    def _keep(self, data: memoryview | bytes) -> None:
        """Store ``data``, or as much as there is room for; the rest, at most one read of the wire, waits."""
        assert self._store is not None
        view = memoryview(data)
        if self._index is not None:
            self._index.stored(view)
        if not self._plain:
            self._crc_out = crc32c(view, self._crc_out)
        took = 0 if self._backlog or not len(view) else self._store.put(view)
        if took < len(view):
            self._backlog.append(memoryview(bytes(view[took:])))

    def _drain(self, store: Store) -> None:
        while self._backlog:
            took = store.put(self._backlog[0])
            if took < len(self._backlog[0]):
                self._backlog[0] = self._backlog[0][took:]
                return
            self._backlog.popleft()

    def _wait_for_room(self, store: Store, started: Started) -> None:
        if store.waits >= 0:
            if store.waits in self._wait({store.waits: select.POLLOUT}, None):
                self._drain(store)
            self._tell_progress(self._alive)
            return
        if self._pipe.state is State.DUMPING:
            self._tell_progress(0.0)  # the driver's account of the disk rests on it
            self._pipe.say(NoRoom(self._task.handle, store.missing(self._task.expected_kib), store.why))
        # Asked for no event, poll tells of a hang-up only: the client's stream stands still in the pipes.  A socket has
        # a word of its own for a peer that has left.
        fd = started.connection.fileno()
        if fd in self._wait({fd: select.POLLRDHUP} if self._open else {}, None):
            # What it sent before it left is little, and either whole or the end of this dump.
            while self._open and self._read(started.connection):
                pass

    def _tell_progress(self, after: float) -> None:
        """PROGRESS, unless one was said in the last ``after`` seconds."""
        now = time.monotonic()
        if now - self._told >= after and self._pipe.state is State.DUMPING:
            self._told, self._told_of = now, self._arrived.size
            size = self._store.size if self._store is not None else 0
            self._pipe.say(Progress(self._task.handle, Kib(size // 1024), Kib(self._arrived.size // 1024)))

    def _pulse(self) -> None:
        """A long piece of work goes on: orders are heard all the same, and the driver hears that somebody is there."""
        self._wait({}, 0.0)
        self._tell_progress(self._alive)

    def _conclude(self, store: Store, started: Started) -> Ending:
        data_in = self._arrived.crc
        stored = data_in if self._plain else Crc(self._crc_out, store.size)
        counts = Counts(data_in, stored, time.monotonic() - self._began)
        ending = judge(self._mesg, counts, self._task, [])
        if ending.outcome not in _GOOD:
            return ending
        assert self._header is not None
        faults = []
        for side in self._sides.values():
            side.finish(self._pulse)
            faults += [side.fault] if side.fault else []
        sums, fault = sums_of(self._mesg, self._arrived, self._task)
        faults += [fault] if fault else keep_sums(self._site, self._task, sums)
        store.finish(completed(self._header, self._mesg, counts, self._task))
        self._let_go(started.connection)
        counts = Counts(data_in, stored, time.monotonic() - self._began)
        return judge(self._mesg, counts, self._task, faults)

    def _let_go(self, connection: Connection) -> None:
        """The dump is whole; keep the connection."""
        if connection.features.has(CONFIRMS):
            # Not before the driver has written it down, or the taper has it, may the client build upon it: CONFIRM says so.
            self._switchboard.hold(self._task, connection)
        else:
            self._switchboard.put_back(self._task, connection)
