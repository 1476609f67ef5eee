"""Ways to a broker: encrypted, and by a name that has several addresses."""

import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

from bytesocket_app.engines import parse_engine
from bytesocket_app.engines.make import make_engine
from tests.support.brokers import running_broker
from tests.support.hearing import Hearer, hearing

pytestmark = pytest.mark.anyio

BODY = [16, 0, ["lobby"], None, None, None, None, b'{"data": {"number": 7}}', None]


async def check_delivery(url: str) -> None:
    """Check that what one node says comes to another, and to nobody twice."""
    make = partial(make_engine, parse_engine(url), "bytesocket-test")
    async with hearing(make, "Lines") as (one, other):
        assert one.node.publish("r.lobby", BODY) == "sent"
        await other.until(lambda: other.numbers)
        assert (one.numbers, other.numbers) == ([], [7])
        await check_loss(one, other)


async def check_loss(one: Hearer, other: Hearer) -> None:
    """Check that the connection comes back when it is lost."""
    one.engine.reset("the test cuts it")
    await one.until(lambda: one.node.counters.connections == 2)
    await one.is_up()
    assert one.node.publish("r.lobby", BODY) == "sent"
    await other.until(lambda: len(other.numbers) == 2)


@asynccontextmanager
async def encrypted(port: int, authority: trustme.CA) -> AsyncGenerator[int]:
    """Lead from a port that is encrypted to one that is not; gives the former."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]

    async def pump(source: ByteStream, target: ByteStream, scope: anyio.CancelScope) -> None:
        try:
            while True:
                await target.send(await source.receive())
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            scope.cancel()

    async def serve(client: ByteStream) -> None:
        async with (
            client,
            await anyio.connect_tcp("127.0.0.1", port) as server,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(pump, client, server, tasks.cancel_scope)
            tasks.start_soon(pump, server, client, tasks.cancel_scope)

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as plain,
        anyio.create_task_group() as tasks,
    ):
        listener = TLSListener(plain, context, standard_compatible=False)
        tasks.start_soon(listener.serve, serve)
        yield plain.listeners[0].extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def test_an_encrypted_connection_carries_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with running_broker("valkey-9.1") as broker:
        async with encrypted(broker.port, authority) as port:
            await check_delivery(f"valkeys://127.0.0.1:{port}")


async def test_of_several_addresses_the_one_that_answers_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in ("several.test", b"several.test"):
            return ask(host, *arguments, **options)
        return [
            found
            for address in ("127.0.0.9", "127.0.0.1")  # nobody listens on the first
            for found in ask(address, *arguments, **options)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with running_broker("valkey-9.1") as broker:
        await check_delivery(f"valkey://several.test:{broker.port}")
