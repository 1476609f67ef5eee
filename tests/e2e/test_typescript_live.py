"""The generated client against the real server: payloads of every kind, on both codecs."""

from pathlib import Path
from typing import Any

import pytest

from tests.support import round_trip_app
from tests.support.node import Script, type_check
from tests.support.server_process import bytesocket, serving

ID = "6f1e8f5e-2f3b-4a8e-9a53-0d6b6f1e8f5e"
SHOW = """
const show = (value) => JSON.parse(
  JSON.stringify(value, (_, item) => (item instanceof Uint8Array ? `bytes ${[...item]}` : item)),
);
"""
PAYLOAD = """
const payload: Everything = {
  point: [1],
  options: { a: 1 },
  pets: [{ kind: "cat", lives: 64 }, { kind: "photo", data: new Uint8Array([0, 255]) }],
  node: { children: [{}] },
  unique: [3, 3],
  by_number: { 7: "seven" },
  by_member: { "2": new Uint8Array([1]) },
  by_id: { "ID": new Uint8Array([2]) },
  when: "2026-01-01T00:00:00.123456Z",
  price: "1.10",
  address: "127.0.0.1",
  parsed: "[1, 2]",
  anything: { deep: [1, null, "x", 1.5] },
  pair: [1, new Uint8Array([3, 251])],
  "the-alias": 2,
};
""".replace("ID", ID)
EXPECTED: dict[str, Any] = {
    "priority": 1,
    "access": 1,
    "point": [1, "y"],
    "options": {"a": 1},
    "pets": [{"kind": "cat", "lives": 64}, {"kind": "photo", "data": "bytes 0,255"}],
    "node": {"children": [{"children": []}]},
    "unique": [3],
    "by_number": {"7": "seven"},
    "by_member": {"2": "bytes 1"},
    "by_id": {ID: "bytes 2"},
    "when": "2026-01-01T00:00:00.123456Z",
    "price": "1.10",
    "address": "127.0.0.1",
    "parsed": [1, 2],
    "anything": {"deep": [1, None, "x", 1.5]},
    "pair": [1, "bytes 3,251"],
    "literal": 1,
    "the-alias": 2,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that holds the application and its generated client."""
    (tmp_path / "app.py").write_text(Path(round_trip_app.__file__).read_text(encoding="utf-8"))
    done = bytesocket("generate", "typescript", "-o", "client.ts", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_every_kind_of_payload_survives_the_round_trip(project: Path, codec: str) -> None:
    plain = PAYLOAD.replace(": Everything", "")
    with serving("dev", "--port", "0", "--no-reload", cwd=project) as server:
        source = f"""
        import {{ Access, connect, Priority }} from "./client.ts";
        {SHOW}
        {plain}
        const client = connect("ws://127.0.0.1:{server.port}/ws", {{ codec: "{codec}" }});
        tell(show(await client.request("everything", payload)));
        tell(show(await client.request("raw", new Uint8Array([65, 66]))));
        const room = client.join("room:{{number}}", {{ number: 7 }});
        tell(await room.request("everything", payload));
        const late = {{ ...payload, priority: Priority.high, access: Access.read | Access.write }};
        const error = await client.request("everything", late).catch((error) => error);
        tell([error.code, error.message, error.data]);
        client.close();
        """
        with Script(project, source) as script:
            told = script.result()
    assert told == [
        EXPECTED,
        "bytes 66,65",
        2,
        ["too_late", "Come back tomorrow", {"hours": 24}],
    ]


def test_the_payload_of_the_round_trip_compiles(project: Path, node_packages: Path) -> None:
    use = 'import { connect, type EverythingInput as Everything } from "./client.ts";\n'
    (project / "use.ts").write_text(
        f'{use}{PAYLOAD}\nconnect("ws://127.0.0.1").emit("everything", payload);\n'
    )
    assert type_check(project, "7.0") == ""
