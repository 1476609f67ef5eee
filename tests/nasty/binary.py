"""Bytes: raw in MessagePack, and in JSON text of the kind that the model says."""

from typing import Any
from uuid import UUID

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from tests.nasty.case import Case, Row


class Blob(BaseModel):
    raw: bytes
    many: list[bytes] = []
    limited: bytes = Field(b"x", min_length=1, max_length=9)
    maybe: bytes | None = None


class Coded(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    raw: bytes
    by_id: dict[UUID, bytes] = {}
    pair: tuple[str, bytes] = ("", b"")
    deep: "Coded | None" = None


class Hexed(BaseModel):
    model_config = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")

    raw: bytes
    any: Any = None


class Written(BaseModel):
    """Puts its bytes into text itself, on both wires."""

    data: Base64Bytes


ID = "12345678-1234-5678-1234-567812345678"
CASES: dict[str, Case] = {
    "blob": Case(
        rows=(Row.BYTES,),
        payload=Blob,
        good=[
            {"raw": b"a", "many": [b"", b"b"], "limited": b"c", "maybe": b"d"},
            {"raw": b"\xff\x00", "maybe": None},
        ],
        bad=[{"raw": None}, {"raw": 5}, {"raw": b"", "many": [1]}],
        unlike=[{"raw": "text"}],
        json=False,
    ),
    "bytes": Case(rows=(Row.BYTES, Row.ROOT), payload=bytes, good=[b"\xff"], bad=[1], json=False),
    "text-or-bytes": Case(
        rows=(Row.SMART_UNION, Row.BYTES),
        payload=bytes | str,
        good=[b"\xff", "text"],
        bad=[1, None],
        json=False,
    ),
}
CODED: dict[str, Case] = {
    "coded": Case(
        rows=(Row.BYTES, Row.RECURSION),
        payload=Coded,
        good=[
            {
                "raw": b"\xff\x00",
                "by_id": {ID: b"\xfe"},
                "pair": ["x", b"\xfd"],
                "deep": {"raw": b""},
            },
            {"raw": b"", "deep": None},
        ],
        bad=[{"raw": None}, {"raw": b"", "pair": [1, b""]}, {"raw": b"", "deep": {}}],
        unlike=[{"raw": "_w=="}, {"raw": b"", "pair": [b"x", b""]}],
        open=frozenset({"by_id"}),
    ),
    "written": Case(
        rows=(Row.BASE64_BYTES,),
        payload=Written,
        good=[{"data": "YWJj"}],
        bad=[{"data": 1}],
        unlike=[{"data": b"YWJj"}],
    ),
}
HEXED: dict[str, Case] = {
    "hexed": Case(
        rows=(Row.BYTES, Row.ANYTHING),
        payload=Hexed,
        good=[{"raw": b"\xff", "any": [1, "a"]}],
        bad=[{"raw": None}, {"any": 1}],
    ),
}
