"""A room's parameter is of few types, and each of their values has one text in a name."""

# pyright: reportPrivateUsage=false
# A function's annotations are set, so that one test is about every type.

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from enum import Enum, Flag, IntFlag
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, EmailStr, Field, SecretStr
from typing_extensions import override

from bytesocket_app import (
    ByteSocket,
    ConfigurationError,
    Depends,
    Router,
    Settings,
    Socket,
)
from bytesocket_app.client.room import filled_name
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import RequestError
from bytesocket_app.rooms import Misspelt, ParameterType, parameter_text
from bytesocket_app.signature import EMPTY
from bytesocket_app.testing import TestClient
from tests.support.room_types import ID, KINDS, Kind, Level, Mixed, Number, Topic
from tests.support.talk import Said, Say, Wave, error, talk

pytestmark = pytest.mark.anyio

kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
codecs = pytest.mark.parametrize("codec", ["json", "binary"])


def typed(annotation: Any) -> Callable[..., Any]:
    """A function that asks for the parameter `x` of a type."""

    async def function(x: Any) -> None:
        """Say of which type the parameter is."""

    function.__annotations__ = {"return": None}
    if annotation is not EMPTY:
        function.__annotations__["x"] = annotation
    return function


def declared(kind: Any, pattern: str = "r:{x}", app: ByteSocket | None = None) -> Room:
    """A room whose parameter is of a type."""
    room = (app or talk()).room(pattern)
    room.on_leave(typed(kind))
    return room


class Bits(IntFlag):
    ONE = 1


class Plain(Flag):
    ONE = 1


class Empty(Enum):
    """No members."""


class Halves(Enum):
    HALF = 0.5


class Truth(Enum):
    YES = True


class Doubled(Enum):
    NUMBER = 1
    TEXT = "1"


class Colon(Enum):
    PLACE = "a:b"


class Blank(Enum):
    NOTHING = ""


class Model(BaseModel):
    x: int


T = TypeVar("T")
REFUSED: list[Any] = [
    *(float, complex, bytes, Decimal, object, Any, None, list, dict, tuple, set),
    *(dt.datetime, dt.time, dt.timedelta, SecretStr, EmailStr, Model, T, "int | str"),
    *(list[int], int | None, int | str, Literal["a"] | int, Annotated[float, Field(gt=0)]),
    *(Bits, Plain, Empty, Halves, Truth, Doubled, Colon, Blank),
    *(Literal[True], Literal[1, "1"], Literal[b"x"], Literal["a:b"]),
    *(Literal[""], Annotated[float | int, Field(gt=0)]),
]


