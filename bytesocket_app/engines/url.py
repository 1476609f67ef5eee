"""Addresses of engines: `redis://:secret@host:6379/0?namespace=chat`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from bytesocket_app.errors import ConfigurationError, near

REDIS: Final[tuple[str, ...]] = ("redis", "rediss", "valkey", "valkeys")
NATS: Final[tuple[str, ...]] = ("nats", "tls")
MEMORY: Final = "memory"

PORTS: Final[Mapping[str, int]] = MappingProxyType(
    {**dict.fromkeys(REDIS, 6379), **dict.fromkeys(NATS, 4222)}
)
"""Schemes of brokers, and the port that each has by default."""

ENCRYPTED: Final = frozenset({"rediss", "valkeys", "tls"})

VARIABLE: Final = "BYTESOCKET_ENGINE"
"""Name of the environment variable whose URL goes before the one in the code."""

SHORTEST_SECRET: Final = 16
"""Bytes of a secret, at least."""

_ESCAPED: Final = (
    "In a password '/', '?', '#', '@' and ':' are percent-encoded, as by urllib.parse.quote(word, "
    "safe='')."
)

QUERY: Final = ("namespace", "secret")
"""Keys that the query of an address may have."""

EXAMPLES: Final = (
    "'memory://', 'redis://localhost:6379', 'valkey://localhost:6379' or 'nats://localhost:4222'"
)


@dataclass(frozen=True)
class EngineAddress:
    """Broker of a URL, and how to log in to it.

    Attributes:
        scheme: One of `PORTS`, or `memory`.
        hosts: Hosts and ports; more than one only of NATS.
        name: What follows `memory://`.
        user, password: The login; a user without a password is a token to NATS.
        database: The number of Redis' database.
        namespace: What the channels of the application are told apart by; None for its title's.
        secret: What its processes know each other's messages by; None to trust all on the broker.
    """

    scheme: str
    hosts: Sequence[tuple[str, int]] = ()
    name: str = ""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    namespace: str | None = None
    secret: bytes | None = field(default=None, repr=False)

    @property
    def is_alone(self) -> bool:
        """True if there is no other process."""
        return self.scheme == MEMORY and not self.name

    @property
    def is_local(self) -> bool:
        """True if it reaches nothing outside this process: `memory://`, with a name or without."""
        return self.scheme == MEMORY

    @property
    def is_encrypted(self) -> bool:
        """True if the connection is to be by TLS."""
        return self.scheme in ENCRYPTED

    @property
    def shown(self) -> str:
        """The address for people: without a login."""
        places = ",".join(f"{bracketed(host)}:{port}" for host, port in self.hosts)
        return f"{self.scheme}://{places or self.name}"


def parse_engine(url: str) -> EngineAddress:
    """Read the URL of an engine.

    Raises:
        ConfigurationError: It is no URL of an engine, or has what its scheme does not take. The
            text never holds the password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # whose text may have the password
        raise ConfigurationError(f"that is no URL: write {EXAMPLES}. {_ESCAPED}") from None
    scheme = parts.scheme.lower()
    if "@" in f"{parts.path}{parts.query}{parts.fragment}" or parts.fragment:
        raise ConfigurationError(f"an engine's URL cannot be read. {_ESCAPED}")
    if scheme == MEMORY:
        name = parts.netloc + parts.path
        found = _query(parts.query)
        return EngineAddress(
            scheme, name=name, namespace=found.get("namespace"), secret=_secret(found)
        )
    if scheme not in PORTS:
        if "://" not in url:
            raise ConfigurationError(f"an engine is named by a URL: {EXAMPLES}.")
        hint = near(scheme, (*PORTS, MEMORY))
        raise ConfigurationError(f"no engine has the scheme {scheme!r}.{hint} Write {EXAMPLES}.")
    login, _, places = parts.netloc.rpartition("@")
    if "@" in login:
        raise ConfigurationError(
            "an engine's URL has one login, before all hosts: nats://user:password@one,two. "
            f"{_ESCAPED}"
        )
    user, has_password, password = login.partition(":")
    if scheme in REDIS and user and not has_password:
        raise ConfigurationError(
            f"a login of {scheme}:// has a password: write {scheme}://:PASSWORD@host, or "
            f"{scheme}://USER:PASSWORD@host."
        )
    hosts = tuple(_host(place, PORTS[scheme]) for place in places.split(","))
    if scheme in REDIS and len(hosts) > 1:
        raise ConfigurationError(
            f"{scheme}:// takes one server, and this names {len(hosts)}. A Redis Cluster is "
            "not supported; a managed service has one address."
        )
    found = _query(parts.query)
    return EngineAddress(
        scheme,
        hosts,
        user=unquote(user) or None,
        password=unquote(password) if has_password else None,
        database=_database(scheme, parts.path),
        namespace=found.get("namespace"),
        secret=_secret(found),
    )


def bracketed(host: str) -> str:
    """Return a host as a URL has it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def _host(place: str, default: int) -> tuple[str, int]:
    """Read a host and its port, if it has one."""
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
        if port == 0 or (host and " " in host):
            raise ValueError(place)  # noqa: TRY301 - as for what is no number
    except ValueError:  # neither is shown, as it may be the password
        raise ConfigurationError(
            f"an engine's URL has no host and port, as in {EXAMPLES}. {_ESCAPED}"
        ) from None
    if not host:
        raise ConfigurationError(f"an engine's URL names a host: write {EXAMPLES}.")
    return host, default if port is None else port


def _database(scheme: str, path: str) -> int:
    number = path.removeprefix("/")
    if not number:
        return 0
    if scheme in NATS:
        raise ConfigurationError(f"{scheme}:// takes no path, and this one has one. {_ESCAPED}")
    if not number.isascii() or not number.isdigit():
        raise ConfigurationError(
            f"what follows the host is no number of a database, as in '/0'. {_ESCAPED}"
        )
    return int(number)


def _secret(found: Mapping[str, str]) -> bytes | None:
    secret = found.get("secret")
    if secret is None:
        return None
    return checked_secret(secret, "the secret of an engine's URL is too short")


def checked_secret(secret: object, problem: str) -> bytes:
    """Return a secret as bytes.

    Args:
        secret: The secret, which no error shows.
        problem: Words for one that is no text and no bytes, or too short.

    Raises:
        ConfigurationError: It is one of these.
    """
    found = secret.encode() if isinstance(secret, str) else secret
    if isinstance(found, bytes) and len(found) >= SHORTEST_SECRET:
        return found
    raise ConfigurationError(
        f"{problem}: use a text or bytes of at least {SHORTEST_SECRET} bytes, as of `python -c "
        "'import secrets; print(secrets.token_hex())'`, the same for all processes."
    )


def _query(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in QUERY:
            raise ConfigurationError(
                f"an engine's URL has no {key!r} in its query.{near(key, QUERY)} Known: "
                f"{', '.join(QUERY)}."
            )
        if not value:
            raise ConfigurationError(f"the {key} of an engine's URL is empty: leave it out.")
        found[key] = value
    return found
