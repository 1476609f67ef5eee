"""Random types as plain data, random edits of them, and values that fit: for the oracle of `diff`.

A shape is data, so that it can be edited. It knows the type that it stands for, a default for a
field of that type, what a client of it sends as plain JSON values, and what it may become.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Flag, IntFlag, StrEnum
from ipaddress import IPv4Address
from random import Random
from types import GenericAlias
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, Union
from uuid import UUID

from hypothesis import strategies as st
from pydantic import AnyUrl, AwareDatetime, BaseModel, ConfigDict, Field, create_model
from typing_extensions import override

Extra: TypeAlias = Literal["ignore", "allow", "forbid"]
EXTRAS: st.SearchStrategy[Extra] = st.sampled_from(("ignore", "allow", "forbid"))

NOON = datetime(2000, 1, 1, 12, tzinfo=UTC)


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class MoreRights(IntFlag):
    READ = 1
    WRITE = 2
    ADMIN = 4


class Kinds(Flag):
    SMALL = 1
    LARGE = 2


class Shape(ABC):
    """A type as data."""

    @abstractmethod
    def annotation(self, name: str = "Root") -> Any:
        """The type; models are named by where they stand."""

    @abstractmethod
    def default(self) -> Any:
        """A value for a field's default, as Python has it."""

    @abstractmethod
    def sample(self, rng: Random) -> Any:
        """Something that a client sends."""

    def near(self) -> Sequence["Shape"]:
        """What it may become that is like it."""
        return ()

    def inside(self) -> Sequence[st.SearchStrategy["Shape"]]:
        """Itself with one part edited, for each of its parts."""
        return ()

    def here(self) -> st.SearchStrategy["Shape"]:
        """Something else in its place: like it, around it, or anything."""
        around = [OneOf((self, Plain("none"))), Many(self, "list"), Plain("any")]
        return st.one_of(st.sampled_from([*self.near(), *around]), SMALL)

    def edits(self) -> st.SearchStrategy["Shape"]:
        """Itself with something changed, somewhere."""
        parts = self.inside()
        return st.one_of(*parts, *parts, self.here())


@dataclass(frozen=True)
class Plain(Shape):
    """A type without parts."""

    name: str

    KINDS: ClassVar[Mapping[str, tuple[Any, Any, Callable[[Random], Any]]]] = {
        "int": (int, 0, lambda rng: rng.randint(-1000, 1000)),
        "float": (float, 0.5, lambda rng: rng.randint(-999, 999) / 4),
        "bool": (bool, False, lambda rng: rng.random() < 0.5),
        "str": (str, "", lambda rng: _text(rng, 0, 6)),
        "none": (type(None), None, lambda _: None),
        "uuid": (UUID, UUID(int=0), lambda rng: str(UUID(int=rng.getrandbits(128)))),
        "date": (date, NOON.date(), lambda rng: str(_moment(rng).date())),
        "datetime": (
            datetime,
            NOON,
            lambda rng: _moment(rng).replace(tzinfo=rng.choice([None, UTC])).isoformat(),
        ),
        "aware": (AwareDatetime, NOON, lambda rng: _moment(rng).isoformat()),
        "decimal": (Decimal, Decimal("0.5"), lambda rng: f"{rng.randint(0, 99)}.5"),
        "url": (AnyUrl, "http://a/", lambda rng: f"http://a/{rng.randint(0, 9)}"),
        "ip": (IPv4Address, IPv4Address(0), lambda rng: f"10.0.0.{rng.randint(0, 255)}"),
        "time": (time, NOON.time(), lambda rng: str(_moment(rng).time())),
        "flags": (Rights, Rights(0), lambda rng: rng.randint(0, 3)),
        "more flags": (MoreRights, MoreRights(0), lambda rng: rng.randint(0, 7)),
        "closed flags": (Kinds, Kinds(0), lambda rng: rng.randint(0, 3)),
        "any": (Any, None, lambda rng: rng.choice([1, "x", None, [1], {"a": 1}])),
    }
    """Annotation, default and samples of each."""
    NEAR: ClassVar[Mapping[str, Sequence[str]]] = {
        "int": ("float", "str", "flags", "closed flags"),
        "float": ("int", "decimal"),
        "str": ("uuid", "date", "url", "ip"),
        "url": ("str", "ip", "uuid"),
        "ip": ("str", "url"),
        "time": ("str",),
        "date": ("datetime", "aware", "str"),
        "decimal": ("str", "float"),
        "flags": ("more flags", "closed flags", "int"),
        "more flags": ("flags", "closed flags", "int"),
        "closed flags": ("flags", "int"),
        "uuid": ("str",),
        "datetime": ("aware", "str", "date"),
        "aware": ("datetime",),
    }

    @override
    def annotation(self, name: str = "Root") -> Any:
        return self.KINDS[self.name][0]

    @override
    def default(self) -> Any:
        return self.KINDS[self.name][1]

    @override
    def sample(self, rng: Random) -> Any:
        return self.KINDS[self.name][2](rng)

    @override
    def near(self) -> Sequence[Shape]:
        limited: dict[str, Sequence[Shape]] = {
            "int": (Limited(0, 5), Steps()),
            "str": (Text(0, 5), Form()),
        }
        return [*map(Plain, self.NEAR.get(self.name, ())), *limited.get(self.name, ())]


