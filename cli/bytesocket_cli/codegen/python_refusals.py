"""Exception classes of the refusals that a contract declares."""

from collections.abc import Mapping, Sequence
from typing import Any

from bytesocket_cli.codegen.python_classes import ClassNames
from bytesocket_cli.codegen.python_names import docstring, literal, refusal_class_name
from bytesocket_cli.codegen.python_types import AnnotationWriter


class RefusalClasses:
    """The exception classes of one contract: `TooLowError` for the code `too_low`.

    Args:
        refusals: The contract's refusals, by code.
        taken: The class names of the module, to which these are added.

    Raises:
        CliError: Another class has the name of one.
    """

    def __init__(self, refusals: Mapping[str, Mapping[str, Any]], taken: ClassNames) -> None:
        self._refusals = refusals
        self._names = {
            code: taken.claim(refusal_class_name(code), "refusal", code) for code in refusals
        }

    def declarations(self, writer: AnnotationWriter) -> list[list[str]]:
        """Write the classes."""
        return [self._declaration(code, name, writer) for code, name in self._names.items()]

    def _declaration(self, code: str, name: str, writer: AnnotationWriter) -> list[str]:
        refusal = self._refusals[code]
        lines = docstring(str(refusal.get("doc") or ""), "    ")
        if refusal["data"] is not None:
            lines += [*([""] if lines else []), f"    data: {writer.annotation(refusal['data'])}"]
        return [f"class {name}(_bs.RequestError, code={literal(code)}):", *(lines or ["    pass"])]

    def table(self) -> list[str]:
        """Write the table of the client's refusals; nothing if none are declared."""
        if not self._names:
            return []
        entries = [f"        {name}," for name in self._names.values()]
        return ["    _refusals: _t.ClassVar[_bs.Refusals] = (", *entries, "    )"]

    def shown(self, codes: Sequence[str]) -> str:
        """List the classes of codes for documentation."""
        return ", ".join(f"`{self._names.get(code, code)}`" for code in codes)
