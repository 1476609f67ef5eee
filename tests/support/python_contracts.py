"""Contracts for the Python generator's tests, and the generated client that tests talk through.

`python -m tests.support.python_contracts` writes `generated_chat.py` again.
"""

from pathlib import Path

from bytesocket_cli.codegen.python import python
from tests.support.contracts import (
    BYTES,
    INTEGER,
    NUMBER,
    STRING,
    Document,
    event,
    minimal,
    model,
    ref,
    room,
    room_event,
    sealed,
)

DATE = {"type": "string", "format": "date"}
GENERATED = Path(__file__).with_name("generated_chat.py")


def chat() -> Document:
    """A chat with everything that the runtime can do."""
    types = {
        "Credentials": model({"token": STRING}),
        "Move": model({"x": NUMBER, "y": NUMBER}),
        "Mute": model({"until": DATE}),
        "Moved": model({"user": STRING, "x": NUMBER, "y": NUMBER}),
        "Post": model(
            {"text": STRING},
            "Ask the server to post a message.",
            priority={**INTEGER, "default": 3},
        ),
        "Posted": model({"author": STRING, "text": STRING}),
        "Reaction": model({"emoji": STRING}),
        "Receipt": model({"message_id": INTEGER}),
        "Save": model({}, note={"anyOf": [STRING, {"type": "null"}], "default": None}),
    }
    post = {"reply": ref("Receipt"), "refusals": ["muted"], "doc": "Ask the server to post."}
    in_rooms = {"global": False}
    return sealed(
        {
            **minimal(),
            "title": "Chat",
            "version": "1.0.0",
            "auth": {"via": "message", "credentials": ref("Credentials")},
            "events": [
                event(7, "server", INTEGER),
                event("blob", "both", BYTES),
                event("chat:post", "client", ref("Post"), **post),
                event("chat:posted", "server", ref("Posted"), doc="A message was posted."),
                event("chat:reaction", "both", ref("Reaction"), **in_rooms),
                event("doc:move", "client", ref("Move"), volatile=True, **in_rooms),
                event("doc:moved", "server", ref("Moved"), volatile=True),
                event("doc:save", "client", ref("Save"), **in_rooms),
                event("echo", "client", STRING, reply=STRING),
            ],
            "rooms": [
                room(
                    "doc:{doc_id}",
                    params={"doc_id": INTEGER},
                    client_events=[
                        room_event("doc:move"),
                        room_event("doc:save", reply=ref("Receipt"), refusals=["read_only"]),
                    ],
                    server_events=["doc:moved"],
                ),
                room(
                    "lobby",
                    client_events=[room_event("chat:reaction")],
                    server_events=["chat:posted", "chat:reaction"],
                ),
                room("user-feed", join="server"),
            ],
            "refusals": {
                "muted": {"doc": "The author may not write for a while.", "data": ref("Mute")},
                "read_only": {"doc": "", "data": None},
            },
            "types": types,
        }
    )


if __name__ == "__main__":
    GENERATED.write_text(python(chat()), encoding="utf-8")
