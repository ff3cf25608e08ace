"""A word between a server and a client is spoilt, once for each word and each fault: our end comes to the result to which the
real Amanda 3.5.1 comes in its place, and says whose fault it was.

What is right is not written here: the same is done between Amanda's own server and client, and theirs is the answer, but for
what is listed in `OTHERWISE` with its reason.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core.errors import PeerError
from core.model.disk import Host
from core.wire.features import STOCK
from core.wire.transports import connect
from tests.support import amanda
from tests.support.client import ROOT, receive
from tests.support.pairs import Case, Outcome, Pairs, pairs
from tests.support.spoiler import FAULTS

pytestmark = [pytest.mark.interop, pytest.mark.slow]

AT_ONCE = 16
PLAIN = ("dropped", "doubled", "swapped", "late", "cut", "garbled", "server killed", "client killed")
ASKING = ("server {} REQ", "client {} ACK", "client {} REP", "server {} ACK", "server {} close")
DUMPING = ("client MESG info", "client DATA 1", "client DATA 2", "client DATA end", "client INDEX 1", "client INDEX end",
           "client MESG last", "client MESG end")


def asking(service: str) -> dict[str, tuple[str, ...]]:
    """Words of an exchange by fault."""
    words = tuple(word.format(service) for word in ASKING)
    found = dict.fromkeys(PLAIN, words) | {"nak": (words[1], words[2]), "prep": (words[2],), "too large": (words[2],)}
    if service == "noop":
        found |= dict.fromkeys(("strange features", "no features"), (words[0], words[2]))
    return found


CHECK = {fault: (*words, *asking("selfcheck").get(fault, ())) for fault, words in asking("noop").items()}
ESTIMATE = asking("sendsize")
DUMP = {fault: (*words, *(() if fault in ("late", "nak", "prep", "too large") else DUMPING))
        for fault, words in asking("sendbackup").items()}
DUMP |= {"stuck": DUMPING, "large": ("client DATA 1",),
         "too large": ("client sendbackup REP", "client DATA 1", "client MESG last")}
RESET = "client reset"
CHECK[RESET], ESTIMATE[RESET], DUMP[RESET] = CHECK["client killed"], ESTIMATE["client killed"], DUMP["client killed"]
BY_TCP = ("dropped", "swapped", "cut", "garbled", "stuck", "server killed", "client killed", RESET, "nak", "prep", "large",
          "too large")

OTHERWISE: Mapping[tuple[str, str, str, str], str] = {
    ("stock", "ours", "server noop REQ", "garbled"): "Amanda's noop reads nothing of its request; ours says what is wrong",
    ("stock", "ours", "server sendbackup ACK", "swapped"): "ours takes an acknowledgement that comes after the end of it",
    **{("stock", "ours", word, fault): "ours has said its sizes before the ends of its streams: nothing is missing"
       for word in ("client DATA end", "client INDEX end") for fault in ("cut", "client killed", "client reset")},
    **{("ours", "stock", "client INDEX end", fault): "an index that may lack names is none; the dump is made again"
       for fault in ("cut", "client killed", "client reset")},
    ("ours", "stock", "client MESG end", "client reset"): "who leaves when all is said has ended its streams by that",
    ("ours", "stock", "client sendbackup REP", "prep"): "a stock dumper takes half a reply for all of it; ours waits",
    ("ours", "stock", "client sendbackup REP", "garbled"): "what follows CONNECT is not needed, and the streams are checked",
    ("ours", "stock", "client noop REP", "prep"): "a stock server takes half a reply to noop for all of it; ours waits",
    **{("ours", "stock", "client sendsize REP", fault): "what a client told in part is kept; the dump will tell the rest"
       for fault in ("cut", "garbled", "client killed", "client reset", "nak", "too large")},
}
"""Server, client, word and fault whose result may be another one, and why."""
CHANCE = {("client DATA end", "dropped", "bsdtcp"), ("client noop REP", "prep", "local"), ("server noop ACK", "cut", "local"),
          ("client DATA end", "client killed", "local"), ("client DATA end", "client killed", "bsdtcp")}
"""Word, fault and way for which even Amanda's own two ends come to one result now and to the other one then: its dumper may see
the end of the connection before its patience is over; its server takes half a reply to noop for all of it, and may have closed
the pipes when it asks for the next thing; where a connection ends with noop, its server starts the client anew, or fails with a
broken pipe if it asked for the next thing a moment later; its client, one time in some sixty on a busy machine, has said its
last line before the end of its data, and then nothing but that end is missing when it is killed."""


AGAIN = 5
"""Times that Amanda's own two ends are asked again where a kill came to another result."""


@pytest.fixture(scope="module")
def made() -> Iterator[Pairs]:
    amanda.need("bad peers")
    with pairs() as found:
        yield found


def test_every_fault_is_tried() -> None:
    assert {*CHECK, *ESTIMATE, *DUMP} == set(FAULTS)


def test_nothing_is_spoilt(made: Pairs) -> None:
    for ask in (made.check, made.estimate, made.dump):
        for server, client in (("stock", "stock"), ("ours", "stock"), ("stock", "ours"), ("ours", "ours")):
            for by in ("local", "bsdtcp"):
                found = ask(Case(server, client, "nobody nothing", "dropped", by))
                assert found.good and found.ended and not found.hit, (ask, server, client, by, found.said)
                assert not found.data or noise(found.data) == noise_of(made)


