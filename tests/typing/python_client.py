"""What checkers say of a generated client. It is checked, never run."""

from typing import Literal, assert_type

from bytesocket_app.client import EndOfConnection, RoomGroup, RoomName
from tests.support.generated_chat import (
    Blob,
    ChatClient,
    Credentials,
    DocRoom,
    Echo,
    Event7,
    LobbyRoom,
    Move,
    Moved,
    Mute,
    MutedError,
    Post,
    Posted,
    Reaction,
    ReadOnlyError,
    Receipt,
    Save,
)


async def fresh() -> Credentials:
    return Credentials(token="t")


async def either(chat: ChatClient, event: Echo | Post) -> None:
    replies: list[Receipt | str] = []
    replies.append(await chat.request(event))


async def main() -> None:
    ChatClient("ws://h", auth=lambda: Credentials(token="t"))
    ChatClient("ws://h", auth=Credentials(token="t"), codec="json", headers={"X": "1"})
    async with ChatClient("ws://h", auth=fresh) as chat:

        @chat.on(Posted)
        async def show(message: Posted) -> int:
            assert_type(message.text, str)
            return 1

        assert_type(await show(Posted(author="a", text="b")), int)

        def plain(number: Event7) -> str:
            return str(number.root)

        assert_type(chat.on(Event7, plain)(Event7(1)), str)
        chat.off(Event7, plain)
        await chat.ready
        assert_type(chat.state, Literal["connecting", "open", "waiting", "closed"])
        assert_type(await chat.emit(Post(text="x")), Literal["sent", "queued", "dropped"])
        assert_type(await chat.request(Post(text="x", priority=1), timeout=3), Receipt)
        assert_type(await chat.request(Echo("x")), str)
        assert_type(await chat.request(Blob(b"x")), None)
        async for event in chat.events(Moved):
            assert_type(event, Moved)

        lobby = chat.join("lobby")
        assert_type(lobby, LobbyRoom)
        await lobby.emit(Reaction(emoji="x"))
        assert_type(await lobby.request(Reaction(emoji="x")), None)
        try:
            await lobby.ready
        except MutedError as error:
            assert_type(error.data, Mute)
        except ReadOnlyError as error:
            assert_type(error.code, str)
        doc = chat.join("doc:{doc_id}", doc_id=7)
        assert_type(doc, DocRoom)
        await doc.ready
        await doc.emit(Move(x=1, y=2))
        assert_type(await doc.request(Save(note=None)), Receipt)
        assert_type(await doc.request(Move(x=1, y=2)), None)
        async with doc as same:
            assert_type(same, DocRoom)
        async for moved in doc.events(Moved):
            assert_type(moved.user, str)
        await doc.leave()


async def several(chat: ChatClient) -> None:
    assert_type(DocRoom.of(doc_id=7), RoomName[DocRoom])
    docs = chat.join_all(DocRoom.of(doc_id=7), DocRoom.of(doc_id=8))
    assert_type(docs, RoomGroup[DocRoom])
    await docs.ready
    assert_type(await docs.emit(Save(note=None)), Literal["sent", "queued", "dropped"])
    await docs.request(Move(x=1, y=2), timeout=3)
    for doc in docs:
        assert_type(doc, DocRoom)
    mixed = chat.join_all(LobbyRoom.of(), DocRoom.of(doc_id=7))
    async for moved in mixed.events(Moved):
        assert_type(moved, Moved)

    @mixed.on(Posted)
    def posted(event: Posted) -> None:
        assert_type(event, Posted)

    mixed.once(Posted, posted)
    mixed.off(Posted, posted)
    lobby, doc = chat.join("lobby"), chat.join("doc:{doc_id}", doc_id=7)
    await RoomGroup(lobby).emit(Reaction(emoji="x"))
    await RoomGroup(doc, *docs).emit(Move(x=1, y=2))
    assert_type(chat.rooms, tuple[str, ...])


async def more(chat: ChatClient) -> None:
    @chat.once(Posted)
    async def first(message: Posted) -> int:
        return len(message.text)

    assert_type(await first(Posted(author="a", text="b")), int)
    chat.off(Posted, first)
    chat.once("chat:posted", first)

    @chat.join("lobby").once("chat:posted")
    def named(message: Posted) -> str:
        return message.text

    assert_type(named(Posted(author="a", text="b")), str)
    chat.join("lobby").once(Posted, first)

    @chat.on_close
    def closed(ending: EndOfConnection) -> None:
        assert_type((ending.code, ending.reason, ending.is_final), tuple[int, str, bool])

    @chat.on_message
    def framed(frame: bytes | str) -> None:
        assert frame

    closed(EndOfConnection(1000, "", is_final=True))
    framed(b"")
    chat.set_auth(Credentials(token="t"))
    chat.set_auth(fresh)
    chat.reconnect()
    assert_type(chat.subprotocol, str | None)
    assert_type(await chat.send_raw(b"x"), Literal["sent", "queued", "dropped"])
    await chat.send_raw("x")
