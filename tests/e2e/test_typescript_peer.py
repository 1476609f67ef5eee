"""Clients generated for `@bytesocket/node`: what its servers write, and the servers themselves.

The vectors were made with the packages themselves. These cannot be installed from every registry;
the servers here are `tests/node/peers.mjs`, which speaks as they do.
"""

import json
import math
import random
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import BaseModel

from bytesocket_app import AuthError, ByteSocket, ClientEvent, Event, ServerEvent
from bytesocket_app.errors import DecodeError
from bytesocket_app.wire import decode
from bytesocket_cli.codegen.typescript import OURS, javascript, typescript
from bytesocket_cli.project import Peer
from tests.support import contracts, fuzzing
from tests.support.node import HERE, TSC, Script, run_node, type_check
from tests.support.wire_vectors import frames, vectors

ORIGIN: Peer = "bytesocket-node"
DECODED = ("messages", "values", "bundles", "more_types")

READER = """\
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { unpack } from "./client.js";

const moment = (parts) =>
  parts && new Date(parts.s * 1000 + Math.floor(parts.ns / 1e6)).toISOString();
const tags = {
  $float: (text) => Number(text.replace("inf", "Infinity")) || (text === "nan" ? NaN : 0),
  $bigint: Number,
  $undefined: () => undefined,
  $bytes: (hex) => Uint8Array.from(Buffer.from(hex, "hex")),
  $date: moment,
  $map: (pairs) => Object.fromEntries(pairs.map(([key, one]) => [key, expected(one)])),
};
const expected = (value) => {
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value === "number") return value + 0;
  if (value === null || typeof value !== "object") return value;
  for (const [tag, make] of Object.entries(tags)) if (tag in value) return make(value[tag]);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, expected(one)]));
};
const unsigned = (value) => {
  if (Array.isArray(value)) return value.map(unsigned);
  if (typeof value === "number") return value + 0;
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unsigned(one)]));
};
const read = (hex) => {
  try {
    return { value: unsigned(unpack(Uint8Array.from(Buffer.from(hex, "hex")))) };
  } catch (error) {
    return { error };
  }
};
"""

COMPARE = """
let count = 0;
for (const vector of JSON.parse(readFileSync("vectors.json", "utf8"))) {
  const { value, error } = read(vector.hex);
  const allowed = [vector.value, ...(vector.value_alt ?? [])].map(expected);
  const isRight = !error && allowed.some((one) => isDeepStrictEqual(value, one));
  if (isRight || vector.wide_date) count++;
  else tell([vector.id, String(error), JSON.stringify(value)?.slice(0, 200)]);
}
tell(count);
"""

REFUSE = """
const took = [];
let count = 0;
for (const [id, hex] of JSON.parse(readFileSync("vectors.json", "utf8"))) {
  const { value, error } = read(hex);
  if (error instanceof RangeError || error instanceof TypeError) count++;
  else if (error) tell([id, String(error)]);
  else took.push([id, JSON.stringify(value)?.slice(0, 80)]);
}
tell([count, took]);
"""


def told_by_reader(folder: Path, program: str, wanted: list[Any]) -> list[Any]:
    """Run a program that has the reader of a generated client."""
    module, _ = javascript(contracts.minimal(), peer=ORIGIN)
    (folder / "client.js").write_text(f"{module}export {{ unpack }};\n", encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "vectors.json").write_text(json.dumps(wanted))
    with Script(folder, READER + program) as script:
        return script.result()


def test_the_client_reads_every_frame_of_a_real_peer(tmp_path: Path) -> None:
    wanted = vectors(*DECODED)
    assert told_by_reader(tmp_path, COMPARE, wanted) == [len(wanted)]


def test_the_client_refuses_what_is_broken_and_nothing_else_happens(tmp_path: Path) -> None:
    wanted = [[one["id"], frame.hex()] for one in vectors("refuse") for frame in frames(one)]
    assert told_by_reader(tmp_path, REFUSE, wanted) == [[len(wanted), []]]


