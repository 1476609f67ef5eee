"""What the people in a document and its server tell each other."""

from typing import Annotated

from pydantic import BaseModel, Field

from bytesocket_app import ClientEvent, ServerEvent

Position = Annotated[int, Field(ge=0)]


class Credentials(BaseModel):
    """Who somebody says they are."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    secret: str


class Look(ClientEvent, name="doc:look"):
    """Ask for the document as it is; the answer is a `Snapshot`."""


class Edit(ClientEvent, name="doc:edit"):
    """Replace a part of the text; the answer is a `Saved`."""

    version: int  # the one that the positions are meant in
    start: Position
    end: Position
    text: Annotated[str, Field(max_length=10_000)]


class Edited(ServerEvent, name="doc:edited"):
    """Somebody replaced a part of the text, which made it this version."""

    version: int
    author: str
    start: int
    end: int
    text: str


class Move(ClientEvent, name="doc:move", volatile=True):
    """My cursor is here: of no use to anybody a moment later."""

    position: Position


class Moved(ServerEvent, name="doc:moved", volatile=True):
    """Somebody's cursor is here."""

    person: str
    position: int


class Arrived(ServerEvent, name="doc:arrived"):
    """Somebody opened the document."""

    person: str


class Departed(ServerEvent, name="doc:departed"):
    """Somebody has it open no more, in any tab."""

    person: str


class Snapshot(BaseModel):
    """A document, and who has it open."""

    version: int
    text: str
    people: list[str]


class Saved(BaseModel):
    """What an edit made of it."""

    version: int
