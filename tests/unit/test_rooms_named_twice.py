"""A message that names one room twice (protocol.md Q44)."""

import pytest

from bytesocket_app import Settings
from bytesocket_app.testing import TestClient
from tests.support.talk import Wave, talk

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("settings", "times"), [(Settings(), 1), (Settings.drop_in(), 2)])
async def test_its_listener_is_called_once_and_twice_with_the_origins_settings(
    settings: Settings, times: int
) -> None:
    app, heard = talk(settings), list[str]()
    blue = app.room("blue")

    @blue.on(Wave)
    async def waved(event: Wave, room: str) -> None:
        heard.append(room)

    async with TestClient(app) as ann, TestClient(app) as bob:
        for client in (ann, bob):
            await client.join("blue")
        await ann.send({"rooms": ["blue", "blue"], "event": "wave", "data": {}})
        await ann.leave("nowhere")
        await bob.send({"type": 12, "room": "nowhere"})
        arrived = 0
        while (await bob.receive_message()).get("event") == "wave":
            arrived += 1
    assert (len(heard), arrived) == (times, times)
