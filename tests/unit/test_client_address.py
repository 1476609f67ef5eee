"""What is dialled for what the user calls the server."""

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
