"""A peer that is gone before its handshake is over leaves nothing behind."""

from collections.abc import Callable, Generator

import h2.config
import h2.connection
import pytest

from tests.support.hostile import Target, bystanders, request, target
from tests.support.hostile_app import ASGI_SERVERS
from tests.support.raw_peer import TEXT, frame

pytestmark = pytest.mark.slow

PEERS = 300


@pytest.fixture(scope="module", params=ASGI_SERVERS)
def served(request: pytest.FixtureRequest) -> Generator[Target]:
    """The application with a login on each server."""
    with target(request.param, "tests.support.hostile_app:login") as served:
        yield served


def glued_byte() -> bytes:
    return request() + b"z"


def glued_frame() -> bytes:
    return request() + frame(TEXT, b'{"type":4,"data":"right"}')


def glued_violation() -> bytes:
    return request() + b"\xf1\xff" + bytes(40)


def only_the_request() -> bytes:
    return request()


def half_a_request() -> bytes:
    return request()[:-10]


def over_cleartext_http2() -> bytes:
    """A WebSocket (RFC 8441) with data before it is taken, and a reset."""
    peer = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    peer.config.validate_outbound_headers = False
    peer.initiate_connection()
    stream = peer.get_next_available_stream_id()
    peer.send_headers(
        stream,
        [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":path", "/ws"),
            (":authority", "127.0.0.1"),
            ("sec-websocket-version", "13"),
        ],
    )
    peer.send_data(stream, b"z")
    peer.reset_stream(stream)
    return peer.data_to_send()


def upgraded_to_http2() -> bytes:
    return request(
        Upgrade="h2c",
        Connection="Upgrade, HTTP2-Settings",
        HTTP2_Settings="AAMAAABkAARAAAAAAAIAAAAA",
    )


@pytest.mark.parametrize(
    "opening",
    [
        glued_byte,
        glued_frame,
        glued_violation,
        only_the_request,
        half_a_request,
        over_cleartext_http2,
        upgraded_to_http2,
    ],
)
@pytest.mark.parametrize("leaves", ["at once", "by a reset", "after the answer"])
def test_300_peers_that_leave_during_their_handshake(
    served: Target, opening: Callable[[], bytes], leaves: str
) -> None:
    with bystanders(served, token="right"):
        before = served.report(token="right")
        answers = opening not in {half_a_request, over_cleartext_http2}
        for _ in range(PEERS):
            peer = served.connect()
            peer.send(opening())
            if leaves == "by a reset":
                peer.reset()
                continue
            if leaves == "after the answer" and answers:
                peer.answer()
            peer.close()
        wait_for(served, before)


def wait_for(served: Target, before: dict[str, int]) -> None:
    """Wait until the server holds what it held before."""
    served.wait_for_report(
        credentials={"token": "right"},
        sockets=before["sockets"],
        connections=before["connections"],
        # The listeners of trio and of the test itself come and go.
        files=before["files"] + 1,
    )
    assert not served.tracebacks()
