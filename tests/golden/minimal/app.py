"""One event, no reply, nothing else."""

from bytesocket_app import ByteSocket, ClientEvent, Socket


class Ping(ClientEvent):
    """Are you there?"""


app = ByteSocket(title="Minimal", events=[Ping])


@app.on(Ping)
async def ping(socket: Socket) -> None: ...
