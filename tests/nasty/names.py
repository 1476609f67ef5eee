"""Names that mean something else to a target language, and text that tries to get out of it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from tests.nasty.case import Case, Row

EVIL = (
    "*/ } }\n@ts-expect-error\n@ts-ignore \u2028 // `${x}` <script> \\ \"\"\" ''' \u202e \U0001f600"
)


class Date(BaseModel):
    """@ts-expect-error"""

    date: str
    time: int = 0


class Record(BaseModel):
    """A one-line comment that ends */ itself."""

    Literal: int = 1
    Promise: Date | None = None


class Promise(BaseModel):
    type: str
    object: dict[str, int] = {}
    list: int = 1
    str_: str = Field("", alias="str")


class Größe(BaseModel):  # noqa: PLC2401
    größe: int  # noqa: PLC2401


class 名前(BaseModel):  # noqa: N801, PLC2401
    値: str  # noqa: PLC2401


def _model(name: str, title: Any = None, **fields: Any) -> Any:
    config = ConfigDict(title=title, protected_namespaces=())
    return create_model(name, __config__=config, __module__=__name__, **fields)


One = _model("One", "The same", a=(int, ...))
Other = _model("Other", "The same", b=(int, ...))
Chat = _model("User", a=(int, ...))
Shop = _model("User", b=(int, ...))
Chat.__module__, Shop.__module__ = "tests.chat", "tests.shop"
Chat.__qualname__, Shop.__qualname__ = "User", "User"
for _twin in (Chat, Shop):
    _twin.model_rebuild(force=True)

_KEYS = [
    *("__proto__", "constructor", "toString", "hasOwnProperty", "class", "function", "await"),
    *('quo"te', "new\nline", "\u2028", "a-b", "a.b", "$ref", "1st", "", "ünï", "*/", "`${x}`"),
]
Fields = _model(
    "Fields",
    **{f"field{at}": (int, Field(alias=key)) for at, key in enumerate(_KEYS)},
    model_x=(float, 1.5),
    as_json=(bool, Field(False, alias="json")),
)
Rare = _model("Rare", proto=(int, Field(1, alias="__proto__")), odd=(int, Field(2, alias="a b")))


class Documented(BaseModel):
    __doc__ = EVIL

    x: int = Field(description=EVIL)
    y: str = Field(EVIL, description="@deprecated", deprecated=True)


CASES: dict[str, Case] = {
    "Date": Case(
        rows=(Row.GLOBAL_NAMES, Row.DOCS),
        payload=Date,
        good=[{"date": "d", "time": 1}],
        bad=[{}, {"date": 1}],
    ),
    "Record": Case(
        rows=(Row.GLOBAL_NAMES, Row.DOCS),
        payload=Record,
        good=[{"Literal": 2, "Promise": {"date": "x"}}, {}],
        bad=[{"Literal": None}, {"Promise": {}}],
    ),
    "Promise": Case(
        rows=(Row.GLOBAL_NAMES,),
        payload=Promise,
        good=[{"type": "t", "object": {"a": 1}, "list": 2, "str": "s"}],
        bad=[{"type": 1}, {"type": "t", "object": []}],
        unlike=[{"type": "t", "str_": "s"}],
        open=frozenset({"object"}),
    ),
    "größe": Case(rows=(Row.NOT_ASCII,), payload=Größe, good=[{"größe": 1}], bad=[{"grosse": 1}]),
    "名前": Case(rows=(Row.NOT_ASCII,), payload=名前, good=[{"値": "x"}], bad=[{"値": 1}]),
    "one": Case(rows=(Row.EQUAL_TITLES,), payload=One, good=[{"a": 1}], bad=[{"b": 1}]),
    "other": Case(rows=(Row.EQUAL_TITLES,), payload=Other, good=[{"b": 1}], bad=[{"a": 1}]),
    "user:chat": Case(rows=(Row.SAME_NAME,), payload=Chat, good=[{"a": 1}], bad=[{"b": 1}]),
    "user:shop": Case(rows=(Row.SAME_NAME,), payload=Shop, good=[{"b": 1}], bad=[{"a": 1}]),
    "__proto__": Case(
        rows=(Row.ODD_FIELDS,),
        payload=Fields,
        good=[{**dict.fromkeys(_KEYS, 1), "model_x": 2, "json": True}],
        bad=[{}],
    ),
    "hasOwnProperty": Case(
        rows=(Row.ODD_FIELDS,), payload=Rare, good=[{"__proto__": 1, "a b": 1}], bad=[{"a b": None}]
    ),
    '*/ "quo`te${x}" \\ \n\u2028 // @ts-ignore': Case(
        rows=(Row.DOCS,), payload=Documented, good=[{"x": 1, "y": "*/"}], bad=[{"x": None}]
    ),
    " ": Case(rows=(Row.ODD_FIELDS,), payload=list[Date], good=[[{"date": "d"}]], bad=[[1]]),
    "7": Case(rows=(Row.ODD_FIELDS,), payload=int, good=[1], bad=[None]),
}
