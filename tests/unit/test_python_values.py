"""The values that generated Python clients send, receive and show, against the server's types."""

import copy
import json
import math
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NotRequired
from uuid import UUID

import anyio
import pytest
from pydantic import BaseModel, ConfigDict, RootModel, ValidationError, create_model, with_config
from typing_extensions import TypedDict

from bytesocket_app import ByteSocket, Event
from bytesocket_app.client import UNSET, ClientSettings
from bytesocket_app.client.messages import event_frame
from bytesocket_app.client.payload import plain
from bytesocket_app.contract import ContractSource, EventEntry, build
from bytesocket_app.contract.source import MessageAuth
from bytesocket_app.errors import EncodeError
from bytesocket_app.events import PayloadType
from bytesocket_app.testing import TestClient
from bytesocket_app.wire import BINARY, CODECS, HOLE, JSON, Codec, decode
from bytesocket_cli.codegen.python import python
from tests.nasty import MODULES, contract, values
from tests.support.generated import PythonClient, data_of, load
from tests.support.scripted_server import Script, ScriptedServer

codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))


class Sides:
    """Generated client and server of the nasty cases of one module."""

    def __init__(self, name: str, module: Any) -> None:
        self.made = module
        self.client = PythonClient(module)
        self._types = {key: PayloadType(case.payload) for key, case in MODULES[name].items()}

    def kind(self, event: str) -> Any:
        """Return the class of an event that the client sends."""
        return self.client.sent[event]

    def sent(self, event: str, value: Any, codec: Codec) -> Any:
        """Return what the server reads of an event that the client sends."""
        data = data_of(event_frame(codec, event, value), codec)
        return self._types[event].validate(data, codec.name)

    def heard(self, event: str, value: Any, codec: Codec) -> Any:
        """Return what the client reads of an event that the server sends."""
        start, end = codec.envelope({"event": event, "data": HOLE})
        return self.client.read(
            event, start + self._types[event].dump(value, codec.name) + end, codec
        )


Made = Callable[[str], Sides]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("values")
    known: dict[str, Sides] = {}

    def find(name: str) -> Sides:
        if name not in known:
            text = python(contract(name, MODULES[name]).document)
            known[name] = Sides(name, load(text, f"shown_{name}", folder))
        return known[name]

    return find


# ---- constants that nobody set


@codecs
@pytest.mark.parametrize(
    ("event", "given"),
    [
        ("urgent", {}),
        ("urgent", {"level": 2}),
        ("urgent", {"urgent": True}),
        ("urgent", {"maybe": None}),
    ],
)
def test_an_optional_constant_is_absent_until_it_is_set(
    made: Made, codec: Codec, event: str, given: dict[str, Any]
) -> None:
    sides = made("values")
    model = sides.kind(event)(**given)
    assert model.model_dump() == given
    assert json.loads(model.model_dump_json()) == given
    assert sides.sent(event, model, codec) == given
    assert sides.heard(event, given, codec).model_dump() == given


@codecs
def test_a_constant_without_a_value_is_absent_in_models_too(made: Made, codec: Codec) -> None:
    if "absent-constant" not in values.CASES:
        return  # a Pydantic without MISSING
    sides = made("values")
    sent = sides.kind("absent-constant")
    payload: Any = values.CASES["absent-constant"].payload
    assert plain(sent(), codec) == {}
    assert plain(sent(done=True), codec) == {"done": True}
    heard = sides.heard("absent-constant", payload(), codec)
    assert (heard.done, dict(heard)) == (UNSET, {"name": "n"})
    assert sides.heard("absent-constant", payload(done=True), codec).done is True


@codecs
def test_a_constant_with_a_default_and_the_tag_of_a_union_go_without_being_set(
    made: Made, codec: Codec
) -> None:
    module = made("values").made
    assert plain(module.SoleInput(), codec) == {"literal": "only"}
    steps = module.StepsInput(steps=[module.Drop(by=1), module.Add(op="add")], own=module.Add())
    assert plain(steps, codec) == {
        "steps": [{"op": "drop", "by": 1}, {"op": "add"}],
        "own": {},
    }


