"""Both generated clients against real servers with rates: all arrives, in order, none refused."""

from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from bytesocket_app.client import ClientSettings, ErrorContext
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import javascript
from tests.support.generated import load
from tests.support.node import Script
from tests.support.paced_app import app
from tests.support.server_process import ROOT, ServerProcess, serving

pytestmark = pytest.mark.anyio

ATTEMPTS: Final = 10
"""A busy machine may stall for longer than a client can know; one that does not pace is refused at
every attempt."""
STEPS = list(range(1, 31))
CLOSING = 8
FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, request_timeout=60)

Story = Callable[[Any, list[ErrorContext], str], Awaitable[bool]]


@pytest.fixture(scope="module", params=["hypercorn", "picows"])
def server(request: pytest.FixtureRequest) -> Generator[ServerProcess]:
    target = "tests.support.paced_app:app"
    options = ("--host", "127.0.0.1", "--port", "0", "--transport", request.param)
    with serving("run", target, *options, cwd=ROOT) as server:
        yield server


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    text = python(dict(app.contract().document))
    return load(text, "walk_client", tmp_path_factory.mktemp("walk"))


async def attempt(server: ServerProcess, made: Any, story: Story) -> None:
    """Tell a story until nothing is refused; it returns whether all was as it should be."""
    seen: list[list[ErrorContext]] = []
    for number in range(ATTEMPTS):
        errors: list[ErrorContext] = []
        with anyio.fail_after(120):
            url = f"ws://127.0.0.1:{server.port}/ws"
            async with made.WalkClient(url, settings=FAST) as client:
                client.on_error(errors.append)
                await client.ready
                if await story(client, errors, f"{story} {number}"):
                    return
        seen.append(errors)
    raise AssertionError(f"refused at every attempt: {seen[-1]}")


async def test_a_python_client_paces_what_it_emits(server: ServerProcess, made: Any) -> None:
    async def story(client: Any, errors: list[ErrorContext], walk: str) -> bool:
        fates = [await client.emit(made.Step(walk=walk, number=number)) for number in STEPS]
        assert (fates[:5], fates[-1]) == (["sent"] * 5, "queued")
        arrived = await client.request(made.Walked(walk=walk))
        assert arrived == sorted(arrived)
        return bool(arrived == STEPS and not errors)

    await attempt(server, made, story)


async def test_a_python_client_paces_its_requests(server: ServerProcess, made: Any) -> None:
    async def story(client: Any, errors: list[ErrorContext], walk: str) -> bool:
        answers: dict[int, object] = {}
        hall = client.join("hall:{name}", name="north")
        await hall.ready

        async def ask(number: int) -> None:
            try:
                if number % 2:
                    answers[number] = await client.request(made.Double(number=number))
                else:
                    answers[number] = await hall.request(made.Say(text=str(number)))
            except made._bs.RequestError as error:
                answers[number] = error.code

        async with anyio.create_task_group() as tasks:
            for number in STEPS:
                tasks.start_soon(ask, number)
        expected = {number: 2 * number if number % 2 else str(number) for number in STEPS}
        assert {answers[n] for n in STEPS if answers[n] != expected[n]} <= {"rate_limited"}
        return bool(answers == expected)

    await attempt(server, made, story)


async def test_what_waits_in_a_python_client_outlives_the_connection(
    server: ServerProcess, made: Any
) -> None:
    async def story(client: Any, errors: list[ErrorContext], walk: str) -> bool:
        states: list[str] = []
        client.on_state(states.append)
        for number in STEPS:
            await client.emit(made.Step(walk=walk, number=number, closes=number == CLOSING))
        arrived = await client.request(made.Walked(walk=walk))
        assert arrived == sorted(set(arrived))
        assert "open" in states
        # What was on its way when the connection ended is lost; all that waited came.
        return bool(arrived[:CLOSING] == STEPS[:CLOSING] and arrived[-9:] == STEPS[-9:])

    await attempt(server, made, story)


JAVASCRIPT = """
const { connect } = await import("./walk.js");
const url = "ws://127.0.0.1:PORT/ws";
const steps = Array.from({ length: 30 }, (_, index) => index + 1);
let told;
for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
  const walk = `js ${attempt} ${STORY}`;
  const refused = [];
  const client = connect(url, { reconnect: { min: 5, max: 20 }, timeouts: { request: 60_000 } });
  client.onError(({ code }) => code === "disconnected" || refused.push(code));
  await client.ready;
  const step = (number) =>
    client.emit("step", { walk, number, ...(STORY === "loss" && { closes: number === 8 }) });
  const fates = steps.map(step);
  const doubled = await Promise.all(
    steps.slice(0, 12).map((number) =>
      client.request("double", { number }).catch(({ code }) => refused.push(code)),
    ),
  );
  const arrived = await client.request("walked", { walk });
  client.close();
  told = { fates, doubled, arrived, refused };
  if (refused.length === 0 && String(arrived.slice(-9)) === String(steps.slice(-9))) break;
}
tell(told);
"""


def walked(server: ServerProcess, folder: Path, story: str) -> dict[str, Any]:
    """Walk with the JavaScript client until nothing is refused, nor lost but what may be."""
    (folder / "walk.js").write_text(javascript(dict(app.contract().document))[0], encoding="utf-8")
    values = {"PORT": str(server.port), "ATTEMPTS": str(ATTEMPTS), "STORY": f'"{story}"'}
    source = JAVASCRIPT
    for name, value in values.items():
        source = source.replace(name, value)
    with Script(folder, source) as script:
        told: dict[str, Any] = script.result()[0]
    assert told["refused"] == [], "refused at every attempt"
    return told


def test_a_javascript_client_paces_events_and_requests(
    server: ServerProcess, tmp_path: Path
) -> None:
    told = walked(server, tmp_path, "calm")
    assert (told["fates"][:5], told["fates"][-1]) == (["sent"] * 5, "queued")
    assert told["arrived"] == STEPS
    assert told["doubled"] == [2 * number for number in STEPS[:12]]


def test_what_waits_in_a_javascript_client_outlives_the_connection(
    server: ServerProcess, tmp_path: Path
) -> None:
    arrived = walked(server, tmp_path, "loss")["arrived"]
    assert arrived == sorted(set(arrived))
    assert (arrived[:CLOSING], arrived[-9:]) == (STEPS[:CLOSING], STEPS[-9:])
