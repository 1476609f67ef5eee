"""What must be there, what may be left out, and what it is called."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pydantic
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    computed_field,
    create_model,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

from tests.nasty.case import Case, Row


class Presence(BaseModel):
    a: int
    b: int | None
    c: int = 3
    d: int | None = None
    e: list[int] = Field(default_factory=lambda: [1])
    f: list[int] = Field(default_factory=lambda data: [data.get("a", 0)])


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    user_name: str
    is_admin: bool = False


class ByName(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    user_id: int = Field(alias="userId")
    type_: str = Field("x", alias="type")


class Split(BaseModel):
    split: int = Field(validation_alias="inName", serialization_alias="outName")
    kept: str = ""


class Choices(BaseModel):
    value: int = Field(validation_alias=AliasChoices(AliasPath("a", 0), "value", "other"))


class Area(BaseModel):
    """A square; its area is computed."""

    side: int = Field(ge=0, le=1000)
    secret: int = Field(0, exclude=True)

    @computed_field
    def area(self) -> int:
        """How big it is."""
        return self.side**2


class Hidden(BaseModel):
    a: int | SkipJsonSchema[None] = None
    b: SkipJsonSchema[int] = 1


class NullRoot(RootModel[str | None]):
    """Text, or null."""


class AnyRoot(RootModel[Any]):
    """Anything, null too."""


NOTHING: Any = None
SPELLED: dict[str, Any] = {"number": "7", "price": "1.50", "share": "0.5", "items": ("1", 2)}


class NoneByDefault(BaseModel):
    number: int = NOTHING
    items: list[int] = NOTHING
    inner: Presence = NOTHING
    when: datetime = NOTHING
    named: Annotated[int, PlainSerializer(str, return_type=str, when_used="unless-none")] = NOTHING
    kind: Literal["a"] = NOTHING


class CheckedDefault(BaseModel):
    model_config = ConfigDict(validate_default=True)

    number: int = SPELLED["number"]
    price: Decimal = SPELLED["price"]
    share: float = SPELLED["share"]
    items: list[int] = SPELLED["items"]


CASES: dict[str, Case] = {
    "null-root": Case(
        rows=(Row.ROOT, Row.NULLABLE_WITHOUT_DEFAULT),
        payload=NullRoot,
        good=[None, "text"],
        bad=[5, {}, []],
    ),
    "any-root": Case(
        rows=(Row.ROOT, Row.ANYTHING),
        payload=AnyRoot,
        good=[None, {}, "text", [None]],
        open=frozenset({""}),
        draws=False,
    ),
    "none-by-default": Case(
        rows=(Row.DEFAULT, Row.NULLABLE_WITH_DEFAULT),
        payload=NoneByDefault,
        good=[{"number": 1, "items": [2], "when": "2020-01-01T00:00:00Z", "named": 3, "kind": "a"}],
        bad=[{"number": None}, {"items": None}, {"inner": None}],
        values=[NoneByDefault(), NoneByDefault(number=1)],
        echo=False,
    ),
    "checked-default": Case(
        rows=(Row.DEFAULT,),
        payload=CheckedDefault,
        good=[{"number": 1, "price": "2", "share": 0.5, "items": [1]}, {}],
        bad=[{"number": None}],
    ),
    "presence": Case(
        rows=(
            Row.REQUIRED,
            Row.NULLABLE_WITHOUT_DEFAULT,
            Row.DEFAULT,
            Row.NULLABLE_WITH_DEFAULT,
            Row.DEFAULT_FACTORY,
        ),
        payload=Presence,
        good=[{"a": 1, "b": 2, "c": 3, "d": 4, "e": [5], "f": []}, {"a": 1, "b": None, "d": None}],
        bad=[{"a": None, "b": None}, {"a": 1, "b": 2, "c": None}, {"b": 1}, {"a": 1}],
    ),
    "camel": Case(
        rows=(Row.ALIAS,),
        payload=Camel,
        good=[{"userName": "a", "isAdmin": True}],
        bad=[{"user_name": "a"}],
        unlike=[{"userName": "a", "is_admin": True}],
    ),
    "by-name": Case(
        rows=(Row.POPULATE_BY_NAME, Row.ALIAS),
        payload=ByName,
        good=[{"userId": 1, "type": "t"}],
        bad=[{"user_id": 1, "type": 5}],
        unlike=[{"user_id": 1}, {"userId": 1, "type_": "t"}],
    ),
    "split": Case(
        rows=(Row.SPLIT_ALIAS,),
        payload=Split,
        good=[{"inName": 1, "kept": "k"}],
        bad=[{"outName": 1}, {"split": 1}],
        echo=False,
    ),
    "choices": Case(
        rows=(Row.ALIAS_CHOICES, Row.ALIAS_PATH),
        payload=Choices,
        good=[{"value": 1}],
        unlike=[{"other": 1}, {"a": [1]}],
        bad=[{"nothing": 1}],
    ),
    "computed": Case(
        rows=(Row.COMPUTED, Row.EXCLUDED),
        payload=Area,
        good=[{"side": 2, "secret": 3}],
        unlike=[{"side": 2, "area": 4}],
        echo=False,
    ),
    "hidden": Case(
        rows=(Row.SKIP_SCHEMA,),
        payload=Hidden,
        good=[{"a": 1}],
        unlike=[{"a": None}, {"b": 2}],
        echo=False,
    ),
}

if "validate_by_alias" in ConfigDict.__annotations__:  # from Pydantic 2.11 on
    by_name: Any = {"validate_by_alias": False, "validate_by_name": True}

    class Account(BaseModel):
        model_config = by_name

        account_id: int = Field(alias="accountId")
        is_open: bool = Field(True, alias="isOpen")

    class Inside(BaseModel):
        account: Account
        other_id: int = Field(alias="otherId")

    CASES["by-name-only"] = Case(
        rows=(Row.ALIAS, Row.SPLIT_ALIAS),
        payload=Account,
        good=[{"account_id": 1, "is_open": False}, {"account_id": 1}],
        bad=[{"accountId": 1}, {"account_id": None}],
        echo=False,
        draws=False,
    )
    CASES["by-name-only-inside"] = Case(
        rows=(Row.ALIAS, Row.SPLIT_ALIAS),
        payload=Inside,
        good=[{"account": {"account_id": 1, "is_open": False}, "otherId": 2}],
        bad=[{"account": {"accountId": 1}, "otherId": 2}, {"account": {"account_id": 1}}],
        echo=False,
        draws=False,
    )

if (missing := getattr(pydantic, "MISSING", None)) is not None:  # from Pydantic 2.14 on
    fields: dict[str, Any] = {
        "x": (int | missing, missing),
        "y": (int | None | missing, missing),
        "z": (int, 1),
    }
    rare = frozenset({"Sparse.x", "Sparse.y"})
    CASES["missing"] = Case(
        rows=(Row.MISSING,),
        payload=create_model("Sparse", **fields),
        good=[{"x": 1, "y": None, "z": 2}, {}],
        bad=[{"x": None}, {"z": None}],
        rare=rare,
    )
if "exclude_if" in (Field.__kwdefaults__ or {}):  # from Pydantic 2.12 on
    unless: Any = {"exclude_if": (0).__eq__}
    CASES["exclude-if"] = Case(
        rows=(Row.EXCLUDE_IF,),
        payload=create_model("Terse", a=(int, Field(0, **unless)), b=(int, 1)),
        good=[{"a": 1, "b": 2}, {"a": 0}],
        bad=[{"a": None}],
        rare=frozenset({"Terse.a"}),
    )