@pytest.mark.parametrize("fault", [fault for fault in CHECK if fault != RESET])
def test_a_check(made: Pairs, fault: str) -> None:
    compare(made.check, fault, CHECK[fault])


@pytest.mark.parametrize("fault", [fault for fault in ESTIMATE if fault != RESET])
def test_an_estimate(made: Pairs, fault: str) -> None:
    compare(made.estimate, fault, ESTIMATE[fault])


@pytest.mark.parametrize("fault", [fault for fault in DUMP if fault != RESET])
def test_a_dump(made: Pairs, fault: str) -> None:
    compare(made.dump, fault, DUMP[fault], noise_of(made))


@pytest.mark.parametrize("fault", [fault for fault in BY_TCP if fault in CHECK])
def test_a_check_by_tcp(made: Pairs, fault: str) -> None:
    compare(made.check, fault, CHECK[fault], by="bsdtcp")


@pytest.mark.parametrize("fault", [fault for fault in BY_TCP if fault in ESTIMATE])
def test_an_estimate_by_tcp(made: Pairs, fault: str) -> None:
    compare(made.estimate, fault, ESTIMATE[fault], by="bsdtcp")


@pytest.mark.parametrize("fault", BY_TCP)
def test_a_dump_by_tcp(made: Pairs, fault: str) -> None:
    """Where bytes come through a socket, and whoever leaves may leave with a reset."""
    compare(made.dump, fault, DUMP[fault], noise_of(made), "bsdtcp")


def compare(ask: Callable[[Case], Outcome], fault: str, words: tuple[str, ...], wanted: bytes = b"", by: str = "local") -> None:
    """Every word with that fault between each server and each client; what is not as between Amanda's own."""
    ends = [("stock", "stock"), ("ours", "stock"), ("stock", "ours")]
    if fault == "server killed" and not wanted:
        ends.remove(("ours", "stock"))  # what asks is this process
    cases = [Case(server, client, word, fault, by) for word in words for server, client in ends]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(zip(cases, pool.map(ask, cases), strict=True))
    wrong = []
    for case, outcome in found.items():
        theirs = found[replace(case, server="stock", client="stock")]
        shown = (f"{case.server} server, {case.client} client, {case.word}: {outcome.good} {outcome.said!r}; "
                 f"Amanda: {theirs.good}")
        if not outcome.hit:
            wrong.append(f"the word never came: {shown} {theirs.said!r}")
        # Which frame follows which on two streams is not the same each time, and so is not what a swap of them does.
        chance = (fault == "swapped" and case.word in DUMPING) or (case.word, fault, by) in CHANCE
        chance = chance or (case.server, case.client, case.word, fault) in OTHERWISE
        again = fault.endswith(("killed", "reset")) or (case.word, fault) == ("client DATA end", "dropped")
        if outcome.good != theirs.good and not chance and not (again and reached(
                ask, replace(case, server="stock", client="stock"), outcome.good)):
            wrong.append(f"another result: {shown} {theirs.said!r}")
        if outcome.good and wanted and noise(outcome.data) != wanted:
            wrong.append(f"a good dump of other data: {shown}")
        if outcome.left:
            wrong.append(f"it left {outcome.left}: {shown}")
        if case.client == "ours" and not outcome.ended:
            wrong.append(f"our client does not end: {shown}")
        if case.server == "ours" and not outcome.good and outcome.said != "killed" and not blamed(outcome.said):
            wrong.append(f"nobody's fault: {shown}")
    assert not wrong, "\n".join(wrong)


def reached(ask: Callable[[Case], Outcome], stock: Case, good: bool) -> bool:
    """Whether Amanda's own two ends come to that result, too, when they are asked again: what a process has said and read when
    it is killed is not the same each time, nor on a busy machine whether a connection's end comes before patience is over."""
    return any(ask(stock).good == good for _ in range(AGAIN))


def blamed(said: str) -> bool:
    """Whether it names the client, and has a code of the peer's faults or the client's own words."""
    return "localhost" in said and re.search(r"\b(?:CLT|DMP)\d{3} |: FORMAT ERROR IN REQUEST PACKET ", said) is not None


def noise(archive: bytes) -> bytes:
    """The big file in an archive, as far as it is there."""
    return subprocess.run(["tar", "-xOf", "-", "./noise"], input=archive, capture_output=True, check=False).stdout


def noise_of(made: Pairs) -> bytes:
    return (made.tree / "noise").read_bytes()


def test_a_stock_client_that_has_nothing_to_do_leaves_after_30_seconds() -> None:
    amanda.need("a stock client that is idle")
    connection = connect(Host("localhost", amandad=("runuser", "-u", amanda.USER, "--", str(amanda.AMANDAD), "-auth=local")),
                         "local")
    assert not connection.keeps(), "nothing is asked of it twice"
    assert connection.wait(75.0)
    with pytest.raises(PeerError) as caught:
        while True:
            receive(connection, lambda handle, piece: None)
    assert caught.value.code == "CLT001" and caught.value.try_later
    connection.close()


def test_our_client_that_has_nothing_to_do_leaves_a_stock_server(made: Pairs) -> None:
    connection = connect(Host("localhost", amandad=("env", f"PYTHONPATH={ROOT}", made.python, "-P", "-m", "clientd.amandad",
                                                    "-auth=local")), "local", STOCK)
    assert connection.wait(75.0)
    with pytest.raises(PeerError):
        while True:
            receive(connection, lambda handle, piece: None)
    connection.close()