class TestDeclaration:
    @pytest.mark.parametrize("annotation", REFUSED, ids=str)
    def test_every_other_type_is_refused_with_its_place_and_what_is_allowed(
        self, annotation: Any
    ) -> None:
        room = talk().room("r:{x}")
        with pytest.raises(ConfigurationError) as caught:
            room.guard(typed(annotation))
        text = str(caught.value)
        assert text.startswith(f"{__file__}:")
        assert "x of room 'r:{x}' cannot be " in text
        assert "str, int, bool, UUID, date, or an Enum or a Literal of str and int" in text
        assert room.parameters["x"] is not annotation

    @kinds
    def test_the_allowed_types_are_taken_by_guards_hooks_handlers_and_dependencies(
        self, kind: Kind
    ) -> None:
        room = talk().room("r:{x}")
        for decorator in (room.guard, room.on_join, room.on_leave, room.on(Say)):
            decorator(typed(kind.annotation))
        assert room.parameters == {"x": kind.annotation}

        def dependency(x: Any) -> str:
            return repr(x)

        dependency.__annotations__ = {"x": kind.annotation, "return": str}
        other = talk().room("r:{x}")

        @other.guard
        async def guard(seen: Annotated[str, Depends(dependency)]) -> None:
            """Ask for it through a dependency."""

        assert other.parameters == {"x": kind.annotation}

    def test_a_dependency_that_asks_for_another_type_is_refused(self) -> None:
        def dependency(x: float) -> str:
            return repr(x)

        with pytest.raises(ConfigurationError, match="cannot be float"):

            @talk().room("r:{x}").guard
            async def guard(seen: Annotated[str, Depends(dependency)]) -> None:
                """Ask for it through a dependency."""

    def test_a_constraint_that_cannot_be_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match=r"x of room 'r:\{x\}' cannot be"):
            declared(Annotated[int, Field(discriminator="a")])

    def test_constraints_are_part_of_the_type_that_functions_agree_on(self) -> None:
        room = declared(Annotated[int, Field(ge=1)])
        with pytest.raises(ConfigurationError, match="Use one type"):
            room.on_join(typed(int))

    def test_constraints_may_be_written_twice(self) -> None:
        room = declared(Annotated[int, Field(ge=1, le=9)])
        room.on_join(typed(Annotated[int, Field(ge=1, le=9)]))
        for other in (Annotated[int, Field(ge=1)], Annotated[bool, Field(ge=1, le=9)], Number):
            with pytest.raises(ConfigurationError, match="Use one type"):
                room.guard(typed(other))

    def test_a_routers_room_is_refused_at_its_inclusion(self) -> None:
        router = Router(prefix="v1:")
        router.room("r:{x}").guard(typed(float))
        with pytest.raises(ConfigurationError, match=r"x of room 'v1:r:\{x\}' cannot be float"):
            talk().include(router)


