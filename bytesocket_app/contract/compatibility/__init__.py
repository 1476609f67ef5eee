"""Whether a new contract breaks the clients of an old one.

`compare` takes two documents and returns findings. Below it: `application`, `events` and `rooms`
compare their parts of the documents; `schemas` walks over two types side by side, with `objects`,
`arrays`, `unions` and `scalars` for their kinds; `rules` is the table that says what each code
means and how bad it is for clients that send (c2s) and for clients that receive (s2c).
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
