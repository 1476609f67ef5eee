"""Bytes: as base64 in JSON, raw in MessagePack, in requests and replies."""

from pydantic import BaseModel, ConfigDict

from bytesocket_app import ByteSocket, ClientEvent, Socket

BASE64 = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class Upload(ClientEvent, name="file:put"):
    model_config = BASE64

    name: str
    content: bytes
    parts: dict[str, bytes] = {}


class Stored(BaseModel):
    model_config = BASE64

    digest: bytes
    thumbnail: bytes | None = None


app = ByteSocket(title="Files", events=[Upload])


@app.on(Upload)
async def upload(socket: Socket, event: Upload) -> Stored:
    return Stored(digest=event.content[:8])
