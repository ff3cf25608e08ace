"""The transport tls for tests: an authority in a directory, an enrolled client, its real listener, and foreign peers."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from clientd.tls.identity import install
from core.model.disk import Host
from core.trust.authority import Authority, authority_of
from core.wire.bundle import Bundle
from core.wire.transports.tls import AUTHORITY, SERVER
from tests.support.client import ROOT

PATIENCE = 30.0


class Ends:
    """The directories of an authority and of one of its clients."""

    def __init__(self, server: Path, client: Path, name: str = "web1") -> None:
        self.server, self.client, self.name = server, client, name

    @property
    def authority(self) -> Authority:
        """The authority, made when there is none."""
        return authority_of(self.server, "daily", time.time())[0]

    def enrol(self, *, days: int = 30, made: float = 0.0) -> Bundle:
        """Issue a certificate ``made`` days from now and install it on the client."""
        bundle = self.authority.issue(self.name, 10085, days, time.time() + made * 86400)
        install(bundle.text(), self.client)
        return bundle

    def host(self, port: int, name: str = "", timeout: float = 20.0) -> Host:
        """The client as the server's configuration has it."""
        return Host(name or self.name, "127.0.0.1", port, connect_timeout=timeout, tls_dir=str(self.server))


class Listening:
    """A running listener and its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._new = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(self.said(" listens on ").partition(", port ")[2].partition(",")[0])

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._new:
                self.lines.append(line.rstrip("\n"))
                self._new.notify_all()
        with self._new:
            self.lines.append("(end)")
            self._new.notify_all()

    def said(self, words: str) -> str:
        """Wait for a line of the log with these words."""
        with self._new:
            found = self._new.wait_for(
                lambda: [line for line in self.lines if words in line] or self.lines[-1:] == ["(end)"], PATIENCE)
            assert isinstance(found, list) and found, self.lines
            return found[0]

    def family(self) -> list[int]:
        """Its processes, children before grandchildren, without itself."""
        return descendants(self.process.pid)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it."""
        self.process.send_signal(number)
        self.process.wait(PATIENCE)


def enrolled(root: Path, *, days: int = 30, made: float = 0.0, authority_made: float = 0.0) -> Ends:
    """An authority below ``root`` and a client of it.  Times are in days from now."""
    ends = Ends(root / "tls", root / "client-tls")
    authority_of(ends.server, "daily", time.time() + authority_made * 86400)
    ends.enrol(days=days, made=made)
    return ends


@contextmanager
def listening(
    ends: Ends, *, prelude: str = "", port: int = 0, inside: Sequence[str] = (), address: str = "127.0.0.1", **env: str,
) -> Iterator[Listening]:
    """The client's real listener, on loopback unless another ``address`` is named; ``prelude``: Python that runs first in its
    process; ``inside``: what stands before its command (`tests.support.network`)."""
    program = f"import sys\n{prelude}\nfrom clientd.amandad import main\nsys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [*inside, sys.executable, "-P", "-c", program, "listen", "--address", address, "--port", str(port),
         "--dir", str(ends.client)], stderr=subprocess.PIPE, text=True, env={
            **os.environ, "PYTHONPATH": str(ROOT), "TAPEROOM_CLIENT_STATE": str(ends.client.parent / "client-state"),
            "TAPEROOM_CLIENT_ACCESS": str(ends.client.parent / "access.toml"), **env})
    made = Listening(process)
    try:
        yield made
    finally:
        if process.poll() is None:
            made.stop()
        assert process.stderr is not None


@contextmanager
def foreign(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """A peer of somebody else's on loopback: ``act`` gets the first connection; the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)

        def serve() -> None:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(PATIENCE)
                try:
                    act(peer)
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(PATIENCE)
        assert not thread.is_alive()


def any_context(own: Path | None, *, listens: bool) -> ssl.SSLContext:
    """A foreign program's TLS that looks at nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if listens else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if own is not None:
        context.load_cert_chain(own)
    return context


def serial_of(pem: Path) -> int:
    """The serial number of a file's first certificate."""
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem.read_bytes()).serial_number


def other_server(
    ends: Ends, *, begin: float = -1.0, end: float = 30.0, listens: bool = False, name: str = "", to: Path | None = None,
) -> None:
    """Another certificate of the same authority in ends of the server's, or in the file ``to``; times in days from now."""
    from datetime import UTC, datetime, timedelta

    from core.trust import authority as module
    from core.wire.peers import server_name

    key, authority = ends.authority._load()
    own, now = module._new_key(), datetime.now(UTC)
    made = module._leaf(authority, key, own, "other", name or server_name("daily"), now + timedelta(days=begin),
                        now + timedelta(days=end), module._serial(), listens=listens)
    (to or ends.server / SERVER).write_text(module._pem(made) + module._key_pem(own))


def revoke_on_client(ends: Ends, serial: int) -> None:
    """Put a certificate on the client's own list of revoked ones."""
    from core.trust import authority as module
    from core.trust.register import Issued

    key, authority = ends.authority._load()
    made = module._revocations(authority, key, [Issued(serial, 0.0, 0.0, time.time())], time.time())
    text = (ends.client / "trust.pem").read_text()
    begin, end = text.index("-----BEGIN X509 CRL"), text.index("-----END X509 CRL-----\n") + len("-----END X509 CRL-----\n")
    (ends.client / "trust.pem").write_text(text[:begin] + made + text[end:])


def authority_file(ends: Ends) -> Path:
    """The authority's certificate, for foreign programs."""
    return ends.server / AUTHORITY


def descendants(pid: int) -> list[int]:
    """Processes below ``pid``."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return found
    for thread in threads:
        try:
            children = [int(word) for word in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
