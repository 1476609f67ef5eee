"""RFC 6455 on picows, byte by byte: what breaks it, and what only looks as if it did."""

from collections.abc import AsyncGenerator

import pytest

from bytesocket_app import ByteSocket, Limits, Settings
from tests.support.raw_peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Served,
    frame,
    on_picows,
)
from tests.support.talk import Say, talk, until

pytestmark = pytest.mark.anyio

LIMIT = 70_000
SAY = b'{"event":"say","data":{"text":"h\xc3\xa9"},"id":1}'
ANSWER = b'{"type":32,"id":1,"data":"h\xc3\xa9"}'


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


ends: list[tuple[int, str]] = []


def echo(settings: Settings | None = None) -> ByteSocket:
    app = talk(settings, serialization="json")

    @app.on(Say)
    async def say(event: Say) -> str:
        return event.text

    @app.lifecycle.close
    async def closed(code: int, reason: str) -> None:
        ends.append((code, reason))

    return app


@pytest.fixture
async def served() -> AsyncGenerator[Served]:
    ends.clear()
    settings = Settings(limits=Limits(message_bytes=LIMIT, fragments=8))
    async with on_picows(echo(settings)) as served:
        yield served


def halved(opcode: int, payload: bytes) -> bytes:
    """A message in two fragments."""
    half = len(payload) // 2
    return frame(opcode, payload[:half], fin=False) + frame(CONTINUATION, payload[half:])


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2) + reason)


BREACHES = {
    "a reserved bit": (frame(TEXT, SAY, rsv=4), 1002),
    "another reserved bit": (frame(BINARY, b"\xc0", rsv=1), 1002),
    "a reserved bit on a ping": (frame(PING, rsv=2), 1002),
    "a reserved bit on a continuation": (
        frame(TEXT, b"{", fin=False) + frame(CONTINUATION, b"}", rsv=4),
        1002,
    ),
    "a reserved data opcode": (frame(0x3, b"x"), 1002),
    "a reserved control opcode": (frame(0xB), 1002),
    "no mask": (frame(TEXT, SAY, masked=False), 1002),
    "a continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "a last continuation too many": (halved(TEXT, SAY) + frame(CONTINUATION, b"x"), 1002),
    "a message inside another": (frame(TEXT, b"{", fin=False) + frame(TEXT, SAY), 1002),
    "a beginning inside a message": (
        frame(TEXT, b"{", fin=False) + frame(BINARY, b"x", fin=False),
        1002,
    ),
    "a ping in fragments": (frame(PING, b"x", fin=False), 1002),
    "a close in fragments": (frame(CLOSE, b"\x03\xe8", fin=False), 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a close of 126 bytes": (close(1000, b"x" * 124), 1002),
    "half a close code": (frame(CLOSE, b"\x03"), 1002),
    **{f"close code {code}": (close(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015)},
    **{f"close code {code}": (close(code), 1002) for code in (1016, 2999, 5000, 65535)},
    "a close reason that is no UTF-8": (close(1000, b"\xff"), 1007),
    "text that is no UTF-8": (frame(TEXT, b'{"event":"\xff"}'), 1007),
    "text that ends inside a character": (frame(TEXT, b'"\xc3'), 1007),
    "a surrogate in text": (frame(TEXT, b'"\xed\xa0\x80"'), 1007),
    "text in fragments that is no UTF-8": (halved(TEXT, b'"\xc3\x28"'), 1007),
    "text in fragments that ends inside a character": (halved(TEXT, b'"abc\xe2\x82'), 1007),
    "a long message": (frame(BINARY, b"x" * (LIMIT + 1)), 1009),
    "a long message in fragments": (halved(TEXT, b"x" * (LIMIT + 1)), 1009),
    "many fragments": (
        frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"x", fin=False) * 8,
        1009,
    ),
    "many empty fragments": (
        frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 8,
        1009,
    ),
    "a length that could have been shorter": (
        bytes([0x81, 0xFE, 0, 5]) + b"\0\0\0\0" + b"hello",
        1002,
    ),
    "a length of 2**63": (bytes([0x82, 0xFF, 0x80, *bytes(7)]) + b"\0\0\0\0", 1002),
}


@pytest.mark.parametrize(("sent", "code"), BREACHES.values(), ids=BREACHES.keys())
async def test_a_breach_of_the_protocol_is_answered_with_its_code(
    sent: bytes, code: int, served: Served
) -> None:
    async with served.connect() as peer, served.connect() as other:
        await peer.send(sent)
        # What follows a breach is not looked at.
        await peer.send(frame(PING, b"late"))
        opcode, payload = await peer.receive()
        while opcode == TEXT:  # a whole message before the breach was answered
            assert payload == ANSWER
            opcode, payload = await peer.receive()
        assert (opcode, int.from_bytes(payload[:2])) == (CLOSE, code)
        assert payload[2:].decode()
        await peer.ended()
        await until(lambda: ends)
        assert [end for end, _ in ends] == [code]
        await other.send(frame(TEXT, SAY))
        assert await other.receive() == (TEXT, ANSWER)


WHOLE = {
    "in one frame": frame(TEXT, SAY),
    "in two": halved(TEXT, SAY),
    "byte by byte": frame(TEXT, SAY[:1], fin=False)
    + frame(CONTINUATION, SAY[1:32], fin=False)
    + frame(CONTINUATION, SAY[32:33], fin=False)
    + frame(CONTINUATION, SAY[33:]),
    "with an empty fragment at its end": frame(TEXT, SAY, fin=False) + frame(CONTINUATION),
    "with control frames between": frame(TEXT, SAY[:9], fin=False)
    + frame(PONG, b"unasked")
    + frame(CONTINUATION, SAY[9:]),
}


@pytest.mark.parametrize("sent", WHOLE.values(), ids=WHOLE.keys())
async def test_a_message_may_come_in_fragments(sent: bytes, served: Served) -> None:
    async with served.connect() as peer:
        for _ in range(2):
            await peer.send(sent)
            assert await peer.receive() == (TEXT, ANSWER)


async def test_a_message_may_come_in_the_smallest_pieces_the_network_makes(
    served: Served,
) -> None:
    async with served.connect() as peer:
        for byte in halved(TEXT, SAY):
            await peer.send(bytes([byte]))
        assert await peer.receive() == (TEXT, ANSWER)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, LIMIT - 60])