class TestTexts:
    @kinds
    def test_each_value_has_one_text_which_is_read_back(self, kind: Kind) -> None:
        made = ParameterType(kind.annotation)
        for value, text in kind.texts:
            assert made.text(value) == text == parameter_text(value)
            assert made.text(text) == text
            assert made.text(made.parse(text)) == text
            found = made.parse(text)
            assert value in (found, getattr(found, "value", found))

    @kinds
    def test_another_text_of_a_value_is_none_and_the_right_one_is_known(self, kind: Kind) -> None:
        made = ParameterType(kind.annotation)
        for text, right in kind.misspelt.items():
            with pytest.raises(Misspelt) as caught:
                made.parse(text)
            assert caught.value.right == right
            made.parse(right)
        for text in kind.wrong:
            with pytest.raises(Misspelt) as caught:
                made.parse(text)
            assert caught.value.right is None

    @kinds
    @given(data=st.data())
    def test_no_two_texts_are_read_as_one_value(self, kind: Kind, data: st.DataObject) -> None:
        known = [text for _, text in kind.texts] + [*kind.misspelt]
        edits = st.text("01+-_. nNeEwWsStTrR{}\u0661\uff11", max_size=3)
        text = data.draw(
            st.one_of(
                st.text(), st.builds("".join, st.tuples(edits, st.sampled_from(known), edits))
            )
        )
        made = ParameterType(kind.annotation)
        with suppress(Misspelt):
            assert made.text(made.parse(text)) == text

    @pytest.mark.parametrize("value", [1.0, None, b"a", Decimal(1), Bits.ONE, dt.datetime.max, []])
    def test_what_no_parameter_can_be_has_no_text(self, value: object) -> None:
        with pytest.raises(TypeError, match="a room's parameter is str, int"):
            parameter_text(value)

    def test_a_subclass_does_not_decide_about_its_text(self) -> None:
        class Loud(str):
            __slots__ = ()

            @override
            def __str__(self) -> str:
                return "LOUD"

        class Day(dt.date):
            @override
            def isoformat(self) -> str:
                return "today"

        assert parameter_text(Loud("a")) == "a"
        assert parameter_text(Day(2024, 1, 31)) == "2024-01-31"

    def test_a_long_list_of_values_and_a_long_text_are_shown_in_part(self) -> None:
        made = ParameterType(Literal["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
        with pytest.raises(Misspelt, match=r"'h', \.\.\.$"):
            made.parse("x")
        with pytest.raises(TypeError) as caught:
            made.text(["x" * 1000])
        assert len(str(caught.value)) < 300

    def test_a_validator_that_makes_another_value_says_so(self) -> None:
        made = ParameterType(Annotated[str, AfterValidator(len)])
        with pytest.raises(TypeError, match="is made 3 by a validator"):
            made.parse("abc")


class TestVerbs:
    @kinds
    async def test_emits_handles_lists_and_counts_write_the_same_name(self, kind: Kind) -> None:
        app = talk()
        room = declared(kind.annotation, app=app)
        async with TestClient(app) as client:
            for value, text in kind.texts:
                name = f"r:{text}"
                assert room.name(x=value) == name
                assert room.at(x=value).name == name
                await client.join(name)
                assert (room.count(x=value), room.at(x=value).count()) == (1, 1)
                assert room.sockets(x=value) == app.sockets()
                await room.emit(Said(text=name), x=value)
                assert (await client.receive(Said, room=name)).text == name
                await room.at(x=value).emit(Said(text="again"))
                assert (await client.receive(Said, room=name)).text == "again"
                await room.at(x=value).leave(app.sockets()[0])
                assert room.count(x=value) == 0

    @kinds
    async def test_a_value_that_does_not_fit_is_an_error_with_the_rooms_name(
        self, kind: Kind
    ) -> None:
        room = declared(kind.annotation)
        for value in [*kind.misfits, *kind.misspelt, *kind.wrong]:
            for verb in (room.name, room.at, room.count, room.sockets):
                with pytest.raises((TypeError, ValueError), match=r"Room 'r:\{x\}': x "):
                    verb(x=value)
            with pytest.raises((TypeError, ValueError), match=r"Room 'r:\{x\}': x "):
                await room.emit(Said(text="x"), x=value)

    def test_the_right_text_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"x cannot be '01': it is written '1'\."):
            declared(int).at(x="01")
        with pytest.raises(TypeError, match=r"x cannot be 1\.0: it has to be a whole"):
            declared(int).at(x=1.0)

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (7, "r:7"),
            (True, "r:true"),
            (ID, f"r:{ID}"),
            (dt.date(2024, 1, 31), "r:2024-01-31"),
            (Topic.NEWS, "r:news"),
            (Level.HIGH, "r:20"),
            (Mixed.ONE, "r:1"),
            ("01", "r:01"),
        ],
    )
    def test_without_an_annotation_a_value_has_its_one_text(self, value: object, name: str) -> None:
        room = talk().room("r:{x}")
        assert room.name(x=value) == name
        assert room.parse({"x": "01"}) == ("01",)
        with pytest.raises(TypeError, match=r"Room 'r:\{x\}': x cannot be 1\.0"):
            room.name(x=1.0)

    def test_a_routers_room_has_its_types_from_its_inclusion_on(self) -> None:
        router = Router()
        room = router.room("r:{x}")
        room.guard(typed(int))
        early, wrong = room.at(x=7), room.at(x="07")
        talk().include(router)
        assert (early.name, room.at(x=8).name) == ("r:7", "r:8")
        with pytest.raises(ValueError, match="it is written '7'"):
            _ = wrong.name
        with pytest.raises(TypeError, match="x cannot be True"):
            room.at(x=True)


