"""A request is bounded in headers, bytes and time, and each refusal is one clear answer."""

import ssl
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from tests.support.hostile import Attacker, Target, bystanders, request, target
from tests.support.hostile_app import ASGI_SERVERS, OURS, SERVERS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=OURS)
def ours(request: pytest.FixtureRequest) -> Generator[Target]:
    """The application on each server that our runners set up."""
    with target(request.param, "tests.support.hostile_quick:impatient") as served:
        yield served


def status(served: Target, head: bytes) -> int:
    with served.connect() as peer:
        peer.send(head)
        return peer.answer()[0]


def headers(count: int, size: int = 4) -> dict[str, str]:
    return {f"X-{number}": "v" * size for number in range(count)}


@pytest.mark.parametrize("kind", ASGI_SERVERS)
def test_more_headers_than_the_limit_are_answered_with_431(kind: str) -> None:
    with target(kind) as served, bystanders(served):
        assert status(served, request(**headers(90))) == 101
        for count in (101, 150, 3000):
            assert status(served, request(**headers(count))) == 431, count
        assert not served.tracebacks()


def test_more_bytes_than_the_limit_are_answered_with_431(ours: Target) -> None:
    with bystanders(ours):
        assert status(ours, request(**headers(60, 200))) == 101
        for head in (
            request(**headers(3000, 40)),
            request(**headers(90, 300)),
            request(X="v" * 20_000),
            request(X="v" * 500_000),
            request("/ws?" + "q" * 20_000),
        ):
            assert status(ours, head) == 431
    assert not ours.tracebacks()


@pytest.mark.parametrize("kind", OURS)
def test_a_head_that_is_too_large_is_a_warning_that_names_the_limit(kind: str) -> None:
    with target(kind, "tests.support.hostile_quick:impatient") as served:
        assert status(served, request(Cookie="secret=" + "v" * 17_000)) == 431
        (line,) = [line for line in served.errors() if "refused: 431" in line]
        assert "Limits.header_bytes" in line
        assert "secret" not in served.log()


def test_a_head_without_an_end_is_answered_with_431(ours: Target) -> None:
    with bystanders(ours):
        assert status(ours, request()[:-2] + b"X: " + b"v" * 20_000) == 431


def test_a_header_line_of_8_kib_is_answered_with_more_than_silence(ours: Target) -> None:
    with bystanders(ours):
        assert status(ours, request(X="v" * 8180)) in {101, 431}


@pytest.mark.parametrize("offer", ["a b", "caf\xe9", "a, b/c", '"x"', "a=b"])
def test_a_subprotocol_that_is_no_token_is_answered_with_400(ours: Target, offer: str) -> None:
    with bystanders(ours):
        assert status(ours, request(Sec_WebSocket_Protocol=offer)) == 400
    assert not ours.tracebacks()


@pytest.mark.parametrize(
    "head",
    [
        request().replace(b"HTTP/1.1", b"HTTP/1.0"),
        request(Sec_WebSocket_Version="12"),
        request(Sec_WebSocket_Key=""),
        b"GET /\xe9\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        request() + b"z",
        request() + bytes(100_000),
    ],
    ids=["http-1.0", "version", "key", "path", "tls", "early-byte", "early-bytes"],
)
def test_what_is_refused_is_answered_and_then_gone(ours: Target, head: bytes) -> None:
    with bystanders(ours):
        before = ours.report()["files"]
        with ours.connect() as peer:
            peer.send(head)
            assert peer.answer()[0] in {400, 426}
            assert peer.gone()
            ours.wait_for_report(files=before)
    assert not ours.tracebacks()


def drip(peer: Attacker, data: bytes) -> None:
    """Send a byte at a time, for as long as the server takes them."""
    peer.socket.settimeout(0.05)
    sent = 0
    while True:
        try:
            peer.send(data[sent : sent + 1])
            sent = min(sent + 1, len(data) - 1)
            if not peer.socket.recv(65536):
                return
        except TimeoutError:
            continue
        except OSError:
            return


def test_a_peer_that_sends_nothing_is_gone_after_the_deadline(ours: Target) -> None:
    with bystanders(ours), ours.connect() as peer:
        assert peer.gone()
    assert not ours.tracebacks()


def test_a_request_byte_by_byte_is_gone_after_the_deadline(ours: Target) -> None:
    with bystanders(ours), ours.connect() as peer:
        drip(peer, b"GET /" + b"a" * 8000)
    assert not ours.tracebacks()


def test_a_second_request_byte_by_byte_is_gone_too(ours: Target) -> None:
    with bystanders(ours), ours.connect() as peer:
        peer.send(b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
        assert peer.answer()[0] == 426
        drip(peer, b"GET /" + b"a" * 8000)
    assert not ours.tracebacks()


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate and its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    made = trustme.CA().issue_cert("localhost")
    made.private_key_and_cert_chain_pem.write_to_path(path)
    return path


@pytest.mark.parametrize("kind", OURS)
def test_tls_that_is_never_finished_is_gone_after_the_deadline(kind: str, pem: Path) -> None:
    with target(kind, "tests.support.hostile_quick:impatient", str(pem)) as served:
        with served.connect() as silent, served.connect() as half:
            half.send(b"\x16\x03\x01\x02\x00\x01\x00")
            assert silent.gone()
            assert half.gone()
        with served.connect() as plain:
            plain.send(request())
            assert plain.gone()
        with over_tls(served) as idle:
            assert idle.gone()
        with over_tls(served) as peer:
            peer.send(request())
            assert peer.answer()[0] == 101
        assert served.is_alive
        assert not served.tracebacks()


def over_tls(served: Target) -> Attacker:
    """Connect with TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    peer = served.connect()
    peer.socket = context.wrap_socket(peer.socket, server_hostname="localhost")
    return peer


GET = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "second",
    [
        request() + b"z",
        request().replace(b"HTTP/1.1", b"HTTP/1.0"),
        request(X="v" * 17_000),
        b"\0\xff\r\n\r\n",
    ],
    ids=["early-byte", "http-1.0", "large", "noise"],
)
def test_a_request_refused_behind_another_one_keeps_no_descriptor(
    ours: Target, second: bytes
) -> None:
    with bystanders(ours):
        before = ours.report()["files"]
        with ours.connect() as peer:
            peer.send(GET + second)
            assert peer.answer()[0] == 404
            assert peer.gone()
            ours.wait_for_report(files=before)  # while the peer stays
    assert not ours.tracebacks()


def test_a_body_that_goes_on_after_the_answer_keeps_no_descriptor(ours: Target) -> None:
    with bystanders(ours), ours.connect() as peer:
        peer.send(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        assert peer.answer()[0] == 404
        with suppress(OSError):
            peer.send(b"v")
        assert peer.gone()
    assert not ours.tracebacks()


@pytest.mark.parametrize("kind", SERVERS)
def test_a_connect_is_answered_with_405_and_no_traceback(kind: str) -> None:
    with target(kind) as served, bystanders(served):
        for place in ("/health", "/ws", "127.0.0.1:80"):
            head = f"CONNECT {place} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            assert status(served, head) == 405
            assert status(served, head + b"z" * 100) == 405
        assert not served.tracebacks()
