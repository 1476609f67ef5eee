"""The application that the benchmarks serve: `bytesocket run tests/benchmarks/app.py`.

An echo to the sender and a chat that members of a room relay to each other, validated by Pydantic,
with middleware and limits as they are by default. `app` answers in JSON; `app.py:binary` in
MessagePack; `app.py:through` has one middleware that only passes on.
"""

from bytesocket_app import ByteSocket, CallNext, Event, Message, Socket
from bytesocket_app.types import CodecName


class Echo(Event, name="echo"):
    """Comes back to whoever sent it."""

    message: str


class Chat(Event, name="chat"):
    """Goes to the other members of the room."""

    message: str


def application(serialization: CodecName) -> ByteSocket:
    """Build the application that sends this codec to clients that do not ask for one."""
    made = ByteSocket(title="Benchmark", events=[Echo, Chat], serialization=serialization)

    @made.on(Echo)
    async def echo(socket: Socket, event: Echo) -> None:
        await socket.emit(event)

    made.room("lobby").relay(Chat)
    return made


app = application("json")
binary = application("binary")
through = application("json")


@through.middleware
async def pass_on(socket: Socket, message: Message, call_next: CallNext) -> None:
    """Do what a middleware does at the least."""
    await call_next(message)
