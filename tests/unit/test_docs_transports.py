"""`docs/transports.md` quotes the example as it is, runs, and names all that an adaptor writes."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from textwrap import dedent
from typing import Any

import pytest

from bytesocket_app import ByteSocket
from bytesocket_app.testing import conformance
from bytesocket_app.testing.conformance import SUITES, NetworkSite, Site
from bytesocket_app.transports import QueuedTransport, Receiver, Served, Transport
from tests.support.server_process import ROOT
from tests.support.sites import EXAMPLE, example

PAGE = (ROOT / "docs" / "transports.md").read_text("utf-8")
BLOCKS = [dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```", PAGE, re.M | re.S)]


def named(heading: str) -> list[str]:
    """The members in the tables of the section with this heading."""
    section = PAGE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(?:async )?(\w+)", row)]


@pytest.mark.parametrize("block", BLOCKS[:-1])
def test_the_excerpts_are_the_examples(block: str) -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    size = block.count("\n")
    parts = [dedent("\n".join(lines[at : at + size])) for at in range(len(lines))]
    assert block.rstrip("\n") in parts


def test_there_are_excerpts() -> None:
    assert len(BLOCKS) >= 5


def test_the_example_is_as_short_as_the_page_says() -> None:
    assert len(EXAMPLE.read_text("utf-8").splitlines()) < 100


def test_every_member_of_the_interface_is_named() -> None:
    members = {name for name in vars(Transport) if not name.startswith("_")} - {"MANDATORY"}
    assert set(named("`Transport`")) == members - {"spread"}
    assert named("`Transport`")[: len(Transport.MANDATORY)] == list(Transport.MANDATORY)
    assert named("`QueuedTransport`") == list(QueuedTransport.MANDATORY)
    ways_in = {name for name in vars(Receiver) if not name.startswith("_")}
    assert set(named("`Receiver`")) == ways_in


def test_what_it_says_of_the_application_is_there() -> None:
    members = re.findall(r"`(?:await )?app\.(\w+)", PAGE)
    assert len(set(members)) > 8
    assert [name for name in members if not hasattr(ByteSocket(title="Talk"), name)] == []
    first = [name for name in members if hasattr(Served, name)][:3]
    assert set(first) == {name for name in vars(Served) if not name.startswith("_")}


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_call_of_the_suites_runs() -> None:
    names: dict[str, Any] = {
        "AsyncGenerator": AsyncGenerator,
        "ByteSocket": ByteSocket,
        "NetworkSite": NetworkSite,
        "SUITES": {"flow": SUITES["flow"]},
        "Site": Site,
        "asynccontextmanager": asynccontextmanager,
        "conformance": conformance,
        "serve": example().serve,
    }
    body = "\n".join(f"    {line}" for line in BLOCKS[-1].splitlines())
    exec(f"async def page():\n{body}\n", names)
    await names["page"]()
