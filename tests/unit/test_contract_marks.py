"""What `deprecated("use b")` says reaches the contract and the TypeScript client."""

# pyright: reportDeprecated=false

import re
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Generic, NotRequired, TypeVar

import pytest
from pydantic import BaseModel, Field, RootModel, computed_field
from typing_extensions import TypedDict, deprecated

from bytesocket_app import ClientEvent
from bytesocket_app.contract import ContractSource, EventEntry, build
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import typescript

T = TypeVar("T")


class Marked(BaseModel):
    text: int = Field(0, deprecated="use b")
    alone: int = Field(0, deprecated=True)
    empty: int = Field(0, deprecated="")
    mark: Annotated[int, deprecated("use c")] = 0
    renamed: int = Field(0, deprecated=deprecated("use d"), alias="newName")
    plain: int = 0

    @computed_field(deprecated="use e")
    def computed(self) -> int:
        return 1


@dataclass
class Data:
    text: int = Field(0, deprecated="use b")
    mark: Annotated[int, deprecated("use c")] = 0


class Keys(TypedDict):
    text: Annotated[int, Field(deprecated="use b")]
    mark: NotRequired[Annotated[int, deprecated("use c")]]


@deprecated("use New", category=None)
class Old(BaseModel):
    nested: Marked


class Newer(Old):
    pass


@deprecated("use Page2", category=None)
class Page(BaseModel, Generic[T]):
    item: T


@deprecated("use Shade", category=None)
class Color(Enum):
    RED = "red"


class Root(RootModel[int]):
    root: int = Field(deprecated="use Whole")


@deprecated("use Post2 */ @internal", category=None)
class Post(ClientEvent, name="post"):
    text: str


def contract(payload: Any) -> dict[str, Any]:
    entry = EventEntry("e", "server", payload)
    if isinstance(payload, type) and issubclass(payload, ClientEvent):
        entry = EventEntry("e", "client", payload, is_global=True)
    return build(ContractSource("T", events=(entry,))).document


def texts(schema: dict[str, Any]) -> dict[str, str | None]:
    marked = {name: one for name, one in schema["properties"].items() if one.get("deprecated")}
    return {name: one.get("x-deprecated") for name, one in marked.items()}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            Marked,
            {
                "text": "use b",
                "alone": None,
                "empty": None,
                "mark": "use c",
                "newName": "use d",
                "computed": "use e",
            },
        ),
        (Data, {"text": "use b", "mark": "use c"}),
        (Keys, {"text": "use b", "mark": "use c"}),
    ],
)
def test_the_text_of_a_field_is_beside_its_mark(payload: Any, expected: Any) -> None:
    assert texts(contract(payload)["types"][payload.__name__]) == expected


@pytest.mark.parametrize(
    ("payload", "text"),
    [(Old, "use New"), (Page[int], "use Page2"), (Color, "use Shade"), (Root, "use Whole")],
)
def test_the_text_of_a_type_is_beside_its_mark(payload: Any, text: str) -> None:
    marked = [one for one in contract(payload)["types"].values() if one.get("deprecated")]
    assert [schema["x-deprecated"] for schema in marked] == [text]


def test_a_mark_is_not_inherited() -> None:
    schema = contract(Newer)["types"]["Newer"]
    assert not {"deprecated", "x-deprecated"} & schema.keys()


def test_typescript_shows_the_texts_of_events_types_and_fields() -> None:
    written = typescript(contract(Post))
    tag = "/** @deprecated use Post2 *\\/ \\@internal */"
    assert f"{tag}\nexport interface Post {{" in written
    assert f"  {tag}\n  e: Post;" in written
    assert f'  {tag}\n  (event: "e" & keyof Answers' in written
    assert "  /** @deprecated use b */\n  text: number;" in typescript(contract(Marked))
    assert "  /** @deprecated */\n  alone: number;" in typescript(contract(Marked))


@pytest.mark.parametrize(
    ("payload", "said"),
    [(Marked, {"use b", "use c", "use d"}), (Data, {"use b", "use c"}), (Old, {"use New"})],
)
def test_python_clients_document_what_the_marks_say(payload: Any, said: set[str]) -> None:
    event = EventEntry("old", "client", payload, is_global=True, doc="Say it.")
    text = python(build(ContractSource("Marks", events=(event,))).document)
    assert said <= set(re.findall(r"Deprecated: (.*?)(?:\"\"\"|\n)", text))
    assert ("Deprecated." in text) is (payload is not Data)
    assert "Say it." in text
