"""What travels over the socket: the events of Chat, each a Pydantic model.

The direction is in the base class: clients send a `ClientEvent`, the server a `ServerEvent`.
`bytesocket generate` turns this module into typed clients.
"""

from datetime import datetime
from typing import Annotated

from bytesocket_app import ClientEvent, ServerEvent
from pydantic import BaseModel, Field

MAX_NAME = 24
"""The longest name, in characters."""

MAX_TEXT = 500
"""The longest message, in characters."""


class Credentials(BaseModel):
    """What the login form sends, at every connect."""

    name: str
    session: str = ""
    """A secret of the browser tab: with the same one, a name may come back at once."""


class Post(ClientEvent, name="chat:post"):
    """Ask the server to post a message. The reply is a `Receipt`."""

    text: Annotated[str, Field(max_length=MAX_TEXT)]
    message_id: Annotated[str, Field(max_length=64)] = ""
    """Chosen by the sender, so that asking twice posts once; empty lets the server choose."""


class Receipt(BaseModel):
    """The reply to `Post`: the message is in the room."""

    message_id: str


class Posted(ServerEvent, name="chat:posted"):
    """A message in the room."""

    message_id: str
    author: str
    text: str
    at: datetime


class Welcome(ServerEvent, name="chat:welcome"):
    """What a newcomer sees first: the latest messages, oldest first."""

    you: str
    """The newcomer's own name, as the others see it."""

    posts: list[Posted]


class Person(BaseModel):
    """Somebody in the room, as the others see them: an entry of its presence."""

    name: str


class Typing(ClientEvent, name="chat:typing", volatile=True):
    """I am typing."""  # volatile: of no use later, so it is never queued


class Typist(ServerEvent, name="chat:typist", volatile=True):
    """Somebody else is typing."""

    name: str
