"""What a service is to amandad: a function from a request to a reply, and perhaps streams after it.

A service never raises for what a request, a disk or a program does wrong: that is in its reply.  Run by hand, it
reads the request from stdin and writes the reply to stdout.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from clientd.access import Access, read_access
from clientd.programs.contract import Task
from clientd.settings import Settings, read_settings
from clientd.streams import DescriptorStreams, Streams
from core.errors import ProtocolError, TaperoomError
from core.wire.dle_xml import Dle
from core.wire.features import STREAM_STATE
from core.wire.requests import Request, error_line, read_request


@dataclass(frozen=True, slots=True)
class Context:
    """What a service works with.  ``say`` adds text to the reply; ``replied`` ends the reply, before streams begin.
    ``source``: where what the server sends on DATA is read, −1: nothing is."""

    settings: Settings
    access: Access
    streams: Streams
    say: Callable[[str], None]
    replied: Callable[[], None]
    source: int = -1


def task_of(dle: Dle, request: Request, context: Context) -> Task:
    """One disk of a request, for its program."""
    return Task(dle, request.hostname, context.settings, context.access, request.config, request.timestamp,
                request.features, request.features.has(STREAM_STATE))


Service = Callable[[Request, Context], int]
"""A service: what it does with a request; its exit status."""


def serve(service: Service, name: str, text: str, context: Context) -> int:
    """Run ``service`` on the request ``text``; the exit status.  Whatever goes wrong is said in the reply."""
    try:
        return service(read_request(name, text), context)
    except ProtocolError as fault:
        context.say(f"ERROR {fault}\n")
    except TaperoomError as fault:
        context.say(error_line(f"{fault.code} {fault.message}"))
    except BrokenPipeError:
        return 1
    except Exception as fault:  # a bug of ours: one line for the operator, the rest for the log
        traceback.print_exc()
        context.say(error_line(f"CLT031 {name} broke down: {type(fault).__name__}"))
        return 1
    return 0


def by_hand(service: Service, name: str) -> int:
    """A service as a program: request on stdin (a line ``SERVICE …`` may come first), reply on stdout."""
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    if text.startswith("SERVICE "):
        text = text.partition("\n")[2]

    def say(said: str) -> None:
        sys.stdout.buffer.write(said.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()

    settings = read_settings()
    try:
        access = read_access(settings.access)
    except TaperoomError as fault:
        say(error_line(str(fault)))
        return 1
    return serve(service, name, text, Context(settings, access, DescriptorStreams(), say, lambda: None))
