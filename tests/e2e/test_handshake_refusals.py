"""Generated clients that are refused at the handshake by real servers: they hear why, and stop."""

import sys
from collections.abc import Generator
from importlib import util
from pathlib import Path
from typing import Any

import anyio
import pytest

from bytesocket_app.client import AuthError
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import javascript
from tests.support.gate import app
from tests.support.node import Script
from tests.support.served import TRANSPORTS, served_by

DEADLINE = 20.0
PROGRAM = """
import { connect } from "./gate.js";

const gate = connect("ws://127.0.0.1:%d/ws?ticket=%s");
gate.onError(({ phase, code, message }) => tell([phase, code, message]));
gate.onState((state) => {
  if (state === "closed") tell(state);
});
try {
  tell(await gate.request("ask", { text: "in" }));
  gate.close();
} catch (error) {
  tell([error.code, error.message]);
}
"""


@pytest.fixture(scope="module", params=TRANSPORTS)
def port(request: pytest.FixtureRequest) -> Generator[int]:
    """The application under a server."""
    with served_by(request.param, "tests.support.gate:app") as port:
        yield port


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client in both languages."""
    folder = tmp_path_factory.mktemp("clients")
    document = app.contract().document
    (folder / "gate.js").write_text(javascript(document)[0])
    (folder / "gate.py").write_text(python(document))
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def module(folder: Path) -> Any:
    """Import the generated client."""
    spec = util.spec_from_file_location("gate_client", folder / "gate.py")
    assert spec is not None
    assert spec.loader is not None
    made = sys.modules[spec.name] = util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize(
    ("ticket", "expected"),
    [
        ("good", ["IN", "closed"]),
        (
            "none",
            [
                ["auth", "not_logged_in", "Log in first."],
                "closed",
                ["not_logged_in", "Log in first."],
            ],
        ),
    ],
)
def test_a_javascript_client_hears_why_and_stops(
    port: int, clients: Path, ticket: str, expected: list[Any]
) -> None:
    with Script(clients, PROGRAM % (port, ticket)) as script:
        assert script.result() == expected


@pytest.mark.anyio
async def test_a_python_client_hears_why_and_stops(port: int, clients: Path) -> None:
    gate = module(clients)
    with anyio.fail_after(DEADLINE):
        async with gate.GateClient(f"ws://127.0.0.1:{port}?ticket=good") as client:
            assert await client.request(gate.Ask(text="in")) == "IN"
        async with gate.GateClient(f"ws://127.0.0.1:{port}?ticket=none") as client:
            with pytest.raises(AuthError, match="Log in first") as caught:
                await client.ready
            with pytest.raises(AuthError, match="Log in first"):
                await client.request(gate.Ask(text="in"))
    assert (caught.value.code, caught.value.data) == ("not_logged_in", {"page": "/login"})