@dataclass(frozen=True)
class Limited(Shape):
    """A whole number between two others."""

    least: int
    most: int

    @override
    def annotation(self, name: str = "Root") -> Any:
        return Annotated[int, Field(ge=self.least, le=self.most)]

    @override
    def default(self) -> Any:
        return self.least

    @override
    def sample(self, rng: Random) -> Any:
        return rng.randint(self.least, self.most)

    @override
    def near(self) -> Sequence[Shape]:
        wider, moved = replace(self, most=self.most + 1), Limited(self.least + 1, self.most + 1)
        return wider, moved, Plain("int")


@dataclass(frozen=True)
class Text(Shape):
    """A text of a length between two numbers."""

    least: int
    most: int

    @override
    def annotation(self, name: str = "Root") -> Any:
        return Annotated[str, Field(min_length=self.least, max_length=self.most)]

    @override
    def default(self) -> Any:
        return "a" * self.least

    @override
    def sample(self, rng: Random) -> Any:
        return _text(rng, self.least, self.most)

    @override
    def near(self) -> Sequence[Shape]:
        wider, moved = replace(self, most=self.most + 1), Text(self.least + 1, self.most + 1)
        return wider, moved, Plain("str")


@dataclass(frozen=True)
class Steps(Shape):
    """A whole number that is a multiple of another."""

    step: int = 1

    @override
    def annotation(self, name: str = "Root") -> Any:
        return Annotated[int, Field(multiple_of=self.step)]

    @override
    def default(self) -> Any:
        return 0

    @override
    def sample(self, rng: Random) -> Any:
        return self.step * rng.randint(-9, 9)

    @override
    def near(self) -> Sequence[Shape]:
        return Plain("int"), Steps(self.step * 2), Steps(3), Limited(0, 5)


@dataclass(frozen=True)
class Form(Shape):
    """A text with a pattern."""

    pattern: str = ".*"

    SAMPLES: ClassVar[Mapping[str, Sequence[str]]] = {
        "": ("", "b", "a\n", "a" * 12),
        ".*": ("", "b", "a\n", "a" * 12),
        "^.*$": ("", "b", "aa", "a" * 12),
        "a*$": ("", "b", "a\n", "a" * 12),
        "^a*$": ("", "a", "aa", "a" * 12),
        "^[ab]+$": ("a", "b", "ab", "a" * 12),
    }

    @override
    def annotation(self, name: str = "Root") -> Any:
        return Annotated[str, Field(pattern=self.pattern)]

    @override
    def default(self) -> Any:
        return self.SAMPLES[self.pattern][1] if self.pattern.startswith("^[") else ""

    @override
    def sample(self, rng: Random) -> Any:
        return rng.choice(self.SAMPLES[self.pattern])

    @override
    def near(self) -> Sequence[Shape]:
        others = [Form(one) for one in self.SAMPLES if one != "^.*$"]  # few texts have two lines
        return Plain("str"), Text(0, 9), *others


