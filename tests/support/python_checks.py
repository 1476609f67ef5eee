"""Programs for Python's type checkers: calls of generated classes that fit, and that do not."""

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from types import ModuleType
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel

from bytesocket_app.events import EventModel, PayloadType
from tests.nasty.case import Case, Cases
from tests.nasty.probing import MISSPELT, Path, Prober, is_list, is_object, kind_of
from tests.support.generated import PythonClient
from tests.support.typescript_checks import Counts

KINDS = 2
"""How many wrong kinds each parameter is tried with; TypeScript is tried with all."""

HEAD = "import datetime\nimport decimal\nimport uuid\n\n"


def expression(value: Any) -> str:
    """Write a value of a generated client, in one line; `m` is the client's module."""
    if isinstance(value, BaseModel):
        return call(type(value), arguments(value))
    if isinstance(value, Enum):
        return f"m.{type(value).__name__}.{value.name}"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return f"datetime.{type(value).__name__}.fromisoformat({value.isoformat()!r})"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    prefixes: dict[Any, str] = {dt.timedelta: "", Decimal: "decimal.", UUID: "uuid."}
    if type(value) in prefixes:
        return f"{prefixes[type(value)]}{value!r}"
    return _collection(value)


def _collection(value: Any) -> str:
    if is_object(value):
        items = [f"{expression(key)}: {expression(item)}" for key, item in value.items()]
        return f"{{{', '.join(items)}}}"
    kind = cast("type[object]", type(value))
    if kind is not set and not is_list(value):
        return repr(value)
    members: list[str] = [*map(expression, value)]
    inner = ", ".join(members)
    if kind is set:
        return f"{{{inner}}}" if members else "set()"
    if kind is list:
        return f"[{inner}]"
    return f"({inner}{',' if len(members) == 1 else ''})"


def arguments(model: BaseModel) -> dict[str, str]:
    """Write what a model was made of, by parameter; the root of a root model is called ""."""
    if type(model).__pydantic_root_model__:
        return {"": expression(model.__dict__["root"])}
    fields = [name for name in type(model).model_fields if name in model.model_fields_set]
    return {name: expression(model.__dict__[name]) for name in fields}


def call(model: type[BaseModel], given: Mapping[str, str]) -> str:
    """Write the call of a class."""
    shown = [f"{name}={value}" if name else value for name, value in given.items()]
    return f"m.{model.__name__}({', '.join(shown)})"


class CheckFile:
    """One program that calls the classes of a generated client.

    Args:
        module: The client.

    Attributes:
        counts: How many checks there are of each kind.
        wrong: The lines that a checker has to refuse, the first being 1.
    """

    def __init__(self, module: ModuleType) -> None:
        self._client = PythonClient(module)
        self._lines = [*HEAD.splitlines(), f"import {module.__name__} as m", ""]
        self.counts: Counts = Counter()
        self.wrong: set[int] = set()

    def add(self, cases: Cases) -> None:
        """Write the checks of all cases."""
        for name, case in cases.items():
            if case.direction != "server" and case.shown:
                self._input(self._client.sent[name], case)

    def source(self) -> str:
        return "\n".join(self._lines) + "\n"

    def _input(self, model: type[EventModel], case: Case) -> None:
        server = Prober(case)
        for good in case.good:
            made = PayloadType(model).validate(good, "binary")
            given = arguments(made)
            self._fits("valid", call(model, given))
            if "" in given:
                continue
            self._misfits("typo", call(model, {**given, MISSPELT: "1"}))
            for name, key in _keys(model).items():
                if key in good:
                    rest = {other: value for other, value in given.items() if other != name}
                    is_good = server.accepts({k: v for k, v in good.items() if k != key})
                    (self._fits if is_good else self._misfits)(
                        "omit" if is_good else "need", call(model, rest)
                    )
        self._altered(model, server, case)

    def _altered(self, model: type[EventModel], server: Prober, case: Case) -> None:
        names = {key: name for name, key in _keys(model).items()}
        best = case.good[0]
        tried: Counter[Path] = Counter()
        for path, bad in server.altered() if is_object(best) else ():
            if len(path) != 1 or path[0] not in names or not _is_told_apart(bad, path):
                continue
            tried[path] += 1
            if tried[path] > KINDS:
                continue
            given = arguments(PayloadType(model).validate(best, "binary"))
            altered = {**given, names[str(path[0])]: repr(bad[path[0]])}
            self._misfits("reject", call(model, altered))

    def _fits(self, what: str, text: str) -> None:
        self.counts[what] += 1
        self._lines.append(text)

    def _misfits(self, what: str, text: str) -> None:
        self._fits(what, text)
        self.wrong.add(len(self._lines))


def _is_told_apart(bad: Any, path: Path) -> bool:
    """Say whether Python's types tell a kind from others: a bool is an int to them."""
    return kind_of(bad[path[0]]) != "boolean"


def _keys(model: type[BaseModel]) -> dict[str, str]:
    """Return the names on the wire by parameter."""
    fields = model.model_fields.items()
    return {name: str(field.validation_alias or name) for name, field in fields}
