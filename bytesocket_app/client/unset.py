"""UNSET, the value of an absent field: neither null nor a default."""

from enum import Enum
from typing import Any, Final, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override


class Unset(Enum):
    """Type of `UNSET`: an enum of one member, so that type checkers narrow `is UNSET`."""

    UNSET = "UNSET"

    @override
    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Accept only the object itself, which no decoded value is."""
        return core_schema.is_instance_schema(cls)


UNSET: Final = Unset.UNSET
"""Stands for an absent field in generated models; never sent."""
