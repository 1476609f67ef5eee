"""What is dialled for what the user calls the server."""

import math

import pytest

from bytesocket_app.client.address import address
from bytesocket_app.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "secure", "port", "resource"),
    [
        ("ws://h", False, 80, "/ws?contract=f"),
        ("wss://h/", True, 443, "/ws?contract=f"),
        ("http://h:1/other", False, 1, "/other?contract=f"),
        ("HTTPS://h/a?b=c&contract=old", True, 443, "/a?b=c&contract=f"),
        ("ws://h/a?empty=#part", False, 80, "/a?empty=&contract=f"),
    ],
)
def test_the_address_keeps_what_the_url_says(
    url: str, secure: bool, port: int, resource: str
) -> None:
    place = address(url, path="/ws", fingerprint="f")
    assert (place.secure, place.host, place.port) == (secure, "h", port)
    assert place.resource_name == resource


def test_without_a_contract_nothing_is_added() -> None:
    assert address("ws://h").resource_name == "/"


@pytest.mark.parametrize("url", ["ftp://h", "localhost:8000", "", "ws://", "ws://h:port/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="no address of a socket"):
        address(url)


@pytest.mark.parametrize(
    "url", ["ftp://ann:s3cret@h/a?token=s3cret", "ws://ann:s3cret@/?token=s3cret"]
)
def test_an_error_does_not_tell_a_password_or_a_query(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        address(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("interval", "query"),
    [
        pytest.param(25, "contract=f", id="as-expected"),
        pytest.param(5, "contract=f", id="more-often"),
        pytest.param(60, "contract=f&heartbeat=60000", id="slower"),
        pytest.param(0, "contract=f&heartbeat=0", id="never"),
        pytest.param(math.inf, "contract=f&heartbeat=100000000000", id="as-good-as-never"),
    ],
)
def test_a_client_that_pings_more_slowly_than_expected_says_so(interval: float, query: str) -> None:
    place = address("ws://h/ws", fingerprint="f", ping_interval=interval)
    assert place.resource_name == f"/ws?{query}"
    assert address("ws://h/ws", ping_interval=interval).resource_name == "/ws"


QUERIES = [
    "a=%2F&b=%20&c=+",
    "a&b=&=c&&d",
    "token=a~b!c*d'(e)&x=1;y=2",
    "contracts=1&xcontract=2&heartbeats=3",
    "%zz=%&a=b=c?d/e:f@g",
    "A=%c3%a9&B=%C3%A9",
]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_stays_as_it_is_written(query: str) -> None:
    assert address(f"ws://h/a?{query}").resource_name == f"/a?{query}"
    place = address(f"ws://h?{query}#part", path="/ws", fingerprint="f", ping_interval=0)
    assert place.resource_name == f"/ws?{query}&contract=f&heartbeat=0"


def test_only_what_cannot_be_sent_is_encoded() -> None:
    assert address("ws://h/a b;c/%41?x=\u00e9 y").resource_name == "/a%20b;c/%41?x=%C3%A9%20y"


def test_a_contract_of_the_url_is_replaced_wherever_it_stands() -> None:
    place = address("ws://h/a?contract=1&b=%2f&contr%61ct=2", fingerprint="f")
    assert place.resource_name == "/a?b=%2f&contract=f"


@pytest.mark.parametrize("url", ["ws://a..b/?token=s3cret", f"ws://{'a' * 64}.b/?token=s3cret"])
def test_a_host_that_no_name_server_takes_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match="no address of a socket") as caught:
        address(url)
    assert "s3cret" not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["ws://[::1", "ws://[h]/?token=secret", "ws://h:x/"])
def test_an_address_that_cannot_be_parsed_is_named_without_its_query(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is no address of a socket") as refused:
        address(url)
    assert "secret" not in str(refused.value)