class TestJoins:
    @codecs
    @kinds
    @pytest.mark.parametrize("by", ["guard", "on_join", "on_leave", "on"])
    async def test_another_spelling_is_invalid_and_the_right_name_is_said(
        self, kind: Kind, by: str, codec: Literal["json", "binary"]
    ) -> None:
        app = talk()
        room = app.room("r:{x}")
        place = room.on(Say) if by == "on" else getattr(room, by)
        place(typed(kind.annotation))
        async with TestClient(app, codec=codec) as client:
            for text, right in kind.misspelt.items():
                with pytest.raises(RequestError) as caught:
                    await client.join(f"r:{text}")
                assert caught.value.code == "invalid"
                assert f"The room's name is {f'r:{right}'!r}." in str(caught.value)
                await client.send({"type": 15, "rooms": [f"r:{right}", f"r:{text}"]})
                answer = await client.receive_message()
                assert (answer["type"], error(answer)["code"]) == (17, "invalid")
                assert repr(f"r:{right}") in error(answer)["message"]
            for text in kind.wrong:
                with pytest.raises(RequestError) as caught:
                    await client.join(f"r:{text}")
                assert caught.value.code == "invalid"
            assert app.sockets()[0].rooms.list() == []
            for _, text in kind.texts:
                await client.join(f"r:{text}")

    @kinds
    async def test_server_code_joins_by_the_right_name_only(self, kind: Kind) -> None:
        app = talk()
        declared(kind.annotation, app=app)
        async with TestClient(app):
            socket = app.sockets()[0]
            for text in [*kind.misspelt, *kind.wrong]:
                name, right = f"r:{text}", kind.misspelt.get(text, "")
                with pytest.raises(ValueError, match=r"r:\{x\}: x cannot be") as caught:
                    await socket.rooms.join(name)
                assert not right or repr(f"r:{right}") in str(caught.value)
                with pytest.raises(ValueError, match="x cannot be"):
                    await socket.rooms.bulk.join([name])
                with pytest.raises(ValueError, match="x cannot be"):
                    await app.rooms.at(name).join(socket)
            assert socket.rooms.list() == []

    async def test_server_code_does_not_speak_into_a_name_that_nobody_can_join(self) -> None:
        app = talk()
        declared(int, app=app)
        async with TestClient(app) as client:
            await client.join("r:1")
            socket, event = app.sockets()[0], Said(text="x")
            with pytest.raises(ValueError, match="The room's name is 'r:1'"):
                await app.rooms.emit("r:01", event)
            with pytest.raises(ValueError, match="The room's name is 'r:1'"):
                await app.rooms.bulk.emit(["r:1", "r:01"], event)
            with pytest.raises(ValueError, match="The room's name is 'r:1'"):
                await app.rooms.publish_raw("r:01", "{}")
            with pytest.raises(ValueError, match="The room's name is 'r:1'"):
                await app.rooms.at("r:01").emit(event)
            with pytest.raises(ValueError, match="The room's name is 'r:1'"):
                await socket.rooms.emit("r:01", event)
            with pytest.raises(ValueError, match="The room's name is 'r:1'"):
                app.rooms.at("r:01").count()
            with pytest.raises(ValueError, match="The room's name is 'r:1'"):
                app.rooms.at("r:01").sockets()
            assert await app.rooms.emit("r:2", event) == "sent"

    async def test_each_part_of_a_name_is_put_right(self) -> None:
        app = talk()
        room = app.room("r:{a}:{b}-{c}")

        @room.on_join
        async def joined(a: int, b: bool, c: UUID) -> None:
            """Say the types."""

        async with TestClient(app) as client:
            with pytest.raises(RequestError, match="a cannot be '01': it is written '1'") as caught:
                await client.join(f"r:01:True-{str(ID).upper()}")
            assert f"The room's name is 'r:1:true-{ID}'." in str(caught.value)
            with pytest.raises(RequestError, match="b cannot be 'x'") as caught:
                await client.join(f"r:01:x-{ID}")
            assert "The room's name" not in str(caught.value)

    async def test_a_name_that_is_too_long_to_be_one_is_not_said(self) -> None:
        app = talk(Settings.drop_in())
        declared(int, app=app)
        async with TestClient(app) as client:
            with pytest.raises(RequestError) as caught:
                await client.join(f"r:+{'1' * 1000}")
            assert len(str(caught.value)) < 500
            with pytest.raises(RequestError) as caught:
                await client.join(f"r:{'1' * 100_000}")
            assert (caught.value.code, len(str(caught.value)) < 500) == ("invalid", True)

    async def test_a_parameter_without_an_annotation_is_text_as_it_is(self) -> None:
        app = talk()
        room = app.room("r:{x}")
        room.guard(typed(EMPTY))
        async with TestClient(app) as client:
            for text in ("1", "01", " 1", "True"):
                await client.join(f"r:{text}")
            assert room.count(x="01") == 1