@dataclass(frozen=True)
class Choice(Shape):
    """A literal, or an enum of the same texts."""

    words: tuple[str, ...]
    is_enum: bool = False

    @override
    def annotation(self, name: str = "Root") -> Any:
        if self.is_enum:
            return StrEnum(f"{name}Enum", {word.upper(): word for word in self.words})
        return Literal[self.words]

    @override
    def default(self) -> Any:
        return self.words[0]

    @override
    def sample(self, rng: Random) -> Any:
        return rng.choice(self.words)

    @override
    def near(self) -> Sequence[Shape]:
        fewer = [replace(self, words=self.words[1:])] if len(self.words) > 1 else []
        other = replace(self, is_enum=not self.is_enum)
        more = replace(self, words=(*self.words, "new"))
        return [more, other, Plain("str"), Form("^[ab]+$"), *fewer]


ManyKind: TypeAlias = Literal["list", "mapping", "numbered", "formed", "long", "few"]
KEYS: Mapping[ManyKind, tuple[Any, Callable[[Random], str]]] = {
    "mapping": (str, lambda rng: _text(rng, 0, 3)),
    "numbered": (int, lambda rng: str(rng.randint(0, 9))),
    "formed": (Annotated[str, Field(pattern="^a")], lambda rng: "a" + _text(rng, 0, 3)),
    "long": (Annotated[str, Field(min_length=2)], lambda rng: _text(rng, 2, 4)),
    "few": (Literal["red", "aa"], lambda rng: rng.choice(("red", "aa"))),
}
"""Types of keys, and samples of them."""


@dataclass(frozen=True)
class Many(Shape):
    """A list, or a mapping with keys of some kind."""

    item: Shape
    kind: ManyKind

    @override
    def annotation(self, name: str = "Root") -> Any:
        item = self.item.annotation(name)
        if self.kind == "list":
            return GenericAlias(list, (item,))
        return GenericAlias(dict, (KEYS[self.kind][0], item))

    @override
    def default(self) -> Any:
        return [] if self.kind == "list" else {}

    @override
    def sample(self, rng: Random) -> Any:
        items = [self.item.sample(rng) for _ in range(rng.randint(0, 3))]
        if self.kind == "list":
            return items
        return {KEYS[self.kind][1](rng): one for one in items}

    @override
    def near(self) -> Sequence[Shape]:
        kinds: list[ManyKind] = ["list", *KEYS]
        return *(replace(self, kind=kind) for kind in kinds), Pair((self.item, self.item))

    @override
    def inside(self) -> Sequence[st.SearchStrategy[Shape]]:
        return [self.item.edits().map(lambda item: replace(self, item=item))]


@dataclass(frozen=True)
class Pair(Shape):
    """A tuple."""

    items: tuple[Shape, ...]

    @override
    def annotation(self, name: str = "Root") -> Any:
        parts = tuple(item.annotation(f"{name}{at}") for at, item in enumerate(self.items))
        return GenericAlias(tuple, parts)

    @override
    def default(self) -> Any:
        return tuple(item.default() for item in self.items)

    @override
    def sample(self, rng: Random) -> Any:
        return [item.sample(rng) for item in self.items]

    @override
    def near(self) -> Sequence[Shape]:
        longer, shorter = Pair((*self.items, Plain("int"))), Pair(self.items[:1])
        return longer, shorter, Many(self.items[0], "list")

    @override
    def inside(self) -> Sequence[st.SearchStrategy[Shape]]:
        return [one.map(Pair) for one in _one_edited(self.items)]


@dataclass(frozen=True)
class OneOf(Shape):
    """A union."""

    members: tuple[Shape, ...]

    @override
    def annotation(self, name: str = "Root") -> Any:
        made = tuple(one.annotation(f"{name}{at}") for at, one in enumerate(self.members))
        return Union[made]  # noqa: UP007 - None and None have no `|`

    @override
    def default(self) -> Any:
        return self.members[-1].default()

    @override
    def sample(self, rng: Random) -> Any:
        return rng.choice(self.members).sample(rng)

    @override
    def near(self) -> Sequence[Shape]:
        more, turned = OneOf((*self.members, Plain("bool"))), OneOf(self.members[::-1])
        return more, turned, self.members[0]

    @override
    def inside(self) -> Sequence[st.SearchStrategy[Shape]]:
        return [one.map(OneOf) for one in _one_edited(self.members)]


@dataclass(frozen=True)
class Property:
    """A field, with a default or without."""

    shape: Shape
    is_required: bool


