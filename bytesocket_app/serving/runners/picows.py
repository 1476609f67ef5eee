"""Runner for picows (asyncio only), which serves WebSockets without HTTP; needs `[native]`."""

import anyio

from bytesocket_app.serving.runners.hosting import CountedApplication, Hosting, Trigger, host
from bytesocket_app.serving.runners.listening import BACKLOG
from bytesocket_app.transports.asgi import ASGIApp
from bytesocket_app.transports.picows.server import listening
from bytesocket_app.transports.picows.server_state import ServerState


async def serve(app: ASGIApp, hosting: Hosting, stop: anyio.Event) -> None:
    """Serve until `stop` is set; see `host` for the order of the shutdown and the exceptions.

    Args:
        app: The application of which only the lifespan is run.
        hosting: The options; `served` has the applications whose sockets are served.
        stop: Set to stop the server.
    """
    await host(app, _serve, hosting, stop)


async def _serve(hosted: CountedApplication, hosting: Hosting, trigger: Trigger) -> None:
    native = {"app": hosted.app, "state": hosted.state}
    server_state = ServerState(hosting.served, hosted.call, native=native)
    tls = None if hosting.certificate is None else hosting.certificate.context()
    hosting.listener.listen(BACKLOG)  # which its owner may have left to us
    async with listening(server_state, hosting.listener.dup(), tls):
        await trigger()
