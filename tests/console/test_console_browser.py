"""The console in a browser, headless: it shows the run, takes keys, detaches, and nobody without the address gets in."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
from collections.abc import Iterator

import pyte
import pytest

from tests.console.test_console_real_run import site as site
from tests.console.test_console_real_run import until, view
from tests.support.browser import CHROMIUM, Browser
from tests.support.cli import PROGRAM, environment
from tests.support.small_site import SmallSite

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(CHROMIUM is None, reason="NO chromium HERE: the console in a browser is NOT tested"),
    pytest.mark.skipif(importlib.util.find_spec("textual_serve") is None,
                       reason="textual-serve is NOT installed (the extra web): the console in a browser is NOT tested"),
]

_NOT_FOR_PYTE = re.compile(rb"\x1b\[[<>=][\d;]*[A-Za-z]|\x1b\[\?[\d;]*\$p|\x1b\][^\x07]*\x07")


@pytest.fixture
def url(site: SmallSite) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = os.pathsep.join([environment()["PYTHONPATH"], *filter(None, [os.environ.get("PYTHONPATH")])])
    server = subprocess.Popen(
        [*PROGRAM, "--config", str(site.config), "serve", "--port", str(port)], stdout=subprocess.PIPE, text=True,
        env=environment(PYTHONPATH=paths, XDG_STATE_HOME=str(site.root / "own")))
    assert server.stdout is not None
    found = re.search(r"http://\S+", server.stdout.readline())
    assert found is not None
    with_port = (("127.0.0.1", port), 1.0)
    until(lambda: _listens(*with_port), site)
    yield found[0]
    server.terminate()
    server.wait()
    server.stdout.close()


def _listens(address: tuple[str, int], patience: float) -> bool:
    try:
        socket.create_connection(address, patience).close()
    except OSError:
        return False
    return True


def text_of(browser: Browser) -> str:
    """The screen that the bytes of the page's WebSocket make."""
    screen = pyte.Screen(200, 60)
    pyte.ByteStream(screen).feed(_NOT_FOR_PYTE.sub(b"", bytes(browser.received)))
    return "\n".join(screen.display)


async def test_the_run_is_seen_acted_on_and_left(site: SmallSite, url: str) -> None:
    async with Browser() as browser:
        await browser.open(url)
        await browser.until(lambda: "LIVE" in text_of(browser) and "r answers" in text_of(browser))
        await browser.click(600, 400)
        await browser.press("4")
        await browser.until(lambda: "Slots" in text_of(browser))
        await browser.press("1")
        await browser.press("P")
        await browser.until(lambda: "same as  taperoom pause" in text_of(browser))
        await browser.press("y")
        await browser.until(lambda: view(site).paused)
        here = ("http://127.0.0.1:", "data:", "about:")
        assert [address for address in browser.urls.values() if not address.startswith(here)] == []
        await browser.press("q")
    assert site.run().live()


async def test_without_the_whole_address_nobody_gets_in(site: SmallSite, url: str) -> None:
    async with Browser() as browser:
        wrong = re.sub(r"[^/]+/$", "x" * 32 + "/", url)
        await browser.open(wrong)
        await browser.until(lambda: wrong in browser.statuses)
        assert browser.statuses[wrong] == 403
        assert browser.received == b""
