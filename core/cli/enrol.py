"""`taperoom client`: certificates of clients for the transport tls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.client.enrol import Enrolled

_HOST = typer.Argument(metavar="HOST", help="A client of the configuration.", autocompletion=where.complete_host)


def enrol(
    host: Annotated[str, _HOST],
    renew: Annotated[bool, typer.Option("--renew", help="A new certificate, though the old one is good still.")] = False,
    days: Annotated[int, typer.Option("--days", min=1, max=7300, metavar="N", help="How long it is good.")] = 730,
    to: Annotated[str, typer.Option(
        "--to", metavar="FILE", help="Where to write it (HOST.enrol); - prints it, key and all.")] = "",
) -> int:
    """Make a client's key and certificate, as one file for it.

    The first use also makes the authority of this site and this server's own certificate. The file holds the
    client's key: bring it there, install it and remove it. It is kept nowhere else.

    \b
    Examples:
      taperoom client enrol web1
      taperoom client enrol web1 --renew --days 365
      taperoom client enrol web1 --to - | ssh root@web1 python3 -m clientd enrol -
    """
    from core.client import enrol as doing

    site = where.site()
    path = Path(to or f"{host.replace('/', '_')}.enrol")
    if to == "-":
        made = doing.enrol(site, host, renew=renew, days=days)
        show.say(made.text.rstrip("\n"))
    else:
        with _new(path) as file:
            made = doing.enrol(site, host, renew=renew, days=days)
            file.write(made.text)
    _instruct(host, "" if to == "-" else str(path), made, str(site.tls_dir))
    return 0


def list_(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> int:
    """Clients that use tls or were enrolled, and until when their certificates are good.

    \b
    Examples:
      taperoom client list
      taperoom client list --json
    """
    from core.client.enrol import day, enrolled
    from core.report.text import table

    rows = enrolled(where.site())
    if json:
        show.say_json([{"host": row.host, "standing": row.standing.value, "until": row.until or None,
                        "certificates": row.certificates, "uses_tls": row.uses_tls} for row in rows])
    elif not rows:
        show.say("no client uses tls; 'taperoom client enrol HOST' enrols one")
    else:
        show.say_lines(table(["client", "certificate", "until", "tls"], [
            [row.host, row.standing.value, day(row.until) if row.until else "", "used" if row.uses_tls else "not used"]
            for row in rows], columns=show.columns()))
    return 0


def revoke(host: Annotated[str, typer.Argument(
    metavar="HOST", help="A client that was enrolled.", autocompletion=where.complete_host)]) -> int:
    """Take every certificate of a client back: it is refused at once.

    \b
    Example:
      taperoom client revoke web1
    """
    from core.client.enrol import revoke as take_back

    show.say(take_back(where.site(), host).text)
    return 0


def _instruct(host: str, path: str, made: Enrolled, directory: str) -> None:
    """What is done next; beside the output when that is the file itself."""
    tell = show.say if path else show.tell
    if made.fresh:
        tell(f"this site has an authority now: {directory}")
    if made.problem:
        tell(f"not written down: {made.problem}")
    tell(f"{host} is enrolled until {made.until}" + (f"; its key and certificate are in {path}, which only you may read"
                                                          if path else ""))
    if path:
        tell(f"Bring it there (scp -p {show.command_line(path)} root@{host}:), and on {host}, as root:")
        tell(f"  python3 -m clientd enrol {show.command_line(Path(path).name)}")
    else:
        tell(f"When it is installed there, on {host}, as root:")
    tell(f"  python3 -m clientd listen                # on port {made.port}; needs nothing but Python")
    if path:
        tell(f"Then remove {path} here and there, and try: taperoom check {host}")
    if "tls" not in made.auths:
        now = f"{', '.join(made.auths)} now" if made.auths else "none yet"
        tell(f'Its disks need auth = "tls" in the configuration ({now}).')


@contextmanager
def _new(path: Path) -> Iterator[IO[str]]:
    """A new file that only its owner may read; it is gone again when what is to stand in it could not be made."""
    import os

    from core.errors import UsageError, WorldError

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise UsageError("CFG005", f"{path} is there already", "name another file with --to") from None
    except OSError as fault:
        raise WorldError("CFG008", f"{path} cannot be written: {fault.strerror}", "name another file with --to") from None
    with open(descriptor, "w", encoding="utf-8") as file:
        try:
            yield file
            try:
                file.flush()
                os.fsync(descriptor)
            except OSError as fault:
                raise WorldError("CFG008", f"{path} cannot be written: {fault.strerror}",
                                 "make room, and enrol again with --renew") from None
        except BaseException:
            path.unlink(missing_ok=True)
            raise
