"""Numbers and the texts that stand for values: decimals, addresses, secrets, constraints."""

import math
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePosixPath
from re import Pattern
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from annotated_types import Interval
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from tests.nasty.case import Case, Row


class Numbers(BaseModel):
    whole: int
    positive: Annotated[int, Field(gt=0)] = 1
    even: Annotated[int, Field(multiple_of=2)] = 2
    between: Annotated[int, Interval(ge=1, lt=10)] = 1
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    big: int = 2**53 - 1
    number: float = 1.0


class Lengths(BaseModel):
    short: Annotated[str, Field(min_length=1, max_length=3)] = "a"
    code: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "AB"
    few: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]


class Endless(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="strings")

    value: float


class Money(BaseModel):
    price: Decimal
    exact: Annotated[Decimal, Field(max_digits=5, decimal_places=2, ge=0)] = Decimal("1.50")


class Texts(BaseModel):
    id: UUID
    v4: IPv4Address = IPv4Address("127.0.0.1")
    v6: IPv6Address | None = None
    url: AnyUrl | None = None
    web: HttpUrl | None = None
    path: PurePosixPath = PurePosixPath("/")
    pattern: Pattern[str] | None = None
    zone: ZoneInfo = ZoneInfo("UTC")


class Login(BaseModel):
    name: str
    password: SecretStr = SecretStr("x")


class Smart(BaseModel):
    who: str | UUID
    when: UUID | int | str = 1
    amount: Decimal | str = "x"


ID = "12345678-1234-5678-1234-567812345678"
CASES: dict[str, Case] = {
    "numbers": Case(
        rows=(Row.INTEGER, Row.CONSTRAINTS, Row.WHOLE_FLOAT),
        payload=Numbers,
        good=[
            {"whole": -5, "positive": 1, "even": 4, "between": 9, "share": 1, "big": 3, "number": 2}
        ],
        bad=[{}, {"whole": None}, {"whole": []}, {"whole": 1, "number": None}],
        unlike=[{"whole": "5"}, {"whole": 1, "number": "1.5"}],
    ),
    "lengths": Case(
        rows=(Row.CONSTRAINTS,),
        payload=Lengths,
        good=[{"short": "abc", "code": "ZZ", "few": [1, 2]}],
        bad=[{"short": 1}, {"few": ["x"]}, {"few": {}}],
    ),
    "endless": Case(
        rows=(Row.NOT_FINITE,),
        payload=Endless,
        good=[{"value": 1.5}],
        values=[Endless(value=math.inf), Endless(value=-math.inf)],
        bad=[{"value": None}],
    ),
    "money": Case(
        rows=(Row.DECIMAL,),
        payload=Money,
        good=[{"price": "1.10", "exact": "2.50"}, {"price": 3, "exact": 1.5}],
        bad=[{"price": None}, {"price": True}],
        values=[Money(price=Decimal("1E+3")), Money(price=Decimal("-0.000001"))],
    ),
    "texts": Case(
        rows=(Row.TEXT_SCALARS,),
        payload=Texts,
        good=[
            {
                "id": ID,
                "v4": "10.0.0.1",
                "v6": "::1",
                "url": "ftp://example.org/a",
                "web": "https://example.org/",
                "path": "/a/b",
                "pattern": "^a+$",
                "zone": "Europe/Berlin",
            },
            {"id": ID, "v6": None, "url": None, "web": None, "pattern": None},
        ],
        bad=[{"id": 5}, {"id": None}, {"id": ID, "url": 1}, {"id": ID, "path": 1}],
    ),
    "login": Case(
        rows=(Row.SECRET,),
        payload=Login,
        good=[{"name": "ann", "password": "hunter2"}],
        bad=[{"name": "ann", "password": 1}, {"name": "ann", "password": None}],
        direction="client",
    ),
    "smart": Case(
        rows=(Row.SMART_UNION,),
        payload=Smart,
        good=[{"who": ID, "when": ID, "amount": "1.5"}, {"who": "x", "when": 5}],
        bad=[{"who": None}, {"who": 5}],
    ),
}