async def test_a_message_of_every_length_comes_back(size: int, served: Served) -> None:
    text = "x" * size
    async with served.connect() as peer:
        await peer.say(f'{{"event":"say","data":{{"text":"{text}"}},"id":1}}')
        assert await peer.receive() == (TEXT, f'{{"type":32,"id":1,"data":"{text}"}}'.encode())


@pytest.mark.parametrize("payload", [b"", b"beat", b"x" * 125])
async def test_a_ping_is_answered_with_its_payload(payload: bytes, served: Served) -> None:
    async with served.connect() as peer:
        await peer.send(frame(TEXT, SAY[:5], fin=False) + frame(PING, payload))
        assert await peer.receive() == (PONG, payload)
        await peer.send(frame(CONTINUATION, SAY[5:]))
        assert await peer.receive() == (TEXT, ANSWER)


@pytest.mark.parametrize(
    ("sent", "echoed", "known"),
    [
        (frame(CLOSE), b"", (1005, "")),
        (close(1000), b"\x03\xe8", (1000, "")),
        (close(1001, b"gone"), b"\x03\xe9", (1001, "gone")),
        (close(1014), b"\x03\xf6", (1014, "")),
        (close(3000, "später".encode()), b"\x0b\xb8", (3000, "später")),
        (close(4999, b"x" * 123), b"\x13\x87", (4999, "x" * 123)),
    ],
    ids=["none", "1000", "1001", "1014", "3000", "4999"],  # a frame's mask is chosen anew each time
)
async def test_a_peers_close_is_answered_and_its_code_and_reason_are_known(
    sent: bytes, echoed: bytes, known: tuple[int, str], served: Served
) -> None:
    async with served.connect() as peer:
        await peer.send(sent + frame(TEXT, SAY) + frame(PING))
        assert await peer.receive() == (CLOSE, echoed)
        await peer.ended()
        await until(lambda: ends)
        assert ends == [known]


async def test_a_connection_that_breaks_is_1006(served: Served) -> None:
    async with served.connect() as peer:
        await peer.send(frame(TEXT, SAY))
        await peer.receive()
    await until(lambda: ends)
    assert ends == [(1006, "")]


async def test_frames_right_behind_the_request_are_not_lost(served: Served) -> None:
    async with served.visit() as peer:
        await peer.ask()
        await peer.send(frame(TEXT, SAY) * 3)
        assert (await peer.answer())[0] == 101
        for _ in range(3):
            assert await peer.receive() == (TEXT, ANSWER)