class TestMessages:
    @codecs
    async def test_a_message_needs_the_membership_that_no_other_spelling_gets(
        self, codec: Literal["json", "binary"]
    ) -> None:
        app = talk()
        declared(int, app=app).relay(Wave)
        async with TestClient(app, codec=codec) as client:
            await client.join("r:1")
            await client.send({"room": "r:01", "event": "wave", "data": {}, "id": 1})
            answer = await client.receive_message()
            assert (answer["type"], error(answer)["code"]) == (33, "not_a_member")

    @codecs
    @pytest.mark.parametrize("how", ["relay", "handler", "undeclared"])
    async def test_where_no_membership_is_needed_the_message_is_refused(
        self, how: str, codec: Literal["json", "binary"]
    ) -> None:
        app = talk(Settings.drop_in())
        room = declared(int, app=app)
        heard: list[int] = []
        if how == "relay":
            room.relay(Wave)
        if how == "handler":

            @room.on(Wave)
            async def wave(event: Wave, x: int) -> None:
                heard.append(x)

        message = {"event": "wave", "data": {"hand": "left"}}
        async with TestClient(app, codec=codec) as one, TestClient(app, codec=codec) as two:
            with pytest.raises(RequestError) as caught:
                await two.join("r:01")
            assert caught.value.code == "invalid"
            await two.join("r:1")
            for target in ({"room": "r:01"}, {"rooms": ["r:01"]}):
                await one.send({**message, **target, "id": 1})
                answer = await one.receive_message()
                assert (answer["type"], error(answer)["code"]) == (33, "invalid")
                assert "'r:1'" in error(answer)["message"]
            await one.send({**message, "room": "r:1"})
            assert (await two.receive_message())["room"] == "r:1"
        assert heard == ([1] if how == "handler" else [])


class TestClientNames:
    @kinds
    def test_the_python_client_writes_the_texts_of_the_server(self, kind: Kind) -> None:
        for value, text in kind.texts:
            assert filled_name("r:{x}", {"x": value}, {"x": kind.annotation}) == f"r:{text}"
            assert filled_name("r:{x}", {"x": value}) == f"r:{text}"

    @kinds
    def test_the_python_client_refuses_what_does_not_fit(self, kind: Kind) -> None:
        for value in kind.misfits:
            with pytest.raises((TypeError, ValueError), match=r"Room 'r:\{x\}': x "):
                filled_name("r:{x}", {"x": value}, {"x": kind.annotation})

    def test_a_type_that_only_an_older_server_has_goes_by_the_value(self) -> None:
        assert filled_name("r:{x}", {"x": 7}, {"x": float}) == "r:7"


class TestContract:
    @kinds
    def test_a_parameters_schema_is_that_of_its_type(self, kind: Kind) -> None:
        app = talk()
        declared(kind.annotation, app=app)
        document = app.contract().document
        schema = document["rooms"][0]["params"]["x"]
        if "$ref" in schema:
            schema = document["types"][schema["$ref"].removeprefix("#/types/")]
        listed = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if listed is not None:
            assert {str(value) for value in listed} >= {text for _, text in kind.texts}
        else:
            assert schema["type"] in {"string", "integer", "boolean"}


async def test_a_guard_that_counts_is_not_walked_around() -> None:
    app = talk()
    doc = app.room("doc:{doc_id}")

    @doc.guard
    async def one_only(socket: Socket[Any], doc_id: int) -> None:
        assert doc.count(doc_id=doc_id) == 0

    async with TestClient(app) as one, TestClient(app) as two:
        await one.join("doc:1")
        for name in ("doc:1", "doc:01", "doc: 1", "doc:+1", "doc:1.0", "doc:\uff11"):
            with pytest.raises(RequestError):
                await two.join(name)
        assert doc.count(doc_id=1) == 1
