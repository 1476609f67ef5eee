"""The fingerprint covers what clients can notice, and nothing else.

Under `unknown_contract="refuse"` a fingerprint that changes for another reason locks clients out.
"""

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from starlette.applications import Starlette

from bytesocket_app import ByteSocket, ClientEvent, Policies, Refusal, Settings, Socket
from bytesocket_app.contract import Contract, ContractError
from bytesocket_app.contract.compatibility import Level, compare
from bytesocket_app.testing import TestClient
from bytesocket_cli.contracts import changes
from bytesocket_cli.generation import text
from tests.support.compatibility import contract
from tests.support.contracts import chat, formerly_sealed, sealed
from tests.support.schema_edits import SHAPES

ROOT = Path(__file__).parents[2]
CALL = (
    "import tests.support.contract_sample as sample; "
    "print(sample.application().contract().fingerprint)"
)


def fingerprint(document: dict[str, Any]) -> str:
    return Contract.seal({k: v for k, v in document.items() if k != "fingerprint"}).fingerprint


def altered(*way: str | int, value: object) -> dict[str, Any]:
    """The chat's contract with one value set, at the end of a way."""
    document = deepcopy(chat())
    place: Any = document
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    return document


# ---- what it does not cover


@pytest.mark.slow
def test_is_the_same_with_and_without_docstrings_under_python_optimize() -> None:
    def printed(level: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", CALL],
            cwd=ROOT,
            env=os.environ | {"PYTHONOPTIMIZE": level, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert printed("2") == printed("1") == printed("0") != ""


def told() -> ByteSocket:
    app = ByteSocket(title="Told", version="2.0", path="/told")

    class Full(Refusal, code="full"):
        """There is no room."""

        data: int

    class Inner(BaseModel):
        """Documented."""

        size: float = Field(1.0, title="Size", description="How big.", examples=[1.0], ge=0)

    class Post(ClientEvent):
        """A post."""

        inner: Inner
        text: str = Field("", description="What it says.", deprecated="use `inner`")

    @app.on(Post, raises=(Full,))
    async def post(socket: Socket, event: Post) -> Inner:
        """Handle it."""
        return event.inner

    return app


def untold() -> ByteSocket:
    app = ByteSocket(title="Untold", version="3.0", path="/untold")

    class Full(Refusal, code="full"):
        data: int

    class Inner(BaseModel):
        size: float = Field(1, ge=0)

    class Post(ClientEvent):
        inner: Inner
        text: str = ""

    @app.on(Post, raises=(Full,))
    async def post(socket: Socket, event: Post) -> Inner:
        return event.inner

    return app


def test_is_the_same_for_another_documentation_title_version_and_path() -> None:
    one, two = told().contract(), untold().contract()
    assert one.document != two.document
    assert one.fingerprint == two.fingerprint


@pytest.mark.parametrize(
    "document",
    [
        altered("title", value="Other"),
        altered("version", value="9"),
        altered("path", value="/other"),
        altered("capabilities", value=["answers_credentials"]),
        altered("events", 0, "doc", value="Other."),
        altered("events", 0, "class_name", value="Other"),
        altered("types", "Post", "description", value="Other."),
        altered("types", "Post", "examples", value=[{"text": "x"}]),
        altered("types", "Post", "properties", "text", "deprecated", value=True),
    ],
)
def test_does_not_cover_what_clients_cannot_notice(document: dict[str, Any]) -> None:
    assert document != chat()
    assert fingerprint(document) == chat()["fingerprint"]


def described(text: str) -> Any:
    return Annotated[int, Field(description=text, ge=0)] | Annotated[int, Field(ge=7)]


def test_does_not_depend_on_where_a_description_puts_a_unions_member() -> None:
    texts = ["", "a", "zzz"]
    documents = [contract(described(text), "c2s") for text in texts]
    assert len({one["fingerprint"] for one in documents}) == 1


PYDANTIC_2_10 = {
    "properties": {
        "a": {"minimum": 0.0, "multipleOf": 1.0, "maximum": 10.0, "type": "number"},
        "b": {"default": 1.0, "exclusiveMinimum": -1.0, "type": "number"},
        "c": {"items": {"type": "number", "maximum": 2.5}, "type": "array", "default": [1.0, 2.5]},
    },
    "required": ["a"],
    "type": "object",
}
"""What Pydantic 2.10 wrote."""
PYDANTIC_2_14 = {
    "properties": {
        "a": {"minimum": 0, "multipleOf": 1, "maximum": 10, "type": "number"},
        "b": {"default": 1, "exclusiveMinimum": -1, "type": "number"},
        "c": {"items": {"type": "number", "maximum": 2.5}, "type": "array", "default": [1, 2.5]},
    },
    "required": ["a"],
    "type": "object",
}
"""What Pydantic 2.14 wrote of the same model."""


def test_is_the_same_for_what_two_versions_of_pydantic_wrote() -> None:
    one, two = (altered("types", "Post", value=form) for form in (PYDANTIC_2_10, PYDANTIC_2_14))
    assert json.dumps(one) != json.dumps(two)
    assert fingerprint(one) == fingerprint(two)


# ---- what it covers


@pytest.mark.parametrize(
    "document",
    [
        altered("serialization", value="json"),
        altered("auth", value=None),
        altered("events", 0, "volatile", value=True),
        altered("events", 0, "refusals", value=["other"]),
        altered("rooms", 0, "join", value="server"),
        altered("types", "Post", "properties", "description", value={"type": "string"}),
        altered("types", "Post", "properties", "text", "default", value={"title": "x"}),
        altered("types", "Post", "properties", "text", "enum", value=[{"description": "x"}]),
        altered("types", "description", value={"type": "string"}),
        altered("refusals", "doc", value={"doc": "", "data": None}),
        altered("rooms", 0, "params", "title", value={"type": "string"}),
        altered("types", "Post", "properties", "text", "minimum", value=0.5),
    ],
)
def test_covers_what_clients_can_notice(document: dict[str, Any]) -> None:
    assert fingerprint(document) != chat()["fingerprint"]


def test_changes_with_all_that_diff_finds() -> None:
    seen = 0

    @settings(
        derandomize=True,
        deadline=None,
        database=None,
        max_examples=100,
        phases=[Phase.generate],
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        nonlocal seen
        old = data.draw(SHAPES)
        new = data.draw(old.edits())
        for side in ("c2s", "s2c"):
            before, after = contract(old.annotation(), side), contract(new.annotation(), side)
            if any(one.level is not Level.SAFE for one in compare(before, after)):
                seen += 1
                assert before["fingerprint"] != after["fingerprint"]

    run()
    assert seen > 50


# ---- who compares it


def strict() -> ByteSocket:
    policies = Policies(unknown_contract="refuse")
    return ByteSocket(title="Strict", path="/ws", settings=Settings(policies=policies))


async def is_taken(app: ByteSocket, stated: str) -> bool:
    async with TestClient(app, query=f"contract={stated}") as client:
        if app.sockets():
            return True
        return await client.wait_closed() != (4010, "unknown contract")


@pytest.mark.anyio
async def test_a_client_generated_before_the_application_was_attached_is_no_stranger() -> None:
    app = strict()
    before = app.contract().fingerprint
    app.attach(Starlette(), "/live/ws")
    assert app.contract().document["path"] == "/live/ws"
    assert await is_taken(app, before)


@pytest.mark.anyio
async def test_the_server_takes_the_full_digest_of_clients_of_version_0_1() -> None:
    app = strict()
    former = formerly_sealed(app.contract().document)["fingerprint"]
    assert former != app.contract().fingerprint
    assert await is_taken(app, former)
    assert await is_taken(app, app.contract().fingerprint)
    assert not await is_taken(app, "0123456789abcdef" * 4)


FLAGS = {"type": "integer", "x-flags": {"fingerprint": 1, "class_name": 2}}
TAGS = {"discriminator": {"propertyName": "kind", "mapping": {"capabilities": "#/types/Post"}}}


@pytest.mark.parametrize(
    "document",
    [
        altered("types", "Post", "properties", "text", value=FLAGS),
        altered("types", "Post", "properties", "text", value=TAGS),
        altered("types", "Post", "properties", "text", "default", value={"class_name": "x"}),
        altered("types", "Post", "properties", "text", "description", value="What it says."),
    ],
)
def test_the_full_digest_covers_what_only_has_the_name_of_a_later_key(
    document: dict[str, Any],
) -> None:
    former = formerly_sealed(document)["fingerprint"]
    assert former in Contract.from_json(json.dumps(sealed(document))).fingerprints
    assert former != formerly_sealed(chat())["fingerprint"]


def test_the_full_digest_leaves_out_what_version_0_1_did_not_write() -> None:
    event = altered("events", 0, "class_name", value="Other")
    room = altered("rooms", 0, "class_name", value="Other")
    hint = altered("types", "Post", "properties", "text", "x-deprecated", value="Use `inner`.")
    for document in (event, room, hint, {**chat(), "description": "Talk."}):
        made = Contract.from_json(json.dumps(sealed(document)))
        assert formerly_sealed(chat())["fingerprint"] in made.fingerprints


def test_a_file_of_version_0_1_is_read_and_its_clients_name_the_new_fingerprint() -> None:
    written = json.dumps(formerly_sealed(chat()))
    contract = Contract.from_json(written)
    assert contract.document == chat()
    for language in ("python", "typescript", "contract"):
        made = text(contract.document, language)
        assert contract.fingerprint in made
        assert formerly_sealed(chat())["fingerprint"] not in made


def test_a_file_of_version_0_1_that_was_changed_is_refused() -> None:
    written = json.dumps({**formerly_sealed(chat()), "path": "/other"})
    with pytest.raises(ContractError, match="was changed since it was written"):
        Contract.from_json(written)


def test_a_change_that_no_client_notices_is_told_with_one_fingerprint() -> None:
    other = altered("events", 0, "doc", value="Other.")
    line = changes(chat(), sealed(other))
    assert line == f"contract {chat()['fingerprint'][:8]}: documentation only"
