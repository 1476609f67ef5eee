"""Clients from before an application's authentication was removed, at the application of now."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest

from bytesocket_app import Socket
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import javascript
from tests.support.generated import load
from tests.support.node import Script
from tests.support.served import application, served
from tests.support.server_process import serving

APP = "from tests.support.served import application\n\napp = application()\n"
BY_HANDSHAKE = APP + "\n@app.auth\nasync def look(socket):\n    return 'Ann'\n"


def contract() -> dict[str, Any]:
    """The contract of the application when it still had authentication."""
    app = application()

    @app.auth
    async def login(socket: Socket, credentials: str) -> str:
        return credentials

    return app.contract().document


@contextmanager
def open_to_all(server: str, folder: Path) -> Generator[str]:
    """Serve the application; gives its URL."""
    if server == "picows":
        with serving("run", "app.py", "--host", "127.0.0.1", "--port", "0", cwd=folder) as process:
            yield f"ws://127.0.0.1:{process.port}/ws"
    else:
        with served(server) as port:
            yield f"ws://127.0.0.1:{port}/ws"


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("server", ["picows", "uvicorn", "hypercorn-trio", "granian"])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_a_python_client_with_credentials_connects(
    server: str, codec: Literal["json", "binary"], tmp_path: Path
) -> None:
    module: Any = load(python(contract()), f"before_{server[:5]}_{codec}", tmp_path)
    (tmp_path / "app.py").write_text(APP)
    with open_to_all(server, tmp_path) as url, anyio.fail_after(30):
        async with module.TalkClient(url, auth="Ann", codec=codec) as client:
            await client.ready
            assert (await client.request(module.Say(text="hi"))).text == "HI"


@pytest.mark.parametrize("app", [APP, BY_HANDSHAKE], ids=["none", "handshake"])
@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_typescript_client_with_credentials_connects(
    app: str, codec: str, tmp_path: Path
) -> None:
    (tmp_path / "client.js").write_text(javascript(contract())[0], encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "app.py").write_text(app)
    with open_to_all("picows", tmp_path) as url:
        source = f"""
            import {{ connect }} from './client.js';
            const client = connect('{url}', {{ auth: 'Ann', codec: '{codec}' }});
            await client.ready;
            tell((await client.request('say', {{ text: 'hi' }})).text);
            client.close();
        """
        with Script(tmp_path, source) as script:
            assert script.result() == ["HI"]
