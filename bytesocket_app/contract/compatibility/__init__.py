"""Compatibility of a new contract with the clients of an old one.

`compare` takes two documents and returns findings. `application`, `events` and `rooms` compare
their parts of the documents. `schemas` walks over two types side by side, with `objects`, `arrays`,
`unions` and `scalars` for their kinds. `rules` is the table of the meaning of each code and of its
levels for what clients send (c2s) and for what the server sends (s2c).
"""

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.findings import Finding, Place
from bytesocket_app.contract.compatibility.levels import Level, Way
from bytesocket_app.contract.compatibility.rules import RULES, Rule
from bytesocket_app.contract.compatibility.verdict import compare

__all__ = [
    "RULES",
    "Code",
    "Finding",
    "Level",
    "Place",
    "Rule",
    "Way",
    "compare",
]