# ---- bytes, each in its own encoding


@codecs
def test_bytes_of_each_encoding_arrive_in_one_contract(made: Made, codec: Codec) -> None:
    sides = made("values_bytes")
    module, any_bytes = sides.made, b"\xff\xfe" if codec.is_binary else b"abc"
    sent = module.MixedInput(
        plain=module.Plain(raw=any_bytes),
        coded=module.CodedInput(raw=b"\xff", parts=[b"abc", b""]),
        hexed=b"\xfe",
        packed=module.Packed(raw=b"\xfd", more={"a": b"abc"}),
        boxed=module.BoxedInput(raw=b"\xfc"),
        own=b"abcd",
    )
    read = sides.sent("mixed", sent, codec)
    assert read == values.Mixed(
        plain=values.Plain(raw=any_bytes),
        coded=values.Coded(raw=b"\xff", parts=[b"abc", b""]),
        hexed=values.Hexed(b"\xfe"),
        packed={"raw": b"\xfd", "more": {"a": b"abc"}},
        boxed=values.Boxed(b"\xfc"),
        own=b"abcd",
    )
    heard = sides.heard("mixed", read, codec)
    assert (heard.plain.raw, heard.coded.raw, heard.coded.parts) == (
        any_bytes,
        b"\xff",
        [b"abc", b""],
    )
    assert (heard.hexed, heard.packed.raw, heard.packed.more) == (b"\xfe", b"\xfd", {"a": b"abc"})
    assert (heard.boxed.raw, heard.boxed.maybe, heard.own) == (b"\xfc", None, b"abcd")


@codecs
@pytest.mark.parametrize(
    ("event", "value"),
    [
        ("hex-root", values.Hexed(b"\xff")),
        ("utf8-root", b"abc"),
        ("packed", {"raw": b"\xff"}),
        ("packed", {"raw": b"abc", "more": {"x": b"\xff"}}),
        ("boxed", values.Boxed(b"\xff", b"")),
        ("bytes-as-extras", values.Parts.model_validate({"name": "n", "a": b"\xff", "b": b"abc"})),
    ],
)
def test_bytes_go_there_and_back(made: Made, codec: Codec, event: str, value: Any) -> None:
    sides = made("values_bytes")
    heard = sides.heard(event, value, codec)
    sent = sides.kind(event).model_validate(heard.model_dump())
    assert sides.sent(event, sent, codec) == value


@codecs
def test_extra_members_have_their_declared_kind(made: Made, codec: Codec) -> None:
    sides = made("values")
    value = values.Days.model_validate({"name": "n", "a": date(2020, 1, 2), "b": [timedelta(1)]})
    heard = sides.heard("days-as-extras", value, codec)
    assert heard.model_extra == {"a": date(2020, 1, 2), "b": [timedelta(1)]}
    assert sides.sent("days-as-extras", heard, codec) == value
    parts = made("values_bytes").heard(
        "bytes-as-extras", values.Parts.model_validate({"name": "n"}), codec
    )
    assert parts.model_extra == {}


