"""A telemetry listener that notes what it is told."""

from collections.abc import Mapping
from typing import Any

from bytesocket_app.telemetry import Count, Operation, Value


class Noted:
    """Notes operations with their values and outcomes, and counts.

    Attributes:
        operations: Each as [operation, values, outcome]; the outcome is None while it runs.
        counts: Each as (count, amount, values).
    """

    def __init__(self) -> None:
        self.operations: list[list[Any]] = []
        self.counts: list[tuple[Count, int, Mapping[str, Value]]] = []

    def began(self, operation: Operation, values: Mapping[str, Value], /) -> list[Any]:
        self.operations.append([operation, dict(values), None])
        return self.operations[-1]

    def ended(self, token: Any, outcome: str, /) -> None:
        assert token[2] is None, "an operation ends once"
        token[2] = outcome

    def counted(self, count: Count, amount: int, values: Mapping[str, Value], /) -> None:
        self.counts.append((count, amount, values))

    def amounts(self, count: Count) -> list[int]:
        return [amount for what, amount, _ in self.counts if what is count]

    def of(self, operation: Operation) -> list[tuple[dict[str, Value], str | None]]:
        return [(values, outcome) for what, values, outcome in self.operations if what is operation]
