"""Users that come with the handshake, and a room that only the server puts them into."""

from bytesocket_app import ByteSocket, Handshake, ServerEvent


class Notice(ServerEvent):
    """Something happened."""

    text: str


app = ByteSocket(title="Notices", serialization="json", events=[Notice])
app.room("feed:{user}", join="server")


@app.auth
async def authenticate(handshake: Handshake) -> str:
    return handshake.headers.get("x-user", "")
