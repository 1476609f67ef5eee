"""Guards say what they refuse with; the contract and the clients know it."""

from typing import Any

import pytest

from bytesocket_app import ByteSocket, ConfigurationError, Refusal, Router
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import typescript
from tests.support.talk import Wave, talk

pytestmark = pytest.mark.anyio


class Locked(Refusal, code="locked"):
    """Somebody locked this document."""

    data: int


class Closed(Refusal, code="closed"): ...


async def guard(doc_id: int) -> None:
    raise Locked("Not now.", data=doc_id)


def guarded(*, by_router: bool) -> ByteSocket:
    """An application with a guard that declares what it refuses with."""
    app, router = talk(), Router(prefix="v1:")
    doc = router.room("doc:{doc_id}") if by_router else app.room("v1:doc:{doc_id}")
    doc.guard(raises=(Locked,))(guard)
    app.include(router)
    return app


@pytest.mark.parametrize("by_router", [False, True])
async def test_the_guard_decides_and_its_code_is_in_the_contract(by_router: bool) -> None:
    app = guarded(by_router=by_router)
    document = app.contract().document
    assert document["rooms"][0]["refusals"] == ["locked"]
    assert document["refusals"]["locked"]["data"] == {"type": "integer"}
    async with TestClient(app) as client:
        with pytest.raises(RequestError) as refused:
            await client.join("v1:doc:7")
    assert (refused.value.code, refused.value.data) == ("locked", 7)


def test_a_guard_without_a_word_about_it_leaves_no_trace() -> None:
    app = talk()

    @app.room("doc:{doc_id}").guard
    async def silent(doc_id: int) -> None: ...

    assert "refusals" not in app.contract().document["rooms"][0]


def test_several_guards_add_up_and_one_can_be_taken_away() -> None:
    doc = talk().room("doc:{doc_id}")
    hook = doc.guard(raises=(Locked, Closed))
    assert hook(guard) is guard
    doc.guard(raises=(Closed,)).once(guard)
    assert list(doc.refusals) == [Locked, Closed]
    doc.guard.remove(guard)


@pytest.mark.parametrize("wrong", [Locked, (ValueError,), [Locked]])
def test_only_refusals_can_be_declared(wrong: Any) -> None:
    for room in (talk().room("doc"), Router().room("doc")):
        with pytest.raises(ConfigurationError, match=r"the guard at .*test_guards.py:\d+ is no"):
            room.guard(raises=wrong)


def test_clients_read_of_it() -> None:
    document = guarded(by_router=False).contract().document
    assert '/** May be refused with `locked`. */\n  "v1:doc:{doc_id}": {' in typescript(document)
    assert "Its guard refuses with: `LockedError`." in python(document)


async def test_a_rooms_name_is_written_by_its_pattern() -> None:
    app, router = talk(), Router(prefix="v1:")
    doc, later = app.room("doc:{doc_id}"), router.room("doc:{doc_id}")
    assert (doc.name(doc_id=7), later.name(doc_id="x")) == ("doc:7", "v1:doc:x")
    with pytest.raises(TypeError):
        doc.name()
    with pytest.raises(ValueError, match="doc_id"):
        doc.name(doc_id="a:b")


def test_a_parameter_that_is_not_in_the_pattern_is_named_with_those_that_are() -> None:
    doc = talk().room("doc:{doc_id}")

    async def asks(page: int) -> None: ...

    for hook in (doc.guard, doc.on_join, doc.on_leave, doc.on(Wave)):
        with pytest.raises(ConfigurationError, match=r"`page: int`.*the room's doc_id") as refused:
            hook(asks)
        assert "the event ()" not in str(refused.value)
        assert "test_guards.py:" in str(refused.value)


async def test_a_guard_that_returns_false_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    app = talk()
    doc = app.room("doc:{doc_id}")

    @doc.guard
    async def guard(doc_id: int) -> Any:
        return False

    async with TestClient(app) as client:
        with pytest.raises(RequestError, match="internal"):
            await client.join("doc:1")
    assert doc.count(doc_id=1) == 0
    assert "it says no by raising" in caplog.text


def test_a_guard_is_not_declared_to_return_a_bool() -> None:
    async def guard(doc_id: int) -> bool:
        return doc_id > 0

    with pytest.raises(ConfigurationError, match=r"guards.py:\d+: a guard returns no bool: it"):
        talk().room("doc:{doc_id}").guard(guard)
