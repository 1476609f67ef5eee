"""Payloads on their way out: the same value for both codecs, bytes aside."""

import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel

from bytesocket_app.client.payload import plain
from bytesocket_app.client.texts import AnyFloat, Base64Bytes
from bytesocket_app.client.unset import UNSET, Unset
from bytesocket_app.errors import EncodeError
from bytesocket_app.events import PayloadType
from bytesocket_app.wire import BINARY, JSON, Codec


class Inner(BaseModel):
    here: int = 1
    gone: int | Unset = UNSET


class Outer(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    when: datetime
    who: dict[UUID, Inner] = Field(default_factory=dict[UUID, Inner], serialization_alias="users")
    several: list[Inner] = []
    pairs: tuple[Inner, ...] = ()
    default: int = 3


WHEN = datetime(2030, 1, 2, tzinfo=UTC)
SOMEBODY = UUID(int=5)


@pytest.mark.parametrize("codec", [JSON, BINARY], ids=["json", "binary"])
def test_only_what_was_set_is_sent_as_json_says_it(codec: Codec) -> None:
    inner = Inner(here=2, gone=UNSET)
    outer = Outer(when=WHEN, who={SOMEBODY: inner}, several=[Inner()], pairs=(Inner(gone=4),))
    assert plain(outer, codec) == {
        "when": "2030-01-02T00:00:00Z",
        "users": {str(SOMEBODY): {"here": 2}},
        "several": [{}],
        "pairs": [{"gone": 4}],
    }


def test_bytes_stay_raw_in_binary_only() -> None:
    class Blob(RootModel[list[bytes]]):
        model_config = ConfigDict(ser_json_bytes="base64")

    assert plain(Blob([b"\xff"]), BINARY) == [b"\xff"]
    assert plain(Blob([b"\xff"]), JSON) == ["_w=="]
    assert plain({"a": bytearray(b"\xff")}, BINARY) == {"a": b"\xff"}


@pytest.mark.parametrize("codec", [JSON, BINARY], ids=["json", "binary"])
def test_values_without_a_model_are_fine(codec: Codec) -> None:
    assert plain({"a": {SOMEBODY}, 1: [WHEN]}, codec) == {
        "a": [str(SOMEBODY)],
        "1": ["2030-01-02T00:00:00Z"],
    }
    assert plain([Inner(here=5)], codec)[0]["here"] == 5


@pytest.mark.parametrize("setting", ["strings", "constants"])
def test_numbers_that_are_not_finite_are_words_in_json_if_a_model_says_so(setting: Any) -> None:
    class Measured(BaseModel):
        model_config = ConfigDict(ser_json_inf_nan=setting)

        value: float
        rest: list[float] = []

    class Holder(BaseModel):
        inner: Measured
        usual: float = 0

    measured = Measured(value=math.nan, rest=[math.inf, 1])
    sent = Holder(inner=measured, usual=math.inf)
    words = {"value": "NaN", "rest": ["Infinity", 1]}
    assert plain(sent, JSON) == {"inner": words, "usual": None}
    assert plain([measured], JSON) == [words]
    assert repr(plain(sent, BINARY)) == (
        "{'inner': {'value': nan, 'rest': [inf, 1.0]}, 'usual': inf}"
    )


def test_a_value_that_is_no_model_is_written_as_its_declared_type_says() -> None:
    declared = PayloadType(dict[str, Base64Bytes | AnyFloat])
    value = {"a": b"\xff", "b": math.inf}
    assert plain(value, JSON, declared) == {"a": "_w==", "b": "Infinity"}
    assert plain(value, BINARY, declared) == value


class Opaque(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    thing: Any


@pytest.mark.parametrize("codec", [JSON, BINARY], ids=["json", "binary"])
def test_what_json_has_no_word_for_is_refused(codec: Codec) -> None:
    with pytest.raises(EncodeError, match="cannot be sent"):
        plain(Opaque(thing=object()), codec)


def test_text_bytes_that_are_no_text_are_refused_in_json() -> None:
    with pytest.raises(EncodeError):
        plain(Opaque(thing=b"\xff"), JSON)
