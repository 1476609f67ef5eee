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
