"""What may be lost is lost first, and only then: real servers, and a reader who stops reading."""

from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from bytesocket_cli.codegen.python import python
from tests.apps.document.app import app
from tests.apps.document.documents import PLAN
from tests.support.document_peer import APP, edit, edited, move, open_document, until
from tests.support.generated import load
from tests.support.served import served
from tests.support.server_process import DEADLINE, ROOT, ServerProcess, serving

ROUNDS = 8
MOVES = 500
"""Cursors in one round: three rounds are more than all buffers between the two ends hold."""


def running(transport: str) -> AbstractContextManager[ServerProcess]:
    """Serve the document with a runner of ours."""
    command = ("run", APP, "--host", "127.0.0.1", "--port", "0", "--transport", transport)
    return serving(*command, cwd=ROOT)


@contextmanager
def listening(way: str) -> Generator[int]:
    """Serve the document by one of our runners, or by a server alone; gives the port."""
    if way.startswith("run "):
        with running(way.removeprefix("run ")) as server:
            yield server.port
    else:
        with served(way, APP) as port:
            yield port


def arrivals(messages: list[Any]) -> list[tuple[str, int]]:
    """Cursors by their position and edits by their version, in the order they came."""
    wanted = {"doc:moved": "position", "doc:edited": "version"}
    return [
        (message["event"], message["data"][wanted[message["event"]]])
        for message in messages
        if message["event"] in wanted
    ]


def moment(arrival: tuple[str, int]) -> float:
    """When it was sent, in rounds."""
    event, number = arrival
    return number if event == "doc:edited" else (number - 1) // MOVES + number / 1_000_000


@pytest.mark.parametrize("way", ["run uvicorn", "run hypercorn", "run picows", "hypercorn-trio"])
def test_a_stalled_tab_comes_back_to_the_newest_cursor_only_and_to_every_edit(way: str) -> None:
    newest = ROUNDS * MOVES + 7
    with listening(way) as port, ExitStack() as stack:
        bob = open_document(stack, port, "Bob", window=4096)  # and from here on he does not read
        ann = open_document(stack, port, "Ann")
        for version in range(ROUNDS):
            for number in range(1, MOVES + 1):
                move(ann, version * MOVES + number)
            edit(ann, version)
        move(ann, newest)
        edit(ann, ROUNDS)
        came = arrivals(until(bob, event="doc:edited", data=edited(ROUNDS + 1)))
    assert came == sorted(came, key=moment)
    edits = [number for event, number in came if event == "doc:edited"]
    assert edits == list(range(1, ROUNDS + 2))
    moves = [number for event, number in came if event == "doc:moved"]
    # What was on its way before the stall; in the second half there is nothing but the newest.
    assert moves[-2] < ROUNDS * MOVES / 2
    assert came[-2:] == [("doc:moved", newest), ("doc:edited", ROUNDS + 1)]


@pytest.mark.anyio
async def test_a_client_whose_server_hangs_drops_its_cursors_and_keeps_its_edits(
    tmp_path: Path,
) -> None:
    made: Any = load(python(dict(app.contract().document)), "document_client", tmp_path)
    with running("hypercorn") as server, anyio.fail_after(DEADLINE):
        bob = made.Credentials(name="Bob", secret="b")
        async with made.DocumentClient(f"ws://127.0.0.1:{server.port}/ws", auth=bob) as client:
            plan = client.join("doc:{doc_id}", doc_id=PLAN)
            await plan.ready
            with server.hanging():
                fates = [await plan.emit(made.Move(position=n)) for n in range(3 * MOVES * ROUNDS)]
                saved = await plan.emit(made.Edit(version=0, start=0, end=0, text="x"))
            assert (set(fates), saved) == ({"sent", "dropped"}, "sent")
            # What was on its way before the network was behind; from then on nothing.
            assert "sent" not in fates[len(fates) // 2 :]
            assert (await plan.request(made.Look())).version == 1
            assert await plan.emit(made.Move(position=1)) == "sent"
