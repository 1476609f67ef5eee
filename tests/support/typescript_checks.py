"""Programs for the TypeScript compiler: what must fit a generated type, and what must not."""

import json
import math
from collections import Counter
from typing import Any

from tests.nasty.case import Cases
from tests.nasty.probing import Prober, is_list, is_object, unique

Counts = Counter[str]


def expression(value: Any) -> str:
    """Write a payload as a TypeScript expression, in one line of ASCII."""
    if isinstance(value, bytes):
        return f"new Uint8Array([{', '.join(map(str, value))}])"
    if is_object(value):
        entries = (f"{_key(key)}: {expression(item)}" for key, item in value.items())
        return f"{{ {', '.join(entries)} }}"
    if is_list(value):
        return f"[{', '.join(map(expression, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return json.dumps(value)


def text(value: str) -> str:
    return json.dumps(value)


def _key(name: str) -> str:
    return f"[{text(name)}]" if name == "__proto__" else text(name)


class CheckFile:
    """One program that imports a generated client and tries its types.

    Args:
        module: The client's file.

    Attributes:
        counts: How many checks there are of each kind.
    """

    def __init__(self, module: str) -> None:
        self._lines = [f'import type {{ ClientEvents, ServerEvents }} from "./{module}";']
        self.counts: Counts = Counter()

    def add(self, cases: Cases) -> None:
        """Write the checks of all cases."""
        for name, case in cases.items():
            prober = Prober(case)
            if case.direction != "server":
                self._input(f"ClientEvents[{text(name)}]", prober, case)
            if case.direction != "client":
                self._output(f"ServerEvents[{text(name)}]", prober)

    def source(self) -> str:
        return "\n".join(self._lines) + "\n"

    def _input(self, kind: str, prober: Prober, case: Any) -> None:
        for good in case.good:
            self._fits("valid", kind, good)
        for bad in [*case.bad, *case.unlike, *unique(v for _, v in prober.altered())]:
            self._misfits("reject", kind, bad)
        for typo in unique(prober.misspelt()):
            self._misfits("typo", kind, typo)
        for lacking, is_good in prober.shortened():
            if is_good:
                self._fits("omit", kind, lacking)
            else:
                self._misfits("need", kind, lacking)

    def _output(self, kind: str, prober: Prober) -> None:
        sent = prober.sent()
        for shown in unique(shown for _, shown in sent):
            self._fits("out", kind, shown)
        for value, shown in sent[:4]:
            for lacking in unique(prober.always(value, shown)):
                self._misfits("present", kind, lacking)

    def _fits(self, what: str, kind: str, value: Any) -> None:
        self.counts[what] += 1
        self._lines.append(f"export const {what}{self.counts[what]}: {kind} = {expression(value)};")

    def _misfits(self, what: str, kind: str, value: Any) -> None:
        self._lines.append("// @ts-expect-error")
        self._fits(what, kind, value)
