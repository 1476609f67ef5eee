"""Generated clients of an older contract: what real servers make of them, and they of it."""

import sys
from collections.abc import Generator
from importlib import util
from pathlib import Path
from typing import Any

import anyio
import pytest

from bytesocket_app.client import ClientState, ErrorContext, UnknownContract
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import javascript
from tests.support.doors import Knock, app, doors
from tests.support.node import Script
from tests.support.served import TRANSPORTS, served_by

DEADLINE = 20.0
OWN = app.contract()
OLD = doors("1.0.0", Knock).contract()
REASON = (
    f"This client was made for contract {OLD.fingerprint[:16]}, and the server has "
    f"{OWN.fingerprint[:16]}: reload the page, or update the client."
)
PROGRAM = """
import { connect } from "./%s.js";

const doors = connect("ws://127.0.0.1:%d/ws");
doors.onError(({ phase, code, message }) => tell([phase, code, message]));
doors.onState((state) => {
  if (state === "closed") tell(state);
});
try {
  tell(await doors.request("ask", { text: "in" }));
  doors.close();
} catch (error) {
  tell(error.code);
}
"""


@pytest.fixture(scope="module", params=TRANSPORTS)
def port(request: pytest.FixtureRequest) -> Generator[int]:
    """The application under a server."""
    with served_by(request.param, "tests.support.doors:app") as port:
        yield port


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients of both contracts, in both languages."""
    folder = tmp_path_factory.mktemp("clients")
    for name, contract in {"own": OWN, "old": OLD}.items():
        (folder / f"{name}.js").write_text(javascript(contract.document)[0])
        (folder / f"{name}.py").write_text(python(contract.document))
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def module(folder: Path, name: str) -> Any:
    """Import a generated client."""
    spec = util.spec_from_file_location(f"doors_{name}", folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = sys.modules[spec.name] = util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.anyio
async def test_the_python_client_of_the_contract_comes_in(port: int, clients: Path) -> None:
    own = module(clients, "own")
    with anyio.fail_after(DEADLINE):
        async with own.DoorsClient(f"ws://127.0.0.1:{port}") as client:
            assert await client.request(own.Ask(text="in")) == "IN"


@pytest.mark.anyio
async def test_the_python_client_of_another_ends_with_the_reason(port: int, clients: Path) -> None:
    old = module(clients, "old")
    errors: list[ErrorContext] = []
    closed = anyio.Event()
    with anyio.fail_after(DEADLINE):
        async with old.DoorsClient(f"ws://127.0.0.1:{port}") as client:
            client.on_error(errors.append)

            def changed(state: ClientState) -> None:
                if state == "closed":
                    closed.set()

            client.on_state(changed)
            with pytest.raises(UnknownContract, match="update the client") as caught:
                await client.request(old.Ask(text="in"))
            await closed.wait()
            for later in (client.ready, client.request(old.Ask(text="in"))):
                with pytest.raises(UnknownContract) as again:
                    await later
                assert again.value is caught.value is client.ended
    assert str(caught.value) == REASON
    assert [(str(one.phase), one.error) for one in errors] == [("onUpgrade", caught.value)]


def test_the_javascript_client_of_the_contract_comes_in(port: int, clients: Path) -> None:
    with Script(clients, PROGRAM % ("own", port)) as script:
        assert script.result() == ["IN", "closed"]


def test_the_javascript_client_of_another_ends_with_the_reason(port: int, clients: Path) -> None:
    with Script(clients, PROGRAM % ("old", port)) as script:
        told = script.result()
    assert told == [["onUpgrade", "unknown_contract", REASON], "closed", "unknown_contract"]
