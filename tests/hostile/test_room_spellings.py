"""A room that lets so many in is not entered once more under another spelling of its name."""

from typing import Any, Literal
from uuid import UUID

import pytest

from bytesocket_app import ByteSocket, Refusal, Settings, Socket
from bytesocket_app.errors import RequestError
from bytesocket_app.rooms import Misspelt, ParameterType
from bytesocket_app.testing import TestClient
from tests.support.room_types import KINDS, Kind
from tests.support.talk import error, talk

pytestmark = pytest.mark.anyio

codecs = pytest.mark.parametrize("codec", ["json", "binary"])
policies = pytest.mark.parametrize("settings", [None, Settings.drop_in()], ids=["ours", "drop-in"])
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


class Full(Refusal, code="full"):
    """There is one already."""


def limited(annotation: Any, settings: Settings | None) -> ByteSocket:
    """An application with a room for one socket at a time."""
    app = talk(settings)
    room = app.room("r:{x}")

    async def guard(socket: Socket[Any], x: Any) -> None:
        if room.count(x=x):
            raise Full

    guard.__annotations__["x"] = annotation
    room.guard(guard)
    return app


@kinds
@codecs
@policies
async def test_a_limit_holds_for_every_spelling(
    kind: Kind, codec: Literal["json", "binary"], settings: Settings | None
) -> None:
    app = limited(kind.annotation, settings)
    async with TestClient(app, codec=codec) as inside, TestClient(app, codec=codec) as outside:
        for text in {*kind.misspelt.values()}:
            await inside.join(f"r:{text}")
        for text, right in kind.misspelt.items():
            with pytest.raises(RequestError) as caught:
                await outside.join(f"r:{right}")
            assert caught.value.code == "full"
            with pytest.raises(RequestError) as caught:
                await outside.join(f"r:{text}")
            assert caught.value.code == "invalid"
            for names in ([f"r:{text}"], [f"r:{text}", f"r:{text} "]):
                await outside.send({"type": 15, "rooms": names})
                answer = await outside.receive_message()
                assert (answer["type"], error(answer)["code"]) == (17, "invalid")
        assert [len(socket.rooms.list()) for socket in app.sockets()] == [
            len({*kind.misspelt.values()}),
            0,
        ]
        for text in {*kind.misspelt.values()}:
            assert len(app.rooms.at(f"r:{text}").sockets()) == 1


@pytest.mark.parametrize("annotation", [int, UUID, bool, Literal["a", 1]], ids=str)
def test_what_a_long_text_may_mean_is_not_searched(
    annotation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Normalizing a million marks would take minutes."""
    searched: list[str] = []

    def normalize(_form: str, text: str) -> str:
        searched.append(text)
        return text

    monkeypatch.setattr("unicodedata.normalize", normalize)
    made = ParameterType(annotation)
    marks = "a" + "\u0300\u0316" * 500_000
    for text in (marks, "1" * 1_000_000, "0" * 1_000_000, ".0" * 500_000, " " * 1_000_000):
        with pytest.raises(Misspelt) as caught:
            made.parse(text)
        assert caught.value.right is None
    assert searched == []