def test_unusual_frames_are_read_or_refused(tmp_path: Path) -> None:
    wanted = [[one["id"], frame.hex()] for one in vectors("survive") for frame in frames(one)]
    ((refused, took),) = told_by_reader(tmp_path, REFUSE, wanted)
    assert refused + len(took) == len(wanted)


SHOW = """
const shown = (value) => {
  if (value === undefined) return null;
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number") return Number.isFinite(value) ? value : { $float: String(value) };
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key.toWellFormed(), shown(one)]),
  );
};
for (const hex of JSON.parse(readFileSync("vectors.json", "utf8"))) {
  const { value, error } = read(hex);
  tell(error ? "refused" : [shown(value)]);
}
"""
FRAMES = 4_000


def as_javascript(value: object) -> object:
    """A value that our own reader gave, as the program shows its own."""
    match value:
        case bytes():
            return {"$bytes": value.hex()}
        case list():
            return [as_javascript(item) for item in cast("list[object]", value)]
        case dict():
            members = cast("dict[str, object]", value)
            return {name: as_javascript(item) for name, item in members.items()}
        case datetime():
            return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case bool() | str() | None:
            return value
        case int() | float():
            return number(value)
        case _:
            raise AssertionError(value)


def number(value: float) -> object:
    try:
        rounded = float(value)
    except OverflowError:
        rounded = math.inf if value > 0 else -math.inf
    if math.isfinite(rounded):
        return rounded
    return {"$float": "NaN" if math.isnan(rounded) else f"{'-' * (rounded < 0)}Infinity"}


def read_here(frame: bytes) -> object:
    try:
        return [as_javascript(decode(frame, is_binary=True, max_depth=300))]
    except DecodeError as error:
        return "far" if "outside the years" in str(error) else "refused"


def test_both_of_our_readers_make_the_same_of_broken_frames(tmp_path: Path) -> None:
    rng = random.Random(17)
    whole = [frame for frame in fuzzing.frames() if frame[:1] not in b"{["]
    broken = [fuzzing.mutated(rng.choice(whole), rng) for _ in range(FRAMES)]
    told = told_by_reader(tmp_path, SHOW, [frame.hex() for frame in broken])
    expected = [read_here(frame) for frame in broken]
    assert 500 < expected.count("refused") < FRAMES - 500
    differing = [
        (frame.hex(), mine, theirs)
        for frame, mine, theirs in zip(broken, expected, told, strict=True)
        if mine not in ("far", as_javascript(theirs))
    ]
    assert differing == []


class Token(BaseModel):
    token: str


class Echo(ClientEvent, name="echo"):
    value: Any


class Echoed(ServerEvent, name="echoed"):
    value: Any


class Values(ClientEvent, name="values"):
    pass


class Cut(ClientEvent, name="cut"):
    pass


class Reaction(Event, name="reaction"):
    emoji: str


def contract(*, auth: bool = True, serialization: Any = "binary") -> dict[str, Any]:
    """What a server of the origin offers, declared in Python."""
    app = ByteSocket(
        title="Origin",
        events=[Echo, Echoed, Values, Cut, Reaction],
        serialization=serialization,
    )
    for pattern in ("doc:{number}", "locked:{number}"):
        app.room(pattern).relay(Reaction)

    async def authenticate(credentials: Token) -> str:
        if credentials.token != "t":
            raise AuthError("Who are you?")
        return credentials.token

    if auth:
        app.auth(authenticate)
    return dict(app.contract().document)


PRELUDE = """\
import { dial, serve } from "PEERS";
import { connect } from "./client.js";

const opened = Promise.withResolvers();
const heard = [];
const note = (message) => (message.port ? opened.resolve(message.port) : heard.push(message));
const fast = { min: 5, max: 20 };
const next = (target, event) => new Promise((resolve) => target.once(event, resolve));
"""


