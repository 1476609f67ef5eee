"""Events that were changed after their construction: wrong kinds are errors where they are sent."""

import warnings
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import PurePath
from typing import Annotated, Any, Literal, NamedTuple, get_args

import msgpack
import pytest
from pydantic import (
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.dataclasses import dataclass
from pydantic_core import from_json
from typing_extensions import TypedDict

from bytesocket_app import ByteSocket, ClientEvent, Event, ServerEvent, Socket
from bytesocket_app.client.messages import event_frame
from bytesocket_app.errors import EncodeError, RequestError
from bytesocket_app.events.payload import PayloadType, WrongKind
from bytesocket_app.testing import TestClient
from bytesocket_app.types import CodecName
from bytesocket_app.wire import BINARY, JSON

both = pytest.mark.parametrize("codec", get_args(CodecName))


class Colour(Enum):
    RED = "red"


class Text(str):
    __slots__ = ()


class Item(BaseModel):
    n: int
    price: Decimal = Decimal("1.5")


class Rare(Item):
    extra: str = "e"


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    tail: bool = True


class Where(TypedDict):
    x: float


@dataclass
class Size:
    wide: int


class Used(BaseModel):
    model_config = ConfigDict(use_enum_values=True)

    colour: Colour = Field(default=Colour.RED, validate_default=True)


class Sent(ServerEvent, name="sent"):
    n: int = 1
    text: str = "t"
    flag: bool = False
    raw: bytes = b""
    maybe: int | None = None
    nothing: int = None  # type: ignore[assignment]
    items: list[Item] = Field(default_factory=list[Item])
    numbers: list[int] = Field(default_factory=list[int])
    names: dict[str, int] = Field(default_factory=dict[str, int])
    pair: tuple[int, str] = (1, "a")
    many: tuple[int, ...] = ()
    item: Item = Field(default_factory=lambda: Item(n=1))
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Field(default_factory=Cat)
    either: int | str = 1
    word: Literal["a", "b"] = "a"
    colour: Colour = Colour.RED
    used: Used = Field(default_factory=Used)
    where: Where = Field(default_factory=lambda: Where(x=1.0))
    size: Size = Field(default_factory=lambda: Size(wide=1))
    price: Decimal = Decimal(1)
    ratio: float = 0.5


class Flat(ServerEvent, name="flat"):
    text: str
    n: int


def written(event: BaseModel, codec: CodecName) -> Any:
    data = PayloadType(type(event)).dump(event, codec)
    return from_json(data) if codec == "json" else msgpack.unpackb(data)


def put(**values: Any) -> Callable[[Any], None]:
    def change(event: Any) -> None:
        for name, value in values.items():
            target, _, last = name.rpartition("__")
            setattr(getattr(event, target) if target else event, last, value)

    return change


WRONG: dict[str, tuple[Callable[[Any], None], str]] = {
    "text for int": (put(n="x"), "n: int is declared, not str"),
    "null for int": (put(n=None), "n: int is declared, not None"),
    "null for text": (put(text=None), "text"),
    "null for a list": (put(items=None), "items"),
    "null for a model": (put(item=None), "item"),
    "null for a union": (put(either=None), "either"),
    "null for a literal": (put(word=None), "word"),
    "null for an enum": (put(colour=None), "colour"),
    "null for bytes": (put(raw=None), "raw"),
    "int for bool": (put(flag=3), "flag"),
    "float for int": (put(n=1.5), "n"),
    "text in an optional": (put(maybe="x"), "maybe"),
    "another literal": (put(word="c"), "word"),
    "a list for a literal": (put(word=["a"]), "word"),
    "text for an enum": (put(colour="red"), "colour"),
    "no value of the enum": (put(used__colour="blue"), "used.colour"),
    "null in a list": (put(numbers=[1, None]), r"numbers\[1\]"),
    "text in a list": (put(numbers=[1, "2"]), r"numbers\[1\]"),
    "null in a dict": (put(names={"a": None}), "names"),
    "a null key": (put(names={None: 1}), "names"),
    "a number as a key": (put(names={1: 1}), "names"),
    "another model": (put(item=Cat()), "item: Item is declared, not Cat"),
    "a dict for a model": (put(item={"n": 1}), "item"),
    "no model at all": (put(item=Text("x")), "item"),
    "a model without its fields": (put(item=Item.model_construct()), "item.n"),
    "text in a model": (put(item__n="x"), "item.n"),
    "null in a model of a list": (put(items=[Item.model_construct(n=None)]), r"items\[0\]\.n"),
    "another model in a list": (put(items=[Dog()]), r"items\[0\]"),
    "null in a union's model": (put(pet__lives=None), "lives"),
    "the tag of another": (put(pet__kind="dog"), "pet"),
    "a short tuple": (put(pair=(1,)), "pair"),
    "text in a tuple": (put(pair=("x", "a")), r"pair\[0\]"),
    "null in a tuple": (put(pair=(1, None)), r"pair\[1\]"),
    "null in a long tuple": (put(many=(1, None)), r"many\[1\]"),
    "a typed dict without its key": (put(where={}), "where.x"),
    "null in a typed dict": (put(where={"x": None}), "where.x"),
    "text in a dataclass": (put(size__wide="x"), "size.wide"),
    "null in a dataclass": (put(size__wide=None), "size.wide"),
    "text for a decimal": (put(price="1"), "price"),
    "a bool for a decimal": (put(price=True), "price"),
}

RIGHT: dict[str, tuple[Callable[[Any], None], dict[str, Any]]] = {
    "a tuple for a list": (put(numbers=(1, 2)), {"numbers": [1, 2]}),
    "models in a tuple": (put(items=(Item(n=3),)), {"items": [{"n": 3, "price": "1.5"}]}),
    "a list for a tuple": (put(many=[1, 2], pair=[2, "b"]), {"many": [1, 2], "pair": [2, "b"]}),
    "an int for a decimal": (put(price=3), {"price": "3"}),
    "an int for a decimal inside": (put(items=[Item(n=1).model_copy(update={"price": 3})]),
                                    {"items": [{"n": 1, "price": "3"}]}),
    "an int for a float": (put(ratio=2), {"ratio": 2}),
    "a subclass of text": (put(text=Text("q"), word=Text("b")), {"text": "q", "word": "b"}),
    "a subclass of a model": (put(item=Rare(n=5), items=[Rare(n=6)]),
                              {"item": {"n": 5, "price": "1.5"},
                               "items": [{"n": 6, "price": "1.5"}]}),
    "null where it may be": (put(maybe=None, nothing=None), {"maybe": None, "nothing": None}),
    "the word null": (put(text="null", either="null"), {"text": "null", "either": "null"}),
    "no number": (put(ratio=float("nan")), {}),
    "out of bounds": (put(n=-5), {"n": -5}),
}  # fmt: skip


@both
@pytest.mark.parametrize("what", WRONG)
def test_a_value_of_a_wrong_kind_is_an_error_for_the_sender(what: str, codec: CodecName) -> None:
    change, told = WRONG[what]
    event = Sent()
    written(event, codec)
    change(event)
    with pytest.raises(WrongKind, match=told) as caught:
        written(event, codec)
    assert isinstance(caught.value, EncodeError)
    assert "blue" not in str(caught.value)


class Equal(BaseModel):
    """Constants that are equal in Python."""

    first: Literal[True, 1, 0]
    last: Literal["a", 0, False, 1]


@both
@pytest.mark.parametrize(("first", "last"), [(True, False), (1, 0), (0, 1)])
def test_constants_that_are_equal_in_python_go_out_as_they_are(
    first: Any, last: Any, codec: CodecName
) -> None:
    payload = PayloadType(Equal)
    plain = payload.dump(Equal(first=first, last=last), codec)
    read = from_json(plain) if codec == "json" else msgpack.unpackb(plain)
    assert (read["first"], read["last"]) == (first, last)
    assert (type(read["first"]), type(read["last"])) == (type(first), type(last))
    with pytest.raises(WrongKind, match="last: one of"):
        payload.dump(Equal.model_construct(first=1, last=True), codec)


@both
@pytest.mark.parametrize("what", RIGHT)
def test_what_is_another_kind_in_python_alone_goes_out_right(what: str, codec: CodecName) -> None:
    change, expected = RIGHT[what]
    event = Sent()
    change(event)
    found = written(event, codec)
    assert {name: found[name] for name in expected} == expected


@both
@pytest.mark.parametrize(
    "made",
    [
        Flat.model_construct(text="t"),
        Flat.model_construct(text="t", n=None),
        Flat.model_construct(text=None, n=1),
        Flat.model_construct(text="t", n="1"),
        Flat.model_construct(),
    ],
)
def test_what_model_construct_made_is_looked_at(made: Flat, codec: CodecName) -> None:
    with pytest.raises(WrongKind, match="is declared, not"):
        written(made, codec)


@both
@pytest.mark.parametrize("action", ["ignore", "error", "default", "always"])
def test_the_filters_of_warnings_decide_nothing(action: Any, codec: CodecName) -> None:
    event = Flat(text="t", n=1)
    event.n = "x"  # type: ignore[assignment]
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter(action)
        with pytest.raises(WrongKind, match="n: int is declared, not str"):
            written(event, codec)
        event.n = 2
        assert written(event, codec) == {"text": "t", "n": 2}
    assert not seen


def test_no_validator_runs_on_the_way_out() -> None:
    event = Flat(text="t", n=1)
    kinds = PayloadType(Flat).kinds
    test, null_test = kinds.tests
    assert test is not None
    assert not test(event)
    assert null_test is None


class Post(ClientEvent, name="post"):
    text: str
    note: str | None = None


class Told(Event, name="told"):
    text: str


app = ByteSocket(title="Kinds", events=[Told, Flat])


@app.on(Post)
async def post(socket: Socket, event: Post) -> Told:
    """Reply with what was changed."""
    told = Told(text="x")
    if event.text == "wrong":
        told.text = None  # type: ignore[assignment]
    return told


@app.room("lobby").on(Told)
async def told(event: Told) -> None:
    """Change the event that is then relayed."""
    if event.text == "wrong":
        event.text = 3  # type: ignore[assignment]


@pytest.mark.anyio
async def test_a_reply_of_a_wrong_kind_is_internal_for_the_client() -> None:
    async with TestClient(app) as client:
        assert await client.request(Post(text="right"), Told) == Told(text="x")
        with pytest.raises(Exception, match="internal"):
            await client.request(Post(text="wrong"), Told)


@pytest.mark.anyio
async def test_every_verb_of_the_server_refuses() -> None:
    flat = Flat.model_construct(text="t")
    async with TestClient(app) as client:
        (socket,) = app.sockets()
        await client.join("lobby")
        for emit in (
            socket.emit(flat),
            app.broadcast(flat),
            app.rooms.emit("lobby", flat),
            app.rooms.bulk.emit(["lobby"], flat),
        ):
            with pytest.raises(WrongKind, match="event 'flat' cannot be written: n: "):
                await emit


@both
def test_a_python_client_refuses_too(codec: CodecName) -> None:
    wire = JSON if codec == "json" else BINARY
    event = Post(text="x")
    event_frame(wire, "post", event)
    event.text = 3  # type: ignore[assignment]
    with pytest.raises(EncodeError, match="Post cannot be sent: text: str is declared, not int"):
        event_frame(wire, "post", event)
    with pytest.raises(EncodeError, match="text: a value is declared"):
        event_frame(wire, "post", Post.model_construct())


@pytest.mark.anyio
async def test_the_log_says_which_value_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    site = ByteSocket(title="Logged", events=[Flat])

    class Ask(ClientEvent, name="ask"):
        pass

    @site.on(Ask)
    async def ask(socket: Socket) -> None:
        event = Flat(n=1, text="t")
        vars(event)["n"] = None
        await socket.emit(event)

    async with TestClient(site) as client:
        with pytest.raises(RequestError, match="internal"):
            await client.request(Ask(), type(None))
    assert "event 'flat' cannot be written: n: int is declared, not None." in caplog.text


class Hue(Enum):
    RED = "red"
    BLUE = "blue"


class Shade(BaseModel):
    model_config = ConfigDict(use_enum_values=True)

    kind: Literal[Hue.RED]
    maybe: Literal[Hue.RED, "x"] | None = None


class Tint(BaseModel):
    model_config = ConfigDict(use_enum_values=True)

    kind: Literal[Hue.BLUE]


class Painted(ServerEvent, name="painted"):
    shade: Annotated[Shade | Tint, Field(discriminator="kind")]
    shades: list[Shade] = Field(default_factory=list[Shade])


@both
def test_a_literal_of_enum_members_whose_values_are_used_goes_out(codec: CodecName) -> None:
    given = {"kind": Hue.RED, "maybe": Hue.RED}
    made = Painted.model_validate({"shade": given, "shades": [given]})
    expected = {"kind": "red", "maybe": "red"}
    assert written(made, codec) == {"shade": expected, "shades": [expected]}
    made.shade.kind = "green"  # type: ignore[assignment]
    with pytest.raises(WrongKind, match=r"shade\.kind"):
        written(made, codec)


class Pair(NamedTuple):
    n: int


class Unasked(ServerEvent, name="unasked"):
    """Fields of which Pydantic asks nothing when it writes them."""

    numbers: Sequence[int] = ()
    counts: defaultdict[str, int] = Field(default_factory=lambda: defaultdict(int))
    waiting: deque[int] = Field(default_factory=deque[int])
    order: OrderedDict[str, int] = Field(default_factory=OrderedDict[str, int])
    pair: Pair = Pair(1)
    part: Fraction = Fraction(1, 2)
    address: IPv4Address = IPv4Address("127.0.0.1")
    path: PurePath = PurePath("a")
    link: AnyUrl = AnyUrl("http://a.example/")
    links: list[AnyUrl] = Field(default_factory=list[AnyUrl])
    secret: SecretStr = SecretStr("s")
    item: SerializeAsAny[Item] = Field(default_factory=lambda: Rare(n=1))
    maybe: int | None = None


UNASKED: dict[str, Any] = {
    "numbers": [5, "text", {"a": 1}, [None], ["x"]],
    "counts": [5, {"a": None}],
    "waiting": [5, [None]],
    "order": [5, {"a": None}],
    "pair": [5, Pair(None)],  # type: ignore[arg-type]
    "part": ["1/2"],
    "address": ["no address", 5],
    "path": [5],
    "link": [5],
    "links": [[5], [None]],
    "secret": [],
    "item": [5, Item.model_construct(n=None)],
}


@both
@pytest.mark.parametrize("field", UNASKED)
def test_a_wrong_kind_is_an_error_where_pydantic_does_not_ask(field: str, codec: CodecName) -> None:
    for value in (None, *UNASKED[field]):
        event = Unasked()
        setattr(event, field, value)
        with pytest.raises(WrongKind, match=f"{field}[^ ]* "):
            written(event, codec)


@both
def test_the_right_kinds_go_out_beside_a_null_and_a_tuple(codec: CodecName) -> None:
    event = Unasked(numbers=deque([1]), links=[AnyUrl("http://b.example/")])
    event.waiting = [1]  # type: ignore[assignment]
    found = written(event, codec)
    assert found["numbers"] == found["waiting"] == [1]
    assert (found["links"], found["address"]) == (["http://b.example/"], "127.0.0.1")
    assert (found["maybe"], found["item"]["extra"]) == (None, "e")


@both
def test_a_decimal_in_a_float_is_a_number(codec: CodecName) -> None:
    event = Sent()
    event.ratio = Decimal("1.5")  # type: ignore[assignment]
    assert written(event, codec)["ratio"] == 1.5


class Wrapped(ServerEvent, name="wrapped"):
    n: int = 1
    numbers: list[int] = Field(default_factory=list[int])
    price: Decimal = Decimal(1)

    @model_serializer(mode="wrap")
    def write(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {**write(self), "more": 1}


@both
def test_a_serializer_that_calls_back_hides_no_wrong_kind(codec: CodecName) -> None:
    event = Wrapped()
    event.numbers, event.price = (1, 2), 3  # type: ignore[assignment]
    expected = {"n": 1, "numbers": [1, 2], "price": "3", "more": 1}
    assert written(event, codec) == expected
    for name, value in {"n": "x", "numbers": ["x"], "price": "x"}.items():
        event = Wrapped()
        setattr(event, name, value)
        with pytest.raises(WrongKind):
            written(event, codec)
