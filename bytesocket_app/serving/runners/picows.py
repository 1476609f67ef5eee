"""Run on picows (asyncio only): the sockets alone, without pages. It comes with `[native]`."""

import anyio

from bytesocket_app.serving.runners.hosting import CountedApplication, Hosting, Trigger, host
from bytesocket_app.transports.asgi import ASGIApp
from bytesocket_app.transports.picows.server import listening
from bytesocket_app.transports.picows.server_state import ServerState


async def serve(app: ASGIApp, hosting: Hosting, stop: anyio.Event) -> None:
    """Serve until `stop` is set; see `host` for the order of the end and what it raises.

    Args:
        app: Only its lifespan is run; the sockets are those of `hosting.served`.
        hosting: Where and how.
        stop: Set by whoever wants the server to end.
    """
    await host(app, _serve, hosting, stop)


async def _serve(hosted: CountedApplication, hosting: Hosting, trigger: Trigger) -> None:
    native = {"app": hosted.app, "state": hosted.state}
    server_state = ServerState(hosting.served, hosted.call, native=native)
    tls = None if hosting.certificate is None else hosting.certificate.context()
    async with listening(server_state, hosting.listener.dup(), tls):
        await trigger()
