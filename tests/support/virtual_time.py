"""A generated client in Node.js whose time and connection only its program moves."""

import shutil
from pathlib import Path
from typing import Any

from bytesocket_cli.codegen.typescript import javascript
from tests.support import contracts
from tests.support.node import HERE, Script

RATES = {"doc:save": contracts.rate(5, 4)}
PRELUDE = """
import { pass, stall, timersWithin, Wire } from "./virtual_time.mjs";
const { connect, RequestError } = await import("./chat.js");
const DAY = 86_400_000;
const page = new EventTarget();
const given = (options = {}) => ({ WebSocket: Wire, codec: "json", ...options });
const start = (options) => connect("ws://test/", given(options));
const tellCode = (error) => tell(error.code);
"""


def run(folder: Path, source: str, *, paced: bool = False, path: str = "/ws") -> list[Any]:
    """Run a program that has `start(options)`, `pass`, `Wire` and a `page` that is not set up yet.

    Args:
        folder: Where the client and the program are written.
        source: The program; what it tells is returned.
        paced: True for a contract with rates.
        path: The contract's path.
    """
    document = {**contracts.chat(auth=False), "path": path}
    if paced:
        document = contracts.with_rates(document, RATES)
    (folder / "chat.js").write_text(javascript(document)[0], encoding="utf-8")
    shutil.copy(HERE / "virtual_time.mjs", folder)
    with Script(folder, f"{PRELUDE}\n{source}\nprocess.exit(0);") as script:
        return script.result()
