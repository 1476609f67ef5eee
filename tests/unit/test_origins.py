"""Which pages may connect: lists, the same host, proxies, and what the log says of a refusal."""

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app import ByteSocket, Policies, Settings
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.serving.origins import MAX_TOLD, Forwarded, Origins
from bytesocket_app.transports import Handshake, Rejection
from tests.support.talk import logged, talk

pytestmark = pytest.mark.anyio

PROXY = ("10.0.0.1", 4711)


def page(origin: str, host: str = "server.example", **headers: str) -> Handshake:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Handshake("/ws", headers={"origin": origin, "host": host, **named})


async def refused(app: ByteSocket, handshake: Handshake) -> bool:
    decision = await app.endpoint.admit(handshake)
    return isinstance(decision, Rejection) and decision.status == 403


@pytest.mark.parametrize(
    ("listed", "sent"),
    [
        ("https://Friend.example", "https://friend.example"),
        ("https://friend.example", "HTTPS://FRIEND.example"),
        ("https://friend.example:443", "https://friend.example"),
        ("http://friend.example:80", "http://friend.example"),
        ("https://friend.example:8443", "https://friend.example:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:5173", "http://[::1]:5173"),
        ("http://[0:0:0:0:0:0:0:1]:5173", "http://[::1]:5173"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example:443", "https://xn--bcher-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://☕.example", "https://xn--53h.example"),
        ("https://日本語。jp", "https://xn--wgv71a119e.jp"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("null", "null"),
        ("file://", "file://"),
        ("chrome-extension://mpognobbkildjkofajifpdfhcoklimli",) * 2,
        ("moz-extension://0f5a2d4e-7bb5-4c0e-a1a5-6f3fbc8a4d6d",) * 2,
        ("capacitor://localhost",) * 2,
        ("app://.", "app://."),
        ("*", "anything, at all"),
    ],
)
async def test_what_browsers_send_can_be_listed_and_matches(listed: str, sent: str) -> None:
    assert not await refused(talk(origins=[listed]), page(sent))
    if listed != "*":
        assert await refused(talk(origins=["https://somebody.example"]), page(sent))
        assert await refused(talk(origins=[listed]), page("https://evil.example"))


@pytest.mark.parametrize(
    ("listed", "remedy"),
    [
        ("friend.example", "Write 'https://friend.example'."),
        ("https://friend.example/", "Write 'https://friend.example'."),
        ("https://friend.example/app?x=1", "Write 'https://friend.example'."),
        ("https://ann@friend.example", "Write 'https://friend.example'."),
        ("wss://friend.example:8443", "Write 'https://friend.example:8443'."),
        ("ws://localhost:5173", "Write 'http://localhost:5173'."),
        (" https://friend.example", "Write 'https://friend.example'."),
        ("https://*.friend.example", "no patterns but '*'"),
        ("*.friend.example", "no patterns but '*'"),
        ("file:///home/ann/page.html", "would never match"),
        ("https://friend.example:99999", "would never match"),
        ("https://friend.example:http", "would never match"),
        ("https://a.example, https://b.example", "would never match"),
        ("https://[::1", "would never match"),
        ("https://", "would never match"),
        ("", "would never match"),
        (7, "origins=[7] would never match"),
        (b"https://friend.example", "would never match"),
        (None, "would never match"),
    ],
)
def test_nonsense_in_the_list_is_refused_where_it_stands(listed: Any, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        talk(origins=["https://good.example", listed])
    assert remedy in str(error.value)
    assert "browsers send scheme, host and port alone" in str(error.value)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example@server.example",
        "https://server.example@evil.example",
        "https://server.example/",
        "https://server.example#x",
        "https://server.example https://evil.example",
        "https://server.example, https://evil.example",
        "https://evil.example, https://server.example",
        "https://server.example\t",
        "https://server.example:",
        "https://server.example:0x1bb",
        "https://server.example:443443",
        "https://server.example\\@evil.example",
        "//server.example",
        "server.example",
        "chrome-extension://server.example",
        "file://server.example",
        "wss://server.example",
        "null, https://server.example",
        "https://" + "a" * 5000 + ".server.example",
        "https://sërver.example",
        "https://",
        "://server.example",
    ],
)
@pytest.mark.parametrize("listed", [[], ["https://friend.example", "null"]])
async def test_nothing_odd_is_allowed_by_accident(
    origin: str, listed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert await refused(talk(origins=listed), page(origin))
    (line,) = logged(caplog, logging.WARNING)
    assert len(line) < 600
    assert line.isprintable()


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_makes_the_check_fail(origin: str, host: str) -> None:
    check = Origins(["https://friend.example", "null"], "same")
    handshake = page(origin, host, x_forwarded_host=origin)
    check.allow(handshake, Forwarded(host, PROXY))
    check.tell(handshake, Forwarded(host, PROXY))


@pytest.mark.parametrize(
    ("handshake", "says"),
    [
        (
            page("https://app.example:8443", "app.example"),
            """
            origin 'https://app.example:8443' refused: it was compared with Host
            'app.example', which is without the page's port: have the proxy pass it
            (nginx: `proxy_set_header Host $http_host`), or allow it with
            ByteSocket(origins=['https://app.example:8443'])
            """,
        ),
        (
            page("https://app.example", ""),
            """
            origin 'https://app.example' refused: the request has no Host to compare
            it with; have the proxy pass one, or allow it with
            ByteSocket(origins=['https://app.example'])
            """,
        ),
        (
            page("https://app.example", "inner:8000"),
            """
            origin 'https://app.example' refused: it was compared with Host
            'inner:8000'; allow it with ByteSocket(origins=['https://app.example'])
            """,
        ),
        (
            page("https://app.example", "inner:8000", x_forwarded_host="app.example"),
            """
            origin 'https://app.example' refused: it was compared with Host
            'inner:8000'; X-Forwarded-Host 'app.example' fits, and counts from
            trusted proxies only: name the proxy, as in
            Policies(trusted_proxies=('10.0.0.1',)), or allow it with
            ByteSocket(origins=['https://app.example'])
            """,
        ),
        (
            page("null"),
            """
            origin 'null' refused: a page without a host of its own is at no server;
            allow it with ByteSocket(origins=['null'])
            """,
        ),
        (
            page("chrome-extension://abc"),
            """
            origin 'chrome-extension://abc' refused: a page without a host of its
            own is at no server; allow it with
            ByteSocket(origins=['chrome-extension://abc'])
            """,
        ),
        (
            page("nobody at all"),
            """
            origin of 13 characters, which is none, refused: browsers send scheme,
            host and port alone, as in 'https://example.org' or
            'http://localhost:5173', so no setting allows it
            """,
        ),
    ],
)
async def test_a_refusal_says_what_was_compared_and_what_mends_it(
    handshake: Handshake, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk()
    behind = Handshake(handshake.path, headers=handshake.headers, client=PROXY)
    for _ in range(3):  # a page tries for ever
        assert await refused(app, behind)
    assert logged(caplog, logging.WARNING) == [" ".join(says.split())]


async def test_a_peer_without_an_address_is_named_as_the_setting_has_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handshake = page("https://app.example", "inner", x_forwarded_host="app.example")
    assert await refused(talk(), handshake)
    (line,) = logged(caplog, logging.WARNING)
    assert "Policies(trusted_proxies=('unix',))" in line


async def test_what_trusted_proxies_tell_of_the_host_is_compared_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = talk(Settings(policies=Policies(trusted_proxies=("10.0.0.0/8",))))

    async def from_peer(peer: tuple[str, int], origin: str, told: str) -> bool:
        headers = page(origin, "inner:8000", x_forwarded_host=told).headers
        return await refused(app, Handshake("/ws", headers=headers, client=peer))

    assert not await from_peer(PROXY, "https://app.example", "app.example")
    assert not await from_peer(PROXY, "https://app.example", "App.example:443")
    assert not await from_peer(PROXY, "http://inner:8000", "app.example")
    assert not await from_peer(PROXY, "https://app.example", "evil.example, app.example")
    assert await from_peer(PROXY, "https://evil.example", "evil.example, app.example")
    assert await from_peer(("192.0.2.1", 1), "https://app.example", "app.example")
    assert await from_peer(PROXY, "https://app.example:8443", "app.example")
    first, second, third = logged(caplog, logging.WARNING)
    assert "compared with Host 'inner:8000' and X-Forwarded-Host 'app.example'; allow it" in first
    assert "Policies(trusted_proxies=('192.0.2.1',))" in second
    assert "X-Forwarded-Host 'app.example', which is without the page's port" in third


async def test_a_flood_of_origins_is_neither_kept_nor_logged_without_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    check = Origins([], "same")
    for number in range(MAX_TOLD * 3):
        for _ in range(2):
            check.tell(page(f"https://{number}.example"))
    assert len(logged(caplog, logging.WARNING)) <= MAX_TOLD * 3


async def test_under_drop_in_a_list_says_that_it_is_the_list(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = talk(Settings.drop_in(), origins=["https://friend.example"])
    assert await refused(app, page("https://server.example"))
    (line,) = logged(caplog, logging.WARNING)
    assert "refused: it is not among the listed ones; allow it with ByteSocket(origins=" in line
