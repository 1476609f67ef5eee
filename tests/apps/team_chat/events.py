"""What goes over the socket."""

from typing import Annotated

from pydantic import BaseModel, Field

from bytesocket_app import ClientEvent, Event, ServerEvent

Text = Annotated[str, Field(min_length=1, max_length=2000)]


class Post(ClientEvent, name="channel:post"):
    """Say something in a channel."""

    text: Text


class Posted(ServerEvent, name="channel:posted"):
    """Somebody said something in a channel."""

    id: int
    author: str
    text: str


class Receipt(BaseModel):
    """Where a message is in the history."""

    message_id: int


class Typing(ClientEvent, name="channel:typing", volatile=True):
    """I am typing."""


class Typist(ServerEvent, name="channel:typist", volatile=True):
    """Somebody else is typing."""

    name: str


class Reaction(Event, name="channel:reaction"):
    """A member reacts to a message."""

    message_id: int
    emoji: Annotated[str, Field(max_length=8)]


class Present(ServerEvent, name="channel:present"):
    """Who is in the channel now."""

    names: list[str]


class Removed(ServerEvent, name="channel:removed"):
    """You are no longer a member of a channel."""

    channel_id: int


class Whisper(ClientEvent, name="whisper"):
    """Tell one person something, on all of their devices."""

    to: str
    text: Text


class Whispered(ServerEvent, name="whispered"):
    """Somebody told you something."""

    author: str
    text: str


class Announced(ServerEvent, name="announced"):
    """News for everybody."""

    text: str
