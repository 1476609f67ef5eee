"""What has no place in a contract is refused at generation: event, field, reason and way out."""

import re
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

HEAD = """
import enum
from collections.abc import Callable
from typing import Literal
from pydantic import AliasPath, BaseModel, ConfigDict, Field, create_model
from bytesocket_app import ByteSocket, ClientEvent, Event, Refusal, ServerEvent, Socket

class Thing:
    pass

class Kind(enum.Enum):
    A = "a"

class Objects(enum.Enum):
    A = object()

def item(kind):
    return create_model("Item", __module__=__name__, x=(kind, ...))
"""

REFUSED = {
    "class Told(Event, name='told'):\n    hook: Callable[[], None]": (
        "payload of event 'told'",
        "`Told.hook`",
        "a function has no form in JSON",
        "WithJsonSchema",
    ),
    "class Told(Event, name='told'):\n"
    "    model_config = ConfigDict(arbitrary_types_allowed=True)\n"
    "    thing: list[Thing]": ("event 'told'", "`Told.thing`", "the class Thing"),
    "class Inner(BaseModel):\n    by_pair: dict[tuple[int, int], str]\n"
    "class Told(ServerEvent, name='told'):\n    inner: Inner | None": (
        "event 'told'",
        "`Inner.by_pair`",
        "tuple",
    ),
    "class Told(ClientEvent, name='told'):\n"
    "    first: int = Field(validation_alias=AliasPath('point', 0))": (
        "event 'told'",
        "`Told.first`",
        "AliasChoices",
    ),
    "class Told(ClientEvent, name='told'):\n    kind: Literal[Kind.A]": (
        "event 'told'",
        "`Told.kind`",
        "make Kind a StrEnum",
    ),
    "class Told(ServerEvent, name='told'):\n    odd: Objects": (
        "event 'told'",
        "Told.odd may be a constant that JSON has no form for",
    ),
    "class Told(ClientEvent, name='told'):\n    x: int\n"
    "@app.on(Told)\nasync def told(socket: Socket, event: Told) -> type[int]: ...": (
        "reply to event 'told'",
        "a class has no form in JSON",
    ),
    "class No(Refusal, code='no'):\n    data: Callable[[], None]\n"
    "class Told(ClientEvent, name='told'):\n    x: int\n"
    "@app.on(Told, raises=(No,))\nasync def told(socket: Socket, event: Told) -> None: ...": (
        "data of refusal 'no'",
        "a function",
    ),
    "class Told(Event, name='told'):\n    a: item(int)\n    b: item(str)": (
        "Two different types are both",
        "Item",
        "Give them different names",
    ),
    "class Told(Event, name='told'):\n"
    "    model_config = ConfigDict(json_schema_extra={'x-name': 'Same'})\n"
    "class Other(Event, name='other'):\n"
    "    model_config = ConfigDict(json_schema_extra={'x-name': 'Same'})": (
        "cannot be told apart by name",
        "Told (Same)",
        "Other (Same)",
        "x-name",
    ),
    "class Told(Event, name='told'):\n    later: 'Nowhere'": ("told", "Nowhere"),
}


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("target", ["contract", "typescript", "python"])
@pytest.mark.parametrize(("program", "words"), REFUSED.items(), ids=lambda v: str(v)[:60])
def test_what_cannot_go_into_the_contract_is_refused_with_its_place(
    run: CommandLine, program: str, words: tuple[str, ...], target: str
) -> None:
    classes, at, handlers = program.partition("@app")
    names = re.findall(r"^class (\w+)\(\w*Event, ", classes, re.MULTILINE)
    made = f"app = ByteSocket(title='Bad', events=[{', '.join(names)}])"
    run.write("app.py", "\n".join([HEAD, classes, made, at + handlers]))
    run.write("out.txt", "before")
    done = run("generate", target, "app:app", "-o", "out.txt")
    assert done.code == 2
    assert done.out == ""
    assert [word for word in words if word not in done.err] == [], done.err
    assert (run.folder / "out.txt").read_text() == "before"