class Coded(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    raw: bytes


class Token(RootModel[bytes]):
    model_config = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Any:
    source = ContractSource(
        "Talk",
        events=(
            EventEntry("ask:raw", "client", Coded, is_global=True, reply=bytes),
            EventEntry("ask:coded", "client", str, is_global=True, reply=Coded),
            EventEntry("ask:packed", "client", int, is_global=True, reply=values.Packed),
        ),
        auth=MessageAuth(Token),
    )
    return load(python(build(source).document), "talk", tmp_path_factory.mktemp("talk"))


@pytest.mark.anyio
async def test_replies_and_credentials_with_bytes_work_over_json(talking: Any) -> None:
    sent = PythonClient(talking).sent
    replies: dict[Any, Any] = {
        "ask:raw": lambda data: "abc" if data == {"raw": "_w=="} else data,  # pyright: ignore[reportUnknownLambdaType]
        "ask:coded": lambda _: {"raw": "_w=="},  # pyright: ignore[reportUnknownLambdaType]
        "ask:packed": lambda _: {"raw": "YWJj", "more": {"a": "_w=="}},  # pyright: ignore[reportUnknownLambdaType]
    }
    script = Script(replies=replies, auth=lambda data: data == "ff")
    settings = ClientSettings(request_timeout=30, close_timeout=1)
    with ScriptedServer(script) as server, anyio.fail_after(60):
        client = talking.TalkClient(server.url, auth=b"\xff", codec="json", settings=settings)
        async with client:
            ask: Any = sent["ask:raw"]
            assert await client.request(ask(raw=b"\xff")) == b"abc"
            ask = sent["ask:coded"]
            assert (await client.request(ask("x"))).raw == b"\xff"
            ask = sent["ask:packed"]
            packed = await client.request(ask(1))
            assert (packed.raw, packed.more) == (b"abc", {"a": b"\xff"})


class Either(BaseModel):
    """Bytes beside what is text in JSON."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    word: str | bytes = "-"
    day: bytes | date | None = None


class HexEither(Either):
    model_config = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")


@codecs
@pytest.mark.parametrize("kind", [Either, HexEither])
@pytest.mark.parametrize(
    ("given", "codec_name"),
    [
        ({"word": "hello world"}, None),
        ({"word": "61 62"}, None),
        ({"word": b"\xff"}, None),
        ({"day": date(2020, 1, 2)}, None),
        ({"day": b"\xff\xfe"}, None),
        ({"word": "abcd"}, "binary"),  # JSON has one text for both
        ({"word": "ab"}, "binary"),
    ],
)
def test_text_beside_coded_bytes_is_not_taken_for_them(
    codec: Codec, kind: Any, given: dict[str, Any], codec_name: str | None, tmp_path: Path
) -> None:
    if codec_name not in {None, codec.name}:
        return
    document = build(ContractSource("t", events=(EventEntry("e", "server", kind),))).document
    client = PythonClient(load(python(document), f"either_{kind.__name__}", tmp_path))
    start, end = codec.envelope({"event": "e", "data": HOLE})
    value = kind(**given)
    heard = client.read("e", start + PayloadType(kind).dump(value, codec.name) + end, codec)
    assert heard.model_dump() == value.model_dump()


class Grade(Enum):
    ONE = 1.5
    TWO = "two"


class Step(Enum):
    ONE = 1


@codecs
@pytest.mark.parametrize(
    ("key", "given", "shown"),
    [
        (Literal[1, 2], {1: 3}, {1: 3}),
        (Literal[True], {True: 3}, {True: 3}),
        (Grade, {Grade.TWO: 3}, {"two": 3}),
        (Literal["a", "b"], {"a": 3}, {"a": 3}),
    ],
)
def test_numbers_of_a_closed_set_are_read_as_keys(
    codec: Codec, key: Any, given: Any, shown: Any, tmp_path: Path
) -> None:
    by: Any = dict.__class_getitem__((key, int))
    kind = create_model("Keyed", by=(by, {}))
    document = build(ContractSource("t", events=(EventEntry("e", "server", kind),))).document
    client = PythonClient(load(python(document), "keyed", tmp_path))
    start, end = codec.envelope({"event": "e", "data": HOLE})
    frame = start + PayloadType(kind).dump(kind(by=given), codec.name) + end
    assert client.read("e", frame, codec).model_dump() == {"by": shown}


@codecs
def test_whole_numbers_of_an_enum_stay_its_members_as_keys(codec: Codec, tmp_path: Path) -> None:
    kind = create_model("Keyed", by=(dict[Step, int], {}))
    document = build(ContractSource("t", events=(EventEntry("e", "server", kind),))).document
    module = load(python(document), "stepped", tmp_path)
    start, end = codec.envelope({"event": "e", "data": HOLE})
    frame = start + PayloadType(kind).dump(kind(by={Step.ONE: 3}), codec.name) + end
    heard: Any = PythonClient(module).read("e", frame, codec)
    assert heard.by == {module.Step.ONE: 3}


# ---- bytes inside of Any


LOOSE: dict[str, Any] = {
    "extra": b"AB",
    "items": [b"\xff", {"deep": [b"\xfe", (b"t",)]}],
    "by_name": {"a": b"b", "b": {1: b"c"}},
    "more": b"\xfd",
    "text": "\x00",
}


def test_bytes_inside_of_any_stay_bytes_in_messagepack(made: Made) -> None:
    sides = made("values")
    value = values.Loose.model_validate(LOOSE)
    arrived = {
        **LOOSE,
        "items": [b"\xff", {"deep": [b"\xfe", [b"t"]]}],
        "by_name": {"a": b"b", "b": {"1": b"c"}},
    }
    heard = sides.heard("loose", value, BINARY)
    assert heard.model_dump() == arrived
    sent = sides.kind("loose")(**LOOSE)
    assert sides.sent("loose", sent, BINARY).model_dump() == arrived
    for whole in (b"\xff", [b"AB"], {"a": {"b": b"\xff"}}):
        anything: Any = sides.kind("anything")
        assert sides.sent("anything", anything(whole), BINARY) == whole
        assert sides.heard("anything", whole, BINARY).root == whole


class Strict(BaseModel):
    """Read as JSON is, with a union of text and what is text."""

    id: str | date
    extra: Any = None
    items: list[Any] = []
    told: Any = None


def test_bytes_inside_of_any_do_not_change_how_the_rest_is_read() -> None:
    payload = PayloadType(Strict)
    for extra in (b"AB", b"\xff", {"x": [b"\xff"]}):
        read = payload.validate({"id": "2020-01-02", "extra": extra, "items": [extra]}, "binary")
        assert read == payload.validate({"id": "2020-01-02"}, "json").model_copy(
            update={"extra": extra, "items": [extra]}
        )


@pytest.mark.parametrize("encoding", ["base64", "hex"])
def test_bytes_inside_of_any_are_written_to_json_as_the_model_says(encoding: Any) -> None:
    class Said(BaseModel):
        model_config = ConfigDict(ser_json_bytes=encoding, val_json_bytes=encoding)

        raw: bytes
        extra: Any

    written = {"base64": "_w==", "hex": "ff"}[encoding]
    source = ContractSource("t", events=(EventEntry("said", "both", Said, is_global=True),))
    assert json.loads(PayloadType(Said).dump(Said(raw=b"\xff", extra=[b"\xff"]), "json")) == {
        "raw": written,
        "extra": [written],
    }
    namespace: dict[str, Any] = {"__name__": "said"}
    exec(compile(python(build(source).document), "said", "exec"), namespace)
    sent = namespace["Said"](raw=b"\xff", extra=[b"\xff"])
    assert plain(sent, JSON) == {"raw": written, "extra": [written]}


def test_what_json_has_no_word_for_is_an_error_that_names_event_and_place(made: Made) -> None:
    sides = made("values")
    value = sides.kind("loose")(extra={"parts": [1, b"\xff"]})
    with pytest.raises(EncodeError, match=r"event 'loose': .*`extra\.parts\[1\]`: .*utf-8"):
        event_frame(JSON, "loose", value)
    payload = PayloadType(values.Loose, what="event 'loose'")
    with pytest.raises(EncodeError, match=r"event 'loose' cannot .*`extra\.parts\[1\]`: .*utf-8"):
        payload.dump(values.Loose(extra={"parts": [1, b"\xff"]}), "json")


class Anything(Event, name="anything"):
    extra: Any = None


def relaying() -> ByteSocket:
    app = ByteSocket(title="Relaying")
    room = app.room("r")
    room.relay(Anything)

    @app.on(Anything)
    async def echo(event: Anything) -> Anything:
        return event

    return app


@pytest.mark.anyio
@pytest.mark.parametrize("extra", [b"AB", b"\xff", {"x": [b"\xff"]}])
async def test_bytes_inside_of_any_go_through_an_application(extra: Any) -> None:
    app = relaying()
    async with (
        TestClient(app, codec="binary") as sender,
        TestClient(app, codec="binary") as other,
    ):
        await sender.join("r")
        await other.join("r")
        assert (await sender.request(Anything(extra=extra), Anything)).extra == extra
        await sender.emit(Anything(extra=extra), room="r")
        assert (await other.receive(Anything)).extra == extra


@pytest.mark.anyio
async def test_bytes_that_a_member_cannot_hear_are_the_senders_fault() -> None:
    app = relaying()
    async with TestClient(app, codec="binary") as sender, TestClient(app) as other:
        await sender.join("r")
        await other.join("r")
        await sender.emit(Anything(extra=b"\xff"), room="r")
        answer = await sender.receive_message()
        assert answer["data"]["error"]["code"] == "validation"
        await sender.emit(Anything(extra=b"AB"), room="r")
        assert (await other.receive(Anything)).extra == "AB"


def test_the_keys_of_a_dict_are_text_in_messagepack() -> None:
    payload = PayloadType(dict[bytes, int])
    assert payload.validate(
        decode(payload.dump({b"a": 1}, "binary"), is_binary=True), "binary"
    ) == {b"a": 1}


# ---- numbers and times


@codecs
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1.5])
def test_numbers_that_are_not_finite_arrive(made: Made, codec: Codec, number: float) -> None:
    sides = made("values")
    inner = sides.kind("endless")
    sent = inner(value=number, values=[number])
    read = sides.sent("endless", sent, codec)
    heard = sides.heard("endless", read, codec)
    for one in (read, heard):
        assert repr((one.value, one.values)) == repr((number, [number]))
    outer = sides.kind("endless-inside")(value=1, endless=sent)
    assert repr(sides.sent("endless-inside", outer, codec).endless.value) == repr(number)


class Constants(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")

    value: float


@with_config(ConfigDict(ser_json_inf_nan="strings", ser_json_timedelta="float"))
class Dict(TypedDict):
    value: float
    took: NotRequired[timedelta]


@codecs
@pytest.mark.parametrize("made_of", [Constants, Dict])
def test_words_for_numbers_are_used_by_every_kind_of_payload(codec: Codec, made_of: Any) -> None:
    payload = PayloadType(made_of)
    value = {"value": math.inf} if made_of is Dict else made_of(value=math.inf)
    start, end = codec.envelope({"data": HOLE})
    data = data_of(start + payload.dump(value, codec.name) + end, codec)
    assert data == {"value": math.inf if codec.is_binary else "Infinity"}
    assert payload.validate(data, codec.name) == value
    source = ContractSource("t", events=(EventEntry("e", "client", made_of, is_global=True),))
    schema = build(source).document["types"][made_of.__name__]["properties"]["value"]
    assert schema["x-inf-nan"] == "strings"


@codecs
def test_a_time_that_the_server_writes_as_a_number_is_sent_as_text(
    made: Made, codec: Codec
) -> None:
    sides = made("values")
    sent = sides.kind("spans")(took=timedelta(seconds=1.5))
    read = sides.sent("spans", sent, codec)
    assert read.took == timedelta(seconds=1.5)
    assert sides.heard("spans", read, codec).took == 1.5


@codecs
def test_large_integers_arrive_exactly(codec: Codec) -> None:
    big = 2**63 - 1
    payload = PayloadType(list[int])
    start, end = codec.envelope({"data": HOLE})
    data = data_of(start + payload.dump([big, -big], codec.name) + end, codec)
    assert payload.validate(data, codec.name) == [big, -big]
    assert plain([big], codec) == [big]


# ---- what is unset, and what a model does not have


def test_what_is_unset_is_shown_nowhere(made: Made) -> None:
    module = made("values").made
    for model in (module.Urgent(level=1), module.Urgent(level=1, urgent=UNSET)):
        assert model == module.Urgent(level=1)
        assert model.model_dump() == {"level": 1}
        assert model.model_dump_json() == '{"level":1}'
        assert dict(model) == {"level": 1}
        assert repr(model) == "Urgent(level=1)"
        assert str(model) == "level=1"
        for twin in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert twin == model
            assert twin.urgent is UNSET
    changed = module.Urgent(level=1).model_copy(update={"level": UNSET, "urgent": True})
    assert (changed.model_dump(), plain(changed, JSON)) == ({"urgent": True}, {"urgent": True})
    steps = module.StepsInput(steps=[module.Add(op="add")])
    assert steps.model_dump(mode="json") == {"steps": [{"op": "add"}]}
    assert module.Urgent(level=1) != module.Urgent(level=2)


def test_a_name_that_a_model_does_not_have_is_refused_with_the_near_one(made: Made) -> None:
    module = made("values").made
    for kind, near, right in (
        (module.Urgent, "urgnt", "urgent"),
        (module.SoleInput, "litral", "literal"),
        (module.Drop, "bye", "by"),
    ):
        with pytest.raises(ValidationError, match=f"no field '{near}'. Did you mean '{right}'"):
            kind(**{near: 1})
    with pytest.raises(ValidationError):
        module.SoleInput.model_validate({"litral": "only"})


def test_what_arrives_may_have_more_than_the_contract_knows(made: Made) -> None:
    sides = made("values")
    heard = PayloadType(sides.client.arriving["urgent"]).validate({"level": 1, "new": 1}, "json")
    assert heard == sides.made.Urgent(level=1)
    loose = made("values").kind("loose")(extra=1, more=2)
    assert plain(loose, JSON) == {"extra": 1, "more": 2}


# ---- text that may be more


def _either(kind: Any) -> Any:
    members: dict[str, Any] = {"raw": (bytes, b""), "extra": (Any, None), "x": (kind | str, ...)}
    return create_model("Either", **members)


@pytest.mark.parametrize("kind", [datetime, date, timedelta, UUID, Decimal, Literal["a"]])
@pytest.mark.parametrize(
    "text",
    ["2020-01-01T00:00:00Z", "2020-01-01", "PT1S", "0" * 32, "1.5", "a", "text", True],
)
def test_text_in_a_union_is_read_alike_on_both_codecs_beside_bytes(kind: Any, text: Any) -> None:
    payload = PayloadType(_either(kind))

    def read(codec: Literal["json", "binary"], raw: Any) -> Any:
        try:
            return repr(payload.validate({"raw": raw, "extra": raw, "x": text}, codec).x)
        except ValidationError as error:
            return [(one["type"], one["loc"]) for one in error.errors()]

    assert read("json", "b") == read("binary", b"b") == read("binary", b"\xff")


def test_a_client_reads_text_in_a_union_alike_on_both_codecs(tmp_path: Path) -> None:
    source = ContractSource("t", events=(EventEntry("e", "server", _either(datetime)),))
    client = PythonClient(load(python(build(source).document), "either", tmp_path))
    value = _either(datetime)(raw=b"b", x=datetime(2020, 1, 1, tzinfo=UTC))
    heard: list[Any] = []
    for codec in CODECS.values():
        start, end = codec.envelope({"event": "e", "data": HOLE})
        frame = start + PayloadType(type(value)).dump(value, codec.name) + end
        heard.append(client.read("e", frame, codec))
    assert [one.x for one in heard] == [value.x, value.x]
