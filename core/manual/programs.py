"""The pages of the programs behind the command, in section 8: each is a process of its own and can be called by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.manual.roff import Page
from core.protocol import dumper, operator, planner, taper
from core.protocol.describe import fields_of
from core.protocol.vocabulary import Vocabulary

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Program:
    """What is written of one.  ``calls``: the ways to call it, command and arguments; ``words``: the languages that it speaks,
    each with a name."""

    name: str
    title: str
    calls: Pairs
    text: tuple[str, ...]
    options: Pairs = ()
    words: tuple[tuple[str, Vocabulary], ...] = ()
    example: tuple[str, ...] = ()
    status: Pairs = ()
    environment: Pairs = ()
    files: Pairs = ()


_STATUS = (("0 to 5", "As of taperoom(1)."),)
_CLIENT_ENVIRONMENT = (
    ("TAPEROOM_CLIENT_STATE", "Where the state of incrementals is: /var/lib/taperoom-client for root and for the user that it "
                              "belongs to, else .local/state/taperoom-client in the home directory. The word none keeps "
                              "none: each dump then holds everything."),
    ("TAPEROOM_CLIENT_ACCESS", "The access file. Default /etc/taperoom-client/access.toml."),
    ("TAPEROOM_CLIENT_TAR", "GNU tar. Default /bin/tar, else what PATH has."),
    ("TAPEROOM_CLIENT_TLS", "The directory of the certificates. Default /etc/taperoom-client/tls."),
    ("TAPEROOM_CLIENT_AMANDAHOSTS", "Who may ask by bsdtcp. Default .amandahosts in the home directory."),
    ("TAPEROOM_CLIENT_APPLICATIONS", "Where programs with Amanda's Application API are. Default /usr/lib/amanda/application."),
    ("TAPEROOM_CLIENT_CACHE", "Where a client that the server brings by push is kept: /var/cache/taperoom-client for root, "
                              "else .cache/taperoom-client in the home directory."),
)

PROGRAMS = (
    Program(
        "taperoom-amdump", "one run, from lock to report",
        (("python3 -P -m core.amdump", "CONFIG [--no-dump] [--quiet] [HOST[:DISK]...]"),),
        ("It locks the site, makes the run's directory, starts planner and driver with a pipe between them, and writes the "
         "report when they have ended. 'taperoom run' starts it in a session of its own, so that it goes on when the terminal "
         "is gone.",
         "SIGTERM and SIGINT are passed on to the driver, which ends the dumps under way and says so in the journal."),
        (("--no-dump", "Only flush what is left on the holding disks."),
         ("--quiet", "No report on stdout; report.txt is written all the same."),
         ("HOST[:DISK]", "Only these; all when none is named.")),
        status=_STATUS),
    Program(
        "taperoom-planner", "plans a night",
        (("python3 -P -m core.planner",
          "CONFIG [--datestamp YYYYMMDDhhmmss] [--offline] [--no-dump] [--dry-run] [HOST[:DISK]...]"),),
        ("It asks all clients at once for sizes, decides the level of each disk, and writes the plan on stdout for the "
         "driver. It changes nothing. What it says of its work goes to stderr.",),
        (("--datestamp", "When the run begins; now without it."),
         ("--offline", "No client is asked; sizes come from earlier dumps."),
         ("--no-dump", "Only flushes, also without autoflush."),
         ("--dry-run", "For clearness; the planner changes nothing anyway.")),
        (("on stdout", planner.VOCABULARY),),
        ("python3 -P -m core.planner taperoom.toml | python3 -P -m core.driver taperoom.toml",),
        (("0", "A plan was written."), ("1", "There is nothing to do, or nobody reads the plan."),
         ("2", "The configuration or the arguments are wrong."))),
    Program(
        "taperoom-driver", "drives a run by a plan",
        (("python3 -P -m core.driver", "CONFIG [--datestamp STAMP] [--run-dir DIR] [--by NAME] < PLAN"),),
        ("It reads a plan on stdin, from the planner or from a keyboard, starts dumpers and tapers, and gives them their "
         "work. Each fact is in the run's journal before anything is done about it. Operators talk to it by the socket in the "
         "run's directory.",),
        (("--datestamp", "Of the run; else the plan's DATE line, else now."),
         ("--run-dir", "The run's directory, made and locked by amdump; without it the driver makes one."),
         ("--by", "Who started the run.")),
        (("with operators", operator.VOCABULARY),),
        ("printf 'web1 /home 1 0 120000\\n' | python3 -P -m core.driver taperoom.toml",), _STATUS),
    Program(
        "taperoom-dumper", "brings dumps from clients to a holding disk or to the taper",
        (("python3 -P -m core.dumper", "CONFIG"),),
        ("It takes orders on stdin and reports on stdout. A dump goes from the client into a file on a holding disk, or to "
         "the port of a taper. SIGTERM ends what is under way.",),
        words=(("with the driver", dumper.VOCABULARY),),
        status=(("0", "After QUIT or the end of its input."), ("2", "The configuration is wrong."))),
    Program(
        "taperoom-taper", "writes dumps to the volumes of one storage",
        (("python3 -P -m core.taper", "CONFIG STORAGE"),),
        ("It takes orders on stdin and reports on stdout. One taper at a time holds the changer of a storage. SIGTERM ends it "
         "in good order: the volume stays readable.",),
        words=(("with the driver", taper.VOCABULARY),),
        status=(("0", "After QUIT, the end of its input or SIGTERM."), ("2", "The configuration is wrong."))),
    Program(
        "taperoom-clientd", "the client: amandad",
        (("taperoom-clientd", "[-auth=local|ssh|bsdtcp|tls] [SERVICE...]"), ("taperoom-clientd listen", "[--address ADDRESS] "
                                                                                                        "[--port N] [--dir "
                                                                                                        "DIR]"),
         ("taperoom-clientd enrol", "[--dir DIR] FILE"), ("taperoom-clientd.pyz", "...")),
        ("It answers one server on stdin and stdout: checks, estimates, dumps, and with an access file that permits it "
         "restores. With local and ssh it is started by the server or by sshd; with bsdtcp by inetd or systemd on port 10080; "
         "with tls by its own listener, or by inetd or systemd on port 10085. A stock Amanda 3.5.1 server can use it in the "
         "place of its own amandad.",
         "taperoom-clientd.pyz is the same in one file; it needs Python 3.11 or newer and nothing else. 'make pyz' makes it. "
         "A server can bring it by itself: see push in taperoom.toml(5).",
         "Words that are no option name services, as in Amanda; all of them are always there."),
        (("-auth=WAY", "How the server is connected. Default local."),
         ("listen", "Wait for the server with tls, and run an amandad for each of its connections."),
         ("enrol FILE", "Install what 'taperoom client enrol HOST' made on the server; - reads stdin."),
         ("--address ADDRESS", "Listen on this address of this machine only."),
         ("--port N", "Listen on another port than the one of the enrolment."),
         ("--dir DIR", "Where the certificates are.")),
        status=(("0", "The server left."), ("1", "The server talked nonsense, or a command failed."), ("2", "The arguments "
                                                                                                            "are wrong.")),
        environment=_CLIENT_ENVIRONMENT,
        files=(("/etc/taperoom-client/access.toml", "What a server may ask for, as lists of texts: servers, services, disks, "
                                                    "lists, programs, filters, targets, applications. Without the file: every "
                                                    "service but restore, and every disk. A file that cannot be read permits "
                                                    "nothing. attributes, of xattrs, acls and selinux: what dumps by GNU tar "
                                                    "have besides."),
               ("/var/lib/taperoom-client/gnutar-lists", "What incrementals go on from, one file a disk and level."))),
    Program(
        "amtaperoom", "our client as an application of a stock Amanda client",
        (("amtaperoom", "support|selfcheck|estimate|backup|restore|index [--OPTION VALUE...]"),),
        ("A program with Amanda's Application API: all levels are estimated in one walk, and incremental state changes only "
         "for a good dump. Put a script that runs it into Amanda's application directory, and name it as plugin of an "
         "application. It takes no properties.",),
        status=(("0", "Well."), ("1", "Something failed; what it was is on stderr, or among the messages.")),
        environment=_CLIENT_ENVIRONMENT[:3]),
)


def pages() -> list[Page]:
    """A page of each."""
    return [_page(program) for program in PROGRAMS]


def _page(program: Program) -> Page:
    made = Page(program.name, 8, program.title)
    made.heading("Synopsis")
    for command, arguments in program.calls:
        made.synopsis(command, arguments)
    made.heading("Description")
    for text in program.text:
        made.paragraph(text)
    for head, pairs in (("Options", program.options),):
        _items(made, head, pairs)
    for name, vocabulary in program.words:
        made.heading(f"Words {name}")
        for verb, message in vocabulary.messages.items():
            made.item(_line(verb, message), " ".join((message.__doc__ or "").split()))
    if program.example:
        made.heading("Example")
        made.example(program.example)
    for head, pairs in (("Exit status", program.status), ("Environment", program.environment), ("Files", program.files)):
        _items(made, head, pairs)
    return made


def _items(made: Page, head: str, pairs: Pairs) -> None:
    if pairs:
        made.heading(head)
        for name, text in pairs:
            made.item(name, text)


def _line(verb: str, message: type[Any]) -> str:
    words = [f"[{name}]" if optional else name for name, _, optional in fields_of(message)]
    return " ".join([verb, *words])
