"""Addresses of engines: what they say, and what is said of those that are none."""

import pytest

from bytesocket_app import ByteSocket
from bytesocket_app.engines import parse_engine
from bytesocket_app.errors import ConfigurationError


def test_an_address_names_the_server_the_login_and_the_namespace() -> None:
    address = parse_engine("redis://ann:p%40ss@broker.example:6380/3?namespace=chat")

    assert address.hosts == (("broker.example", 6380),)
    assert (address.user, address.password) == ("ann", "p@ss")
    assert (address.database, address.namespace) == (3, "chat")
    assert not address.is_encrypted


def test_a_secret_of_the_application_is_read_and_never_shown() -> None:
    for url in (
        "redis://h?secret=hunter2-and-more-of-it&namespace=chat",
        "memory://x?secret=hunter2-and-more-of-it",
    ):
        address = parse_engine(url)

        assert address.secret == b"hunter2-and-more-of-it"
        assert "hunter2" not in address.shown + repr(address)
    assert parse_engine("redis://h").secret is None


@pytest.mark.parametrize(
    ("url", "port", "is_encrypted"),
    [
        ("redis://h", 6379, False),
        ("rediss://h", 6379, True),
        ("valkey://h", 6379, False),
        ("valkeys://h", 6379, True),
        ("nats://h", 4222, False),
        ("tls://h", 4222, True),
    ],
)
def test_each_scheme_has_its_port_and_its_encryption(
    url: str, port: int, is_encrypted: bool
) -> None:
    address = parse_engine(url)

    assert address.hosts == (("h", port),)
    assert address.is_encrypted is is_encrypted


def test_a_nats_address_may_name_several_servers() -> None:
    assert parse_engine("nats://a,b:4223,[::1]:4224").hosts == (
        ("a", 4222),
        ("b", 4223),
        ("::1", 4224),
    )


@pytest.mark.parametrize(
    "url", ["redis://ann:secret@h/0", "nats://secret@h", "valkeys://:secret@h:1"]
)
def test_a_login_is_never_shown(url: str) -> None:
    address = parse_engine(url)

    assert "secret" not in address.shown
    assert address.password is None or "secret" not in repr(address)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("rediss//h", "named by a URL"),
        ("redos://h", "Did you mean 'redis'?"),
        ("kafka://h", "no engine has the scheme 'kafka'"),
        ("redis://", "names a host"),
        ("redis://h:port", "no host and port"),
        ("redis://h:70000", "no host and port"),
        ("redis://h/zero", "no number of a database"),
        ("nats://h/0", "takes no path"),
        ("redis://a,b", "takes one server"),
        ("redis://h?namspace=x", "Did you mean 'namespace'?"),
        ("redis://h?namespace=", "the namespace of an engine's URL is empty"),
        ("redis://h?secret=", "the secret of an engine's URL is empty"),
        ("redis://h?secret=hunter2", "the secret of an engine's URL is too short"),
        ("redis://ann:hunter2@h:port", "no host and port"),
        ("redis://ann:hunter2@h?x=1", "has no 'x' in its query"),
        ("redis://:hunter2/x@h", "percent-encoded"),
        ("redis://u:hunter2?x@h", "percent-encoded"),
        ("redis://u:hunter2#x@h", "percent-encoded"),
        ("redis://hunter2#x", "percent-encoded"),
        ("redis://:hunt[er2@h", "percent-encoded"),
        ("redis://:hunter2\u2100@h", "percent-encoded"),
        ("redis://[::1", "that is no URL"),
        ("redis://h:0", "no host and port"),
        ("redis://h h", "no host and port"),
        ("redis://hunter2@h", "write redis://:PASSWORD@host"),
        ("nats://u:hunter2@one,u:hunter2@two", "one login, before all hosts"),
    ],
)
def test_what_is_no_address_is_said_without_its_password(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_engine(url)

    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_application_refuses_an_engine_where_it_is_made() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'redis'"):
        ByteSocket(title="Chat", engine="redos://localhost")
