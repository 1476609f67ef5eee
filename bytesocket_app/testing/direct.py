"""The test client's direct way to an application: in memory, without a server between."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from anyio import Event, create_task_group

from bytesocket_app.application import ByteSocket
from bytesocket_app.errors import RequestError
from bytesocket_app.transports import Handshake, Receiver, Rejection
from bytesocket_app.transports.memory import MemoryTransport


class DirectTransport(MemoryTransport):
    """Connection to an application in memory.

    Args:
        app: The application.

    Attributes:
        over: Set when the application is done with the connection.
        cancel: Cancels what the application does for this connection.
    """

    def __init__(self, app: ByteSocket) -> None:
        super().__init__()
        self._app = app
        self.over = Event()
        self.cancel: Callable[[], None] = _nothing

    async def connect(self, handshake: Handshake, stack: AsyncExitStack) -> None:
        """Run the application's lifespan and make the handshake, for as long as the stack lasts.

        Raises:
            EngineError: The broker of the application's engine cannot be reached.
            RequestError: The application refused the handshake; the code is the HTTP status.
            Exception: Any exception that the application's lifespan raises at its start.
        """
        if self._app.cluster is not None:
            await stack.enter_async_context(self._app.cluster.running())
        await stack.enter_async_context(self._app.life.running())
        decision = await self._app.endpoint.admit(handshake)
        if isinstance(decision, Rejection):
            raise RequestError(str(decision.status), decision.reason)
        tasks = await stack.enter_async_context(create_task_group())
        receiver = self._app.endpoint.open(handshake, self, decision, tasks)
        self.receiver = receiver
        self.cancel = tasks.cancel_scope.cancel
        tasks.start_soon(self._serve, receiver)
        await self.started.wait()

    def raise_failure(self) -> None:
        """Raise nothing: an exception of the core leaves through its task group."""

    async def _serve(self, receiver: Receiver) -> None:
        try:
            await self.run(receiver)
        finally:
            self.over.set()


def _nothing() -> None:
    """Do nothing: placeholder until there is a connection to cancel."""
