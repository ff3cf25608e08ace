"""A headless Chromium, steered through its DevTools: what came to a page over its WebSocket, keys, pictures."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60.0


class Browser:
    """One page.  ``received``: all that came over WebSockets."""

    def __init__(self, width: int = 1300, height: int = 900) -> None:
        assert CHROMIUM is not None
        self._own = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [CHROMIUM, "--headless=new", *sandbox, "--disable-gpu", "--no-first-run", "--remote-debugging-port=0",
             f"--user-data-dir={self._own.name}", f"--window-size={width},{height}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            # It keeps crash reports beside its profile, in the configuration directory of whoever started it.
            env={**os.environ, "HOME": self._own.name, "XDG_CONFIG_HOME": self._own.name, "XDG_CACHE_HOME": self._own.name})
        self.received = bytearray()
        self.urls: dict[str, str] = {}
        """What the page fetched, by the number of the request; what its policy did not let out is taken away again."""
        self.statuses: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._session: Any = None
        self._socket: Any = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        port = Path(self._own.name) / "DevToolsActivePort"
        await self.until(lambda: port.exists() and port.read_text().count("\n") >= 1)
        number = port.read_text().splitlines()[0]
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{number}/json") as answer:
            page = next(one for one in await answer.json() if one["type"] == "page")
        self._socket = await self._session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        self._reader = asyncio.create_task(self._read())
        await self.say("Network.enable")
        await self.say("Page.enable")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            await self._socket.close()
        if self._session is not None:
            await self._session.close()
        self._process.kill()
        self._process.wait()
        self._own.cleanup()

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._answers[said["id"]] = said
            elif said["method"] == "Network.webSocketFrameReceived":
                frame = said["params"]["response"]
                data = frame["payloadData"]
                self.received += base64.b64decode(data) if frame["opcode"] == 2 else data.encode()
            elif said["method"] == "Network.requestWillBeSent":
                self.urls[said["params"]["requestId"]] = said["params"]["request"]["url"]
            elif said["method"] == "Network.loadingFailed" and said["params"].get("blockedReason") == "csp":
                self.urls.pop(said["params"]["requestId"], None)
            elif said["method"] == "Network.responseReceived":
                self.statuses[said["params"]["response"]["url"]] = said["params"]["response"]["status"]

    async def say(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; its answer."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        await self.until(lambda: number in self._answers)
        answer = self._answers.pop(number)
        assert "error" not in answer, answer
        return dict(answer["result"])

    async def open(self, url: str) -> None:
        """Go to a page."""
        await self.say("Page.navigate", url=url)

    async def press(self, key: str) -> None:
        """One character."""
        for kind in ("keyDown", "keyUp"):
            await self.say("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")

    async def click(self, x: int, y: int) -> None:
        """The left button, where a person clicks to give the terminal the keyboard."""
        for kind in ("mousePressed", "mouseReleased"):
            await self.say("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def picture(self, path: Path) -> None:
        """What a person sees."""
        answer = await self.say("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    async def until(self, what: Callable[[], object]) -> None:
        """Wait for something."""
        deadline = time.monotonic() + PATIENCE
        while not what():
            assert time.monotonic() < deadline, bytes(self.received[-2000:])
            assert self._process.poll() is None, "the browser ended"
            await asyncio.sleep(0.05)
