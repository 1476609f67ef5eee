"""Both generated clients write the name of a room as the server does, whatever its parameter is."""

import datetime as dt
import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, Literal
from uuid import UUID

import pytest

from bytesocket_app.rooms import ParameterType
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import typescript
from tests.support.generated import load
from tests.support.node import TSC, Script, type_check
from tests.support.room_app import app
from tests.support.room_types import KINDS
from tests.support.server_process import serving

pytestmark = pytest.mark.slow

SAFE = 2**53
codecs = pytest.mark.parametrize("codec", ["json", "binary"])


def _values(*, safe: bool = False) -> Iterator[tuple[str, Any, str]]:
    """Yield each type's values as the server reads them, with their texts."""
    for name, kind in KINDS.items():
        made = ParameterType(kind.annotation)
        for _, text in kind.texts:
            value = made.parse(text)
            plain = value.value if isinstance(value, Enum) else value
            if not (safe and isinstance(plain, int) and abs(plain) >= SAFE):
                yield name, value, text


def _expected(*, safe: bool = False) -> list[list[str]]:
    return [[f"{name}:{text}", repr(value)] for name, value, text in _values(safe=safe)]


def _in_javascript(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, UUID | dt.date) else value


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the application and the TypeScript client."""
    (tmp_path / "app.py").write_text("from tests.support.room_app import app as app\n")
    (tmp_path / "client.ts").write_text(typescript(app.contract().document), encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


@codecs
def test_typescript_joins_the_rooms_of_every_type(project: Path, codec: str) -> None:
    rooms = [[f"{name}:{{x}}", _in_javascript(value)] for name, value, _ in _values(safe=True)]
    with serving("dev", "--port", "0", "--no-reload", cwd=project) as server:
        source = f"""
        import {{ connect }} from "./client.ts";
        const client = connect("ws://127.0.0.1:{server.port}/ws", {{ codec: "{codec}" }});
        for (const [pattern, x] of {json.dumps(rooms)}) {{
          const room = client.join(pattern, {{ x }});
          await room.ready;
          tell(await room.request("ask"));
        }}
        client.close();
        """
        with Script(project, source) as script:
            assert script.result() == _expected(safe=True)


@pytest.mark.parametrize("value", ["1.5", "2 ** 53", "-(2 ** 53)", "1e21", "NaN", "Infinity"])
def test_typescript_refuses_a_number_that_is_no_safe_integer(project: Path, value: str) -> None:
    source = f"""
    import {{ connect }} from "./client.ts";
    const client = connect("ws://127.0.0.1:9/ws");
    try {{ client.join("int:{{x}}", {{ x: {value} }}); }} catch (error) {{
      tell([error.name, error.message]);
    }}
    for (const x of [-0, 0, 2 ** 53 - 1]) tell(client.join("int:{{x}}", {{ x }}).name);
    client.close();
    """
    with Script(project, source) as script:
        told = script.result()
    assert told[0][0] == "RangeError"
    assert told[0][1].startswith("x of int:{x} cannot be ")
    assert told[1:] == ["int:0", "int:0", "int:9007199254740991"]


GOOD = """
client.join("bool:{x}", { x: true });
client.join("int:{x}", { x: 7 });
client.join("literal:{x}", { x: 3 });
client.join("str-enum:{x}", { x: Topic.NEWS });
client.join("int-enum:{x}", { x: 20 });
client.join("date:{x}", { x: "2024-01-31" });
"""
BAD = """
// @ts-expect-error
client.join("bool:{x}", { x: "true" });
// @ts-expect-error
client.join("int:{x}", { x: "7" });
// @ts-expect-error
client.join("literal:{x}", { x: "b" });
// @ts-expect-error
client.join("str-enum:{x}", { x: "NEWS" });
// @ts-expect-error
client.join("int-enum:{x}", { x: 2 });
// @ts-expect-error
client.join("text:{x}", { x: 7 });
"""


@pytest.mark.parametrize("version", list(TSC))
def test_typescript_compiles_with_values_that_fit_alone(
    project: Path, node_packages: Path, version: str
) -> None:
    head = 'import { connect, Topic } from "./client.ts";\nconst client = connect("ws://a");\n'
    (project / "use.ts").write_text(f"{head}{GOOD}{BAD}")
    assert type_check(project, version) == ""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    """The Python client."""
    return load(python(app.contract().document), "rooms_client", tmp_path)


def _value_for(module: ModuleType, value: Any) -> Any:
    """The value that the generated client's types have for one of the server's."""
    return getattr(module, type(value).__name__)(value.value) if isinstance(value, Enum) else value


@codecs
@pytest.mark.anyio
async def test_python_joins_the_rooms_of_every_type(
    project: Path, module: ModuleType, codec: Literal["json", "binary"]
) -> None:
    told: list[list[str]] = []
    with serving("dev", "--port", "0", "--no-reload", cwd=project) as server:
        async with module.RoomsClient(f"ws://127.0.0.1:{server.port}/ws", codec=codec) as client:
            for name, value, _ in _values():
                room = client.join(f"{name}:{{x}}", x=_value_for(module, value))
                await room.ready
                told.append(await room.request(module.Ask()))
    assert told == _expected()


def test_python_refuses_what_does_not_fit_before_anything_is_sent(module: ModuleType) -> None:
    client = module.RoomsClient("ws://127.0.0.1:9/ws")
    for name, kind in KINDS.items():
        for value in kind.misfits:
            if name in {"alias", "constrained", "lower-case"} and type(value) in (int, str):
                continue  # bounds are the server's
            with pytest.raises((TypeError, ValueError), match=rf"Room '{name}:\{{x\}}': x "):
                client.join(f"{name}:{{x}}", x=value)
