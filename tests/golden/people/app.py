"""Presence: entries with fields that clients may change, a room that only counts, one without."""

from pydantic import BaseModel, ConfigDict, Field

from bytesocket_app import ByteSocket, Socket


class Person(BaseModel):
    """Somebody at a document."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    is_typing: bool = Field(default=False, alias="isTyping")
    picture: bytes = b""


app = ByteSocket(title="People")


@app.auth(key=str)
async def known(credentials: str) -> str:
    """Take everybody's word."""
    return credentials


doc = app.room("doc:{doc_id}")


@doc.presence(clients=["is_typing", "picture"])
def person(socket: Socket[str], doc_id: int) -> Person:
    """Show the name."""
    return Person(name=socket.user)


stage = app.room("stage", presence="count")
cellar = app.room("cellar")