def talk(folder: Path, program: str, document: dict[str, Any], *, peer: Peer = ORIGIN) -> list[Any]:
    """Run a program that has a generated client and a server of the origin."""
    module, _ = javascript(document, peer=peer)
    (folder / "client.js").write_text(module, encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}')
    prelude = PRELUDE.replace("PEERS", str(HERE / "peers.mjs"))
    with Script(folder, f"{prelude}{program}\nprocess.exit();") as script:
        return script.result()


ROOMS = """
serve("t", note);
const url = `ws://127.0.0.1:${await opened.promise}`;
const client = connect(url, { auth: { token: "t" }, codec: "CODEC", reconnect: fast });
await client.ready;
const bob = await dial(url);
bob.send({ type: 4, data: { token: "t" } });
bob.send({ type: 9, room: "doc:1" });
bob.send({ type: 9, room: "doc:2" });
const rooms = [1, 2].map((number) => client.join("doc:{number}", { number: String(number) }));
for (const room of rooms) await room.ready;
rooms[0].emit("reaction", { emoji: "👍🏽 of some length" });
for (let told; (told = await bob.next()).event === undefined; );
tell("bob's");
const single = next(rooms[1], "reaction");
bob.send({ room: "doc:2", event: "reaction", data: { emoji: "to one room" } });
tell(await single);
const both = Promise.all([...rooms, client].map((one) => next(one, "reaction")));
bob.send({ rooms: ["doc:1", "doc:2"], event: "reaction", data: { emoji: "to both of them" } });
tell(await both);
const locked = client.join("locked:{number}", { number: "7" });
client.onError(({ message, room }) => room && tell([message, room]));
await locked.ready.catch((error) => tell([error.message, error.code]));
locked.leave();
const lost = new Promise((resolve) => client.onState((state) => state === "open" && resolve()));
client.emit("cut");
await lost;
await rooms[0].ready;
const again = next(rooms[0], "reaction");
bob.send({ room: "doc:1", event: "reaction", data: { emoji: "after the loss" } });
tell(await again);
const eve = connect(url, { auth: { token: "x" } });
eve.onError(() => {});
await eve.ready.catch((error) => tell(error.message));
"""


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_the_client_talks_to_a_server_of_the_origin(
    node_packages: Path, tmp_path: Path, codec: str
) -> None:
    told = talk(tmp_path, ROOMS.replace("CODEC", codec), contract())
    assert told == [
        "bob's",
        {"emoji": "to one room"},
        [{"emoji": "to both of them"}] * 3,
        ["Nobody gets in.", "locked:7"],
        ["Nobody gets in.", "refused"],
        {"emoji": "after the loss"},
        "Who are you?",
    ]


VALUES = """
const values = [
  undefined, null, true, 64, 72, -1, 2 ** 32 - 1, 2 ** 32, -(2 ** 40), 0.1, 12345.678, 1e300, NaN,
  5n, 2n ** 53n, 2n ** 64n - 1n, "ab", "a bundled text", "grüße 👍🏽", "x".repeat(5000),
  "\\ud800 half", new Date(1700000000123), new Date(NaN), new Date(-1), new Set(["one", "two two"]),
  new Map([[1, "one one"], ["key", [2.5]]]), /text/gi, new TypeError("of it", { cause: 1 }),
  new Uint8Array([0, 64, 255]), { when: new Date(0), deep: [{ name: "some text", n: 0.25 }] },
  { __proto__: null, ["__proto__"]: "own" }, [], {},
  Array.from({ length: 3000 }, (_, at) => `no ${at}`),
];
serve(undefined, note, { values });
const url = `ws://127.0.0.1:${await opened.promise}`;
const client = connect(url, { reconnect: fast });
const shown = (value) =>
  value === undefined ? "undefined"
  : value instanceof Uint8Array ? ["bytes", ...value]
  : typeof value === "number" && !Number.isSafeInteger(value) ? [typeof value, String(value)]
  : value;
client.onError((problem) => tell(problem.message));
client.emit("values");
const arrived = [];
for await (const { value } of client.events("echoed")) {
  if (arrived.push(shown(value)) === values.length) break;
}
tell(arrived.slice(0, -1));
tell(arrived.at(-1).length);
for (const value of [64, 0.1, "grüße 👍🏽", ["text"], { deep: { "__proto__x": 1 } }]) {
  const echo = next(client, "echoed");
  client.emit("echo", { value });
  tell((await echo).value);
}
"""


