"""`taperoom serve`: the console in a browser of this machine.

Listens on the loopback address only, below a path that nobody can guess; whoever asks for anything else is told 403.  Each
page is a console of its own, attached like any other: closing it never touches the run.  Needs the extra `web`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.errors import StartError
    from core.model.site import Site

HOST = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # The library's page asks a font server elsewhere for a font that it brings along.
    "Content-Security-Policy": "style-src 'self' 'unsafe-inline'; font-src 'self' data:; base-uri 'none'; "
                               "frame-ancestors 'none'",
}


def serve(
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="Where to listen.")] = 8470,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look, but give no orders.")] = False,
) -> int:
    """Serve the console to a browser on this machine.

    Only this machine can reach it, and only with the address that is printed, which is new each time. From elsewhere use
    ssh -L.

    \b
    Examples:
      taperoom serve
      taperoom serve --port 9000 --read-only
    """
    import asyncio
    import secrets

    site = where.site()
    token = secrets.token_urlsafe(24)
    server = server_of(site, port, token, read_only)
    # The library asks for the current event loop, and newer Pythons have none until one is made.
    asyncio.set_event_loop(asyncio.new_event_loop())
    try:
        server.serve()
    except OSError as fault:
        raise _cannot(f"port {port} of {HOST}: {fault.strerror or fault}", "choose another one with --port") from fault
    show.tell("no longer served; a run that is under way goes on")
    return 0


def _cannot(why: str, hint: str) -> StartError:
    from core.errors import StartError

    return StartError("RUN028", f"the console cannot be served: {why}", hint)


def server_of(site: Site, port: int, token: str, read_only: bool = False) -> Any:
    """The web server, with everything below ``/<token>/``.  StartError RUN028 when the library is not installed."""
    import importlib
    import os
    import shlex

    from core.cli.console import command_of

    try:
        library: Any = importlib.import_module("textual_serve.server")
        web: Any = importlib.import_module("aiohttp.web")
    except ImportError as missing:
        raise _cannot(f"{missing.name} is not installed", "pip install 'taperoom[web]'") from missing
    os.environ["TAPEROOM_CONFIG"] = str(site.file)
    below = f"/{token}/"

    async def guard(request: Any, handler: Any) -> Any:
        """Who does not know the path gets nothing, not even which paths there are."""
        # Another name for this address in the request is a page elsewhere that reaches for it.
        if request.host != f"{HOST}:{port}" or not secrets_equal(request.path[:len(below)], below):
            return web.Response(status=403, text="403: use the address that taperoom serve printed\n", headers=_HEADERS)
        return await handler(request)

    async def add_headers(request: Any, response: Any) -> None:
        response.headers.update(_HEADERS)

    class Guarded(library.Server):  # type: ignore[misc]
        """The library's server below the token; it makes no log of its own, since its lines would have the token."""

        async def _make_app(self) -> Any:
            inner = await super()._make_app()
            outer = web.Application(middlewares=[web.middleware(guard)])
            outer.on_response_prepare.append(add_headers)
            outer.add_subapp(below.rstrip("/"), inner)
            return outer

        def initialize_logging(self) -> None:
            """None."""

        async def on_startup(self, app: Any) -> None:
            """Say where it is."""
            show.say(f"the console of {site.org}: http://{HOST}:{port}{below}")
            show.say("only this machine reaches it; Ctrl-C ends it, and never a run")
            show.flush()

    return Guarded(shlex.join(command_of(site, read_only=read_only)), HOST, port, f"taperoom {site.org}",
                   f"http://{HOST}:{port}")


def secrets_equal(given: str, wanted: str) -> bool:
    """Whether two texts are equal, in a time that does not tell how much of them is."""
    import hmac

    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
