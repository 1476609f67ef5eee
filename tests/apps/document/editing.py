"""The room of each document: who comes in, what they write, where their cursors are."""

from uuid import UUID

from bytesocket_app import Router, Socket
from tests.apps.document.documents import NoSuchDocument, NotShared, Opened, OutOfDate, ReadOnly
from tests.apps.document.events import (
    Arrived,
    Departed,
    Edit,
    Edited,
    Look,
    Move,
    Moved,
    Saved,
    Snapshot,
)
from tests.apps.document.people import Person

router = Router(prefix="doc:")
doc = router.room("{doc_id}")


@doc.guard(raises=(NoSuchDocument, NotShared))
async def may_open(socket: Socket[Person], document: Opened) -> None:
    """Let in whom the document is shared with."""
    if socket.user.name not in document.shared_with:
        raise NotShared("This document is not shared with you.")


@doc.on_join
async def tell_of_arrival(socket: Socket[Person], doc_id: UUID) -> None:
    """Tell the others, unless the person was here already in another tab."""
    if tabs(socket.user, doc_id) == 1:
        await doc.emit(Arrived(person=socket.user.name), doc_id=doc_id, exclude=socket)


@doc.on_leave
async def tell_of_departure(socket: Socket[Person], doc_id: UUID) -> None:
    """Tell the others, unless the person is still here in another tab."""
    if tabs(socket.user, doc_id) == 0:
        await doc.emit(Departed(person=socket.user.name), doc_id=doc_id)


@doc.on(Look)
async def look(doc_id: UUID, document: Opened) -> Snapshot:
    """Show the document and who is in it."""
    return Snapshot(version=document.version, text=document.text, people=people(doc_id))


@doc.on(Edit, raises=(ReadOnly, OutOfDate))
async def edit(socket: Socket[Person], event: Edit, doc_id: UUID, document: Opened) -> Saved:
    """Change the text, and tell the others what changed."""
    saved = document.change(socket.user.name, event)
    edited = Edited(
        version=saved.version,
        author=socket.user.name,
        start=event.start,
        end=event.end,
        text=event.text,
    )
    await doc.emit(edited, doc_id=doc_id, exclude=socket)
    return saved


@doc.on(Move)
async def move(socket: Socket[Person], event: Move) -> Moved:
    """Show the others where somebody's cursor is."""
    return Moved(person=socket.user.name, position=event.position)


def people(doc_id: UUID) -> list[str]:
    """Everybody who has the document open, each once."""
    return sorted({member.user.name for member in doc.sockets(doc_id=doc_id)})


def tabs(person: Person, doc_id: UUID) -> int:
    """How many tabs a person has it open in."""
    return sum(member.user == person for member in doc.sockets(doc_id=doc_id))