@dataclass(frozen=True)
class Model(Shape):
    """A model, by field name."""

    fields: Mapping[str, Property]
    extra: Extra = "ignore"

    @override
    def annotation(self, name: str = "Root") -> type[BaseModel]:
        made: dict[str, Any] = {}
        for key, one in self.fields.items():
            default = ... if one.is_required else Field(default=one.shape.default())
            made[key] = one.shape.annotation(name + key.upper()), default
        config = ConfigDict(extra=self.extra, validate_default=True)
        return create_model(name, __config__=config, **made)

    @override
    def default(self) -> Any:
        return {key: one.shape.default() for key, one in self.fields.items()}

    @override
    def sample(self, rng: Random) -> Any:
        sent = {
            key: one.shape.sample(rng)
            for key, one in self.fields.items()
            if one.is_required or rng.random() < 0.7
        }
        if self.extra != "forbid" and rng.random() < 0.5:
            sent["zz"] = rng.randint(0, 9)  # a field of a version before, or somebody's own
        return sent

    @override
    def here(self) -> st.SearchStrategy[Shape]:
        """Add, remove, rename, demand or excuse a field, or treat unknown keys otherwise."""
        changed: list[Mapping[str, Property]] = []
        for key, one in self.fields.items():
            others = {name: other for name, other in self.fields.items() if name != key}
            changed.append({**self.fields, key: replace(one, is_required=not one.is_required)})
            changed.append({**others, "other": one})
            changed.append(others)
        added = PROPERTIES.map(lambda one: {**self.fields, "new": one})
        fields = st.one_of(added, st.sampled_from(changed)) if changed else added
        return st.one_of(
            fields.map(lambda fresh: replace(self, fields=fresh)),
            EXTRAS.map(lambda extra: replace(self, extra=extra)),
        )

    @override
    def inside(self) -> Sequence[st.SearchStrategy[Shape]]:
        return [self._edited(key, one) for key, one in self.fields.items()]

    def _edited(self, key: str, one: Property) -> st.SearchStrategy[Shape]:
        return one.shape.edits().map(
            lambda shape: replace(self, fields={**self.fields, key: replace(one, shape=shape)})
        )


def _text(rng: Random, least: int, most: int) -> str:
    return "".join(rng.choices("ab01-", k=rng.randint(least, most)))


def _moment(rng: Random) -> datetime:
    return NOON + timedelta(seconds=rng.randrange(10**9), microseconds=rng.choice([0, 1500]))


def _one_edited(items: tuple[Shape, ...]) -> list[st.SearchStrategy[tuple[Shape, ...]]]:
    def put(at: int) -> st.SearchStrategy[tuple[Shape, ...]]:
        return items[at].edits().map(lambda one: (*items[:at], one, *items[at + 1 :]))

    return [put(at) for at in range(len(items))]


def _groups(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    several = st.lists(inner, min_size=2, max_size=3, unique=True).map(tuple)
    kinds: st.SearchStrategy[Any] = st.sampled_from(("list", *KEYS))
    return st.one_of(
        st.builds(Many, inner, kinds),
        st.builds(Pair, several),
        st.builds(OneOf, several),
        inner.map(lambda shape: OneOf((shape, Plain("none")))),
    )


def _models(properties: st.SearchStrategy[Property]) -> st.SearchStrategy[Shape]:
    names = st.sampled_from(("a", "b", "c", "d"))
    return st.builds(Model, st.dictionaries(names, properties, min_size=1, max_size=3), EXTRAS)


_SPANS = st.tuples(st.integers(0, 3), st.integers(3, 7))
_WORDS = st.lists(st.sampled_from(("red", "green", "blue")), min_size=1, max_size=3, unique=True)
_LEAF: st.SearchStrategy[Shape] = st.one_of(
    st.sampled_from(sorted(Plain.KINDS)).map(Plain),
    _SPANS.map(lambda span: Limited(*span)),
    _SPANS.map(lambda span: Text(*span)),
    st.builds(Choice, _WORDS.map(tuple), st.booleans()),
    st.sampled_from(sorted(Form.SAMPLES)).map(Form),
    st.sampled_from((1, 2, 3)).map(Steps),
)
SMALL: st.SearchStrategy[Shape] = st.one_of(_LEAF, _groups(_LEAF))
"""Scalars, and groups of them."""
PROPERTIES = st.builds(Property, SMALL, st.booleans())

SHAPES: st.SearchStrategy[Shape] = _models(
    st.builds(Property, st.one_of(SMALL, _models(PROPERTIES)), st.booleans())
)
"""Models of scalars, groups, and models of those."""
