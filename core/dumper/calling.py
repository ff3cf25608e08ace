"""Reaching a client: kept connections, and a call that can be given up while it waits.

Promises that orders are heard while a client does not answer, and that a connection that nobody wants any more is
closed.  Does not read a dump's streams.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from core.dumper.task import Task
from core.errors import PeerError
from core.model.disk import Host
from core.wire.features import CONFIRMING
from core.wire.services import sendbackup_request
from core.wire.transports import Connection, connect

_KEPT = 4
_REPLY = 60.0  # seconds that Amanda's dumper waits for the reply to sendbackup

Connect = Callable[[Host, str], Connection]


@dataclass(frozen=True, slots=True)
class Started:
    """A dump that the client has begun: its connection, the handles of its streams, the DLE that it was sent."""

    connection: Connection
    streams: dict[str, int]
    dle_xml: str


class Switchboard:
    """Connections kept for the next dump of the same host, and those whose dump is not known to be safe; a few at most."""

    def __init__(self, config: str, most: int = _KEPT) -> None:
        self._config, self._most = config, most
        self._kept: OrderedDict[tuple[str, str], Connection] = OrderedDict()
        self._unsafe: OrderedDict[str, tuple[Task, Connection]] = OrderedDict()

    def call(self, task: Task) -> Call:
        """Begin to ask the client for that dump; an earlier one of the same disk will not be confirmed any more."""
        for handle, (earlier, _) in list(self._unsafe.items()):
            if earlier.disk.key == task.disk.key:
                self._forget(handle)
        return Call(task, self._config, self._take(task))

    def _take(self, task: Task) -> Connection | None:
        connection = self._kept.pop(_key(task), None)
        if connection is not None and (_is_disturbed(connection) or not connection.keeps()):
            connection.close()
            return None
        return connection

    def hold(self, task: Task, connection: Connection) -> None:
        """A dump is whole, but the driver has not said that it is safe: its client hears nothing until `confirm`."""
        self._unsafe[task.handle] = (task, connection)
        while len(self._unsafe) > self._most:
            self._forget(next(iter(self._unsafe)))

    def confirm(self, handle: str) -> None:
        """That dump is safe; one that is not known is passed over."""
        if handle not in self._unsafe:
            return
        task, connection = self._unsafe.pop(handle)
        try:
            connection.confirm()
        except PeerError as fault:
            # It keeps its older state, and the next incremental is larger.
            print(f"DMP024 {task.disk.title}: {fault.message}", file=sys.stderr)
            connection.close()
        else:
            self.put_back(task, connection)

    def _forget(self, handle: str) -> None:
        self._unsafe.pop(handle)[1].close()

    def put_back(self, task: Task, connection: Connection) -> None:
        """A dump went well; keep the connection if its client waits for more."""
        if not connection.keeps():
            connection.close()
            return
        self._kept[_key(task)] = connection
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)[1].close()

    def close(self) -> None:
        """Close all."""
        while self._unsafe:
            self._forget(next(iter(self._unsafe)))
        while self._kept:
            self._kept.popitem()[1].close()


def _key(task: Task) -> tuple[str, str]:
    return task.disk.host.name, task.disk.dumptype.auth


def _is_disturbed(connection: Connection) -> bool:
    """A peer that waits says nothing; one that is readable has left or talks out of turn."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class Call:
    """A request for a dump, under way in a thread; `done` becomes readable when `result` may be asked."""

    def __init__(self, task: Task, config: str, kept: Connection | None) -> None:
        self._task, self._config = task, config
        self._lock = threading.Lock()
        self._given_up = False
        self._started: Started | None = None
        self._fault: BaseException | None = None
        self.done, self._ring = os.pipe2(os.O_CLOEXEC)
        threading.Thread(target=self._run, args=(kept,), name="call", daemon=True).start()

    def result(self) -> Started:
        """What came of it.  PeerError when the client cannot or will not."""
        os.close(self.done)
        if self._started is not None:
            return self._started
        assert self._fault is not None
        raise self._fault

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        os.close(self.done)
        with self._lock:
            self._given_up = True
            started = self._started
        if started is not None:
            started.connection.close()

    def _run(self, kept: Connection | None) -> None:
        started, fault = None, None
        try:
            started = self._ask(kept)
        except BaseException as raised:  # a bug of ours is raised where the result is asked for
            fault = raised
        with self._lock:
            self._started, self._fault = started, fault
            unwanted = self._given_up
        os.close(self._ring)
        if unwanted and started is not None:
            started.connection.close()

    def _ask(self, kept: Connection | None) -> Started:
        if kept is not None:
            try:
                return self._backup(kept)
            except PeerError as fault:
                # It may have left just now; only a fresh connection tells.
                if not fault.try_later:
                    raise
        host = self._task.disk.host
        return self._backup(connect(host, self._task.disk.dumptype.auth, CONFIRMING))

    def _backup(self, connection: Connection) -> Started:
        task = self._task
        try:
            body = sendbackup_request(
                task.disk, task.level, CONFIRMING, connection.features, self._config, task.datestamp)
            streams = connection.backup(body, max(_REPLY, task.disk.host.connect_timeout))
        except BaseException:
            connection.close()
            raise
        return Started(connection, streams, _dle_of(body))


def _dle_of(body: str) -> str:
    start, end = body.find("<dle>"), body.rfind("</dle>")
    return body[start:end + len("</dle>")] if 0 <= start < end else ""
