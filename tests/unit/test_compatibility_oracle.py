"""The oracle of `diff`: what is said to be no break is tried on models of both versions.

For random types and random edits of them: without a wire break, whatever an old client can send
validates on the new server, and whatever the new server sends validates in the old generated
Python client. And of the breaks that are found, nearly all have a witness.
"""

import json
import types
from collections import Counter
from enum import StrEnum
from random import Random
from typing import Annotated, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from bytesocket_app.contract.compatibility import Level, compare
from bytesocket_cli.codegen.python import python
from tests.support.compatibility import Side, contract
from tests.support.schema_edits import SHAPES

SAMPLES = 20
STEADY = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=80,
    phases=[Phase.generate],
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)
"""The same examples in every run, however slow the machine; a failure is not made smaller."""


class Trial:
    """One edit in one direction, and the payloads to try it with."""

    def __init__(self, data: st.DataObject, side: Side) -> None:
        old = data.draw(SHAPES)
        new = data.draw(old.edits())
        self.old, self.new = old.annotation(), new.annotation()
        self.document = contract(self.old, side)
        self.findings = compare(self.document, contract(self.new, side))
        sent, rng = (old if side == "c2s" else new), Random(data.draw(st.integers(0, 10**9)))
        self.samples = [sent.sample(rng) for _ in range(SAMPLES)]

    @property
    def breaks(self) -> bool:
        return any(one.level is Level.WIRE for one in self.findings)

    def explain(self, payload: Any) -> str:
        found = [f"{one.code} {one.path} {one.level}" for one in self.findings]
        return f"{json.dumps(payload)}\n{found}\n{self.document['types']}"


def accepts(reader: TypeAdapter[Any], payload: str | bytes) -> bool:
    try:
        reader.validate_json(payload)
    except ValidationError:
        return False
    return True


def client_of(document: dict[str, Any]) -> TypeAdapter[Any]:
    """How the generated Python client reads the one event of a contract."""
    module = types.ModuleType("generated_client")
    exec(compile(python(document), "generated_client.py", "exec"), vars(module))
    (event,) = [one for one in vars(module).values() if getattr(one, "__event_name__", None) == "e"]
    return TypeAdapter(event)


def outputs(trial: Trial) -> list[bytes]:
    """What the new server sends when it has been given the samples."""
    server: TypeAdapter[Any] = TypeAdapter(trial.new)
    made = [server.validate_json(json.dumps(sample)) for sample in trial.samples]
    return [server.dump_json(value, by_alias=True) for value in made]


def test_what_old_clients_send_without_a_break_validates_on_the_new_server() -> None:
    broken: Counter[bool] = Counter()

    @STEADY
    @given(st.data())
    def run(data: st.DataObject) -> None:
        trial = Trial(data, "c2s")
        server: TypeAdapter[Any] = TypeAdapter(trial.new)
        refused = [one for one in trial.samples if not accepts(server, json.dumps(one))]
        if trial.breaks:
            broken[bool(refused)] += 1
        else:
            assert not refused, trial.explain(refused[0])

    run()
    assert broken[True] >= 0.95 * broken.total() > 20, broken


def test_what_the_new_server_sends_without_a_break_validates_in_the_old_client() -> None:
    broken: Counter[bool] = Counter()

    @STEADY
    @given(st.data())
    def run(data: st.DataObject) -> None:
        trial = Trial(data, "s2c")
        client = client_of(trial.document)
        refused = [one for one in outputs(trial) if not accepts(client, one)]
        if trial.breaks:
            broken[bool(refused)] += 1
        else:
            assert not refused, trial.explain(json.loads(refused[0]))

    run()
    assert broken[True] >= 0.95 * broken.total() > 20, broken


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Car(BaseModel):
    color: Annotated[Color, Field(json_schema_extra={"x-open": True})]


def test_an_old_client_reads_what_was_added_to_an_open_enum() -> None:
    client = client_of(contract(Car, "s2c"))
    known, added = (client.validate_python({"color": color}) for color in ("red", "green"))
    assert (known.color.name, known.color) == ("RED", "red")
    assert added.color == "green"
