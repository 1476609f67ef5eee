"""The event map for `@bytesocket/client`, under the compilers, with the generics as documented.

The package's own declarations are not here: it cannot be installed from every registry. What its
README says of them is in `tests/node/bytesocket-client/package.d.ts`.
"""

from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.bytesocket_client import bytesocket_client
from tests.support import contracts, nasty
from tests.support.contracts import ref, room, room_event, sealed
from tests.support.node import HERE, TSC, type_check

USE = HERE / "bytesocket-client"


def talkative() -> dict[str, Any]:
    """The chat, with an event that two rooms take."""
    document = contracts.chat()
    for place in document["rooms"]:
        if place["client_events"]:
            place["client_events"].append(room_event("shout"))
    return sealed(document)


def overlapping() -> dict[str, Any]:
    """A room that has a name of its own and also fits a pattern."""
    document = contracts.chat()
    document["rooms"].append(room("doc:new", client_events=[room_event("chat:reaction")]))
    return sealed(document)


DOCUMENTS = {
    "chat": talkative(),
    "files": contracts.files(),
    "minimal": contracts.minimal(),
    "names": contracts.nasty(),
    "models": nasty.document(),
    "overlapping": overlapping(),
    "shadows": contracts.shadows(),
}


@pytest.mark.parametrize("version", list(TSC))
def test_the_map_fits_the_generics_and_misuse_does_not_compile(
    node_packages: Path, tmp_path: Path, version: str
) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for name, document in DOCUMENTS.items():
        text = bytesocket_client(document)
        used = f"export const {name} = (url: string) => new ByteSocket<SocketEvents>(url);\n"
        (tmp_path / f"{name}.ts").write_text(text, encoding="utf-8")
        (tmp_path / f"{name}_use.ts").write_text(
            'import { ByteSocket } from "@bytesocket/client";\n'
            f'import type {{ SocketEvents }} from "./{name}.ts";\n'
            # An inferred return type is not isolated: this file is no library.
            + used.replace("(url: string)", "(url: string): ByteSocket<SocketEvents>")
        )
    for path in USE.glob("*.ts"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert type_check(tmp_path, version) == ""


def test_a_pattern_is_a_key_for_all_names_that_it_fits() -> None:
    text = bytesocket_client(contracts.chat())
    assert "[room: `doc:${string}`]: {" in text
    numbered = sealed(
        {
            **contracts.chat(),
            "rooms": [room("a`$:{n}", params={"n": ref("N")}, client_events=[room_event("shout")])],
            "types": {**contracts.chat()["types"], "N": {"type": "integer"}},
        }
    )
    assert "[room: `a\\`$:${number}`]: {" in bytesocket_client(numbered)


def test_a_contract_without_rooms_has_no_rooms() -> None:
    text = bytesocket_client(contracts.minimal())
    assert "emitRoom: {};" in text
    assert "listenRoom: {};" in text
    assert "emitRooms: { rooms: never[]; event: {} };" in text