@pytest.mark.parametrize("serialization", ["json", "binary"])
def test_every_kind_of_value_arrives_as_the_contract_s_types_say(
    node_packages: Path, tmp_path: Path, serialization: str
) -> None:
    told = talk(tmp_path, VALUES, contract(auth=False, serialization=serialization))
    assert told[0] == [
        *("undefined", None, True, 64, 72, -1, 2**32 - 1, 2**32, -(2**40)),
        *(["number", "0.1"], ["number", "12345.678"], ["number", "1e+300"], ["number", "NaN"]),
        *(5, ["number", "9007199254740992"], ["number", "18446744073709552000"]),
        *("ab", "a bundled text", "grüße 👍🏽", "x" * 5000, "\ufffd half"),
        *("2023-11-14T22:13:20.123Z", None, "1969-12-31T23:59:59.999Z", ["one", "two two"]),
        *({"1": "one one", "key": [2.5]}, ["text", "gi"], ["TypeError", "of it", 1]),
        ["bytes", 0, 64, 255],
        {"when": "1970-01-01T00:00:00.000Z", "deep": [{"name": "some text", "n": 0.25}]},
        *({"__proto__": "own"}, [], {}),
    ]
    assert told[1:] == [3000, 64, 0.1, "grüße 👍🏽", ["text"], {"deep": {"__proto__x": 1}}]


def test_a_server_of_the_origin_that_writes_json_is_read_too(
    node_packages: Path, tmp_path: Path
) -> None:
    program = """
    serve("t", note, { json: true });
    const url = `ws://127.0.0.1:${await opened.promise}`;
    const client = connect(url, { auth: { token: "t" }, codec: "binary", reconnect: fast });
    const room = client.join("doc:{number}", { number: "1" });
    await room.ready;
    const echo = next(client, "echoed");
    client.emit("echo", { value: ["text", 0.1] });
    tell((await echo).value);
    """
    assert talk(tmp_path, program, contract()) == [["text", 0.1]]


def test_a_client_without_the_flag_names_it(node_packages: Path, tmp_path: Path) -> None:
    program = """
    serve(undefined, note, { values: ["a bundled text"] });
    const url = `ws://127.0.0.1:${await opened.promise}`;
    const client = connect(url, { codec: "binary", reconnect: fast });
    const problem = new Promise((resolve) => client.onError(resolve));
    client.emit("values");
    tell((await problem).message);
    """
    (told,) = talk(tmp_path, program, contract(auth=False), peer=OURS)
    assert told.endswith("see generate --peer")


@pytest.mark.parametrize("version", list(TSC))
def test_the_client_compiles_and_the_javascript_is_the_same_program(
    node_packages: Path, tmp_path: Path, version: str
) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    rated = contracts.with_rates(contracts.files(), {"file:put": contracts.rate(5, 10)})
    documents = {"chat": contracts.chat(), "files": rated, "minimal": contracts.minimal()}
    for name, document in documents.items():
        (tmp_path / f"{name}.ts").write_text(typescript(document, peer=ORIGIN), encoding="utf-8")
        module, types = javascript(document, peer=ORIGIN)
        (tmp_path / f"js_{name}.js").write_text(module, encoding="utf-8")
        (tmp_path / f"js_{name}.d.ts").write_text(types, encoding="utf-8")
    assert type_check(tmp_path, version) == ""
    old = {"module": "esnext", "moduleResolution": "bundler", "target": "es2015"}
    assert type_check(tmp_path, version, **old, lib=["es2015", "dom"]) == ""
    imports = "".join(f'await import("./js_{name}.js");\n' for name in documents)
    (tmp_path / "load.mjs").write_text(imports)
    loaded = run_node("load.mjs", cwd=tmp_path)
    assert (loaded.returncode, loaded.stderr) == (0, "")
