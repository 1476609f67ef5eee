"""Generated clients on disk, and a scripted server for them to talk to."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bytesocket_cli.codegen.typescript import javascript, typescript
from tests.support import contracts
from tests.support.node import Script
from tests.support.scripted_server import Script as ServerScript
from tests.support.scripted_server import ScriptedServer

FAST = "reconnect: { min: 5, max: 20 }"
LOGIN = {"type": 4, "data": {"token": "t"}}


class Lab:
    """A scripted server and the generated clients; `run` starts a program against them."""

    def __init__(self, folder: Path, script: ServerScript) -> None:
        self.folder = folder
        self.server = ScriptedServer(script)
        self.script = script
        for name, document in {
            "chat": contracts.chat(),
            "open": contracts.chat(auth=False),
            "files": contracts.files(),
        }.items():
            (folder / f"{name}.js").write_text(javascript(document)[0], encoding="utf-8")
            (folder / f"{name}.ts").write_text(typescript(document), encoding="utf-8")
        (folder / "package.json").write_text('{"type": "module"}')

    def run(self, source: str, *, module: str = "chat.js") -> Script:
        """Start a program that has `connect`, `RequestError`, `url`, `auth` and `tellCode`."""
        prelude = (
            f"import {{ connect, RequestError }} from './{module}';\n"
            f"const url = '{self.server.url}/ws';\n"
            "const auth = { token: 't' };\n"
            "const tellCode = (error) => tell(error.code);\n"
        )
        return Script(self.folder, prelude + source)


@contextmanager
def lab_in(folder: Path) -> Generator[Lab]:
    """Open a lab whose server wants the token "t" and counts the letters of posts."""
    script = ServerScript(
        auth=lambda data: data == {"token": "t"},
        replies={"chat:post": lambda data: {"message_id": len(data["text"])}},
    )
    lab = Lab(folder, script)
    with lab.server:
        yield lab
