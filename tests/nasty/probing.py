"""Good payloads made bad in one place each, with the server as the judge of what is bad.

Nothing here reads the contract. What a static type cannot tell (a length, a pattern, the text of a
date) is left out by trying many values of one kind: only where the server refuses a whole kind,
such as every text, is a type expected to refuse it too.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias, TypeGuard

from hypothesis import HealthCheck, Phase, given, settings
from pydantic import BaseModel, RootModel, ValidationError
from typing_extensions import is_typeddict

from bytesocket_app.events import PayloadType
from bytesocket_app.wire import decode
from tests.nasty.case import Case
from tests.support.sampling import samples

Path: TypeAlias = tuple[str | int, ...]

PROBES: Mapping[str, Sequence[Any]] = {
    "null": [None],
    "boolean": [True, False],
    "number": [0.5, -7, 0, 1, 2, 3, 10**9],
    "text": [
        *("~", "", "1", "true", "a", "b", "AB", "cat", "red", "file", "[1]", "YWJj", "^a", "/a"),
        *("2020-01-01", "2999-01-01", "2020-01-01T00:00:00", "2020-01-01T00:00:00Z", "01:02:03"),
        *("PT1S", "12345678-1234-5678-1234-567812345678", "127.0.0.1", "::1", "http://a.b/", "UTC"),
    ],
    "bytes": [b"\xff", b"1", b"true", b"a"],
    "list": [[], [0], ["a"], [[]], [0, "a"], [[0, "a"]], [None]],
    "object": [{}, {"~": 0}, {"a": "a"}],
}
MISSPELT = "misspelt"
DRAWN = 12


def kind_of(value: Any) -> str:
    """Say which of the wire's kinds a value is."""
    if value is None:
        return "null"
    kinds: dict[Any, str] = {
        bool: "boolean",
        int: "number",
        float: "number",
        str: "text",
        bytes: "bytes",
    }
    return kinds.get(type(value)) or ("object" if is_object(value) else "list")


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list | tuple)


def each(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value inside a value, itself first, with the way to it."""
    yield path, value
    items = value.items() if is_object(value) else enumerate(value) if is_list(value) else ()
    for key, item in items:
        yield from each(item, (*path, key))


def changed(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return a copy in which one place is changed."""
    if not path:
        return change(value)
    key, *rest = path
    inner = changed(value[key], tuple(rest), change)
    if is_object(value):
        return {**value, key: inner}
    return [inner if index == key else item for index, item in enumerate(value)]


def without(key: str | int) -> Callable[[Any], Any]:
    """Make the change that drops a key."""
    return lambda node: {name: item for name, item in node.items() if name != key}


def _put(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


class Prober:
    """One case and its server.

    Args:
        case: Its good payloads are what is changed.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._server = PayloadType(case.payload)

    def accepts(self, value: Any) -> bool:
        """Say whether the server takes a payload."""
        try:
            self._server.validate(value, "binary")
        except ValidationError:
            return False
        return True

    def misspelt(self) -> Iterator[Any]:
        """Yield good payloads with one key too many."""
        for good in self._case.good:
            for path, node in each(good):
                if is_object(node) and not self._is_open(path):
                    yield changed(good, path, lambda node: {**node, MISSPELT: 1})

    def shortened(self) -> Iterator[tuple[Any, bool]]:
        """Yield good payloads that lack one key, and whether they are still good."""
        for good in self._case.good:
            for path, node in each(good):
                for key in node if is_object(node) and not self._is_open(path) else ():
                    lacking = changed(good, path, without(key))
                    yield lacking, self.accepts(lacking)

    def altered(self) -> Iterator[tuple[Path, Any]]:
        """Yield good payloads with a value of a kind that the server refuses at that place."""
        kinds = self._kinds()
        for good in self._case.good:
            for path, _ in each(good):
                for kind in PROBES.keys() - kinds[_shape(path)]:
                    tried = [changed(good, path, _put(p)) for p in PROBES[kind]]
                    if not any(map(self.accepts, tried)):
                        yield path, tried[0]

    def sent(self) -> list[tuple[Any, Any]]:
        """List what the server sends: its own value, and what a client has of it."""
        values = [self._server.validate(good, "binary") for good in self._case.good]
        values += self._case.values
        values += drawn(self._case)
        sent = [(v, decode(self._server.dump(v, "binary"), is_binary=True)) for v in values]
        if not self._server.has_bytes:
            sent += [(v, decode(self._server.dump(v, "json"), is_binary=False)) for v in values]
        return sent

    def always(self, value: Any, shown: Any) -> Iterator[Any]:
        """Yield what a client has of a value, without one property that is always sent."""
        for path, key in _properties(self._case, value, shown, ()):
            yield changed(shown, path, without(key))

    def _kinds(self) -> dict[Path, set[str]]:
        found: dict[Path, set[str]] = {}
        for good in self._case.good:
            for path, node in each(good):
                found.setdefault(_shape(path), set()).add(kind_of(node))
        return found

    def _is_open(self, path: Path) -> bool:
        return (path[-1] if path else "") in self._case.open


def _shape(path: Path) -> Path:
    return tuple("*" if isinstance(step, int) else step for step in path)


def _properties(case: Case, value: Any, shown: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the properties that models always send, as the path of their object and their key."""
    if isinstance(value, RootModel):
        root: Any = value.__dict__["root"]
        yield from _properties(case, root, shown, path)
    elif is_list(shown) and is_list(value):
        for index, (item, inner) in enumerate(zip(value, shown, strict=True)):
            yield from _properties(case, item, inner, (*path, index))
    elif is_object(shown):
        if is_typeddict(case.payload) and not path:
            yield from ((path, key) for key in case.payload.__required_keys__)
        members = _members(value)
        for key, member in members.items():
            if key in shown:
                if f"{type(value).__name__}.{key}" not in case.rare:
                    yield path, key
                yield from _properties(case, member, shown[key], (*path, key))


def _members(value: Any) -> dict[str, Any]:
    if isinstance(value, BaseModel):
        model = type(value)
        fields = model.model_fields.items()
        named = {field.serialization_alias or name: value.__dict__[name] for name, field in fields}
        return named | dict.fromkeys(model.model_computed_fields)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {}


@cache
def drawn(case: Case) -> Sequence[Any]:
    """Draw values of a case, the same at every call."""
    found: list[Any] = []
    if not case.draws:
        return found

    @settings(
        max_examples=DRAWN,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(samples(case.payload))
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return found


def unique(values: Iterator[Any]) -> list[Any]:
    """Drop what was there already."""
    return list({json.dumps(value, default=repr): value for value in values}.values())
