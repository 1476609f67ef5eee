"""Random values, ten thousand each way, between our MessagePack and msgpackr in Node."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from bytesocket_app.wire import BINARY, decode
from tests.support.node import HERE, run_node

pytestmark = pytest.mark.slow

VALUES = 10_000
LENGTHS = (0, 1, 3, 4, 15, 16, 31, 32, 63, 64, 65, 72, 73, 127, 128, 255, 256)
NAMES = ("a", "key", "some longer name ", "grüße", "👍🏽", "x" * 31, "y" * 70)
"""Begins of members' names. Not all sorts: msgpackr's cache of names takes some for others."""
LONG = (65_535, 65_536)
# Without U+FEFF, which msgpackr takes off the beginning of a text: its TextDecoder's default.
LETTERS = 'abc XYZ"\\\n\x00\x7fäß€語👍🏽\u200d\u2028'
EDGES = sorted(
    sign * (2**bits + step)
    for bits in (0, 4, 5, 6, 7, 8, 15, 16, 31, 32, 52)
    for step in (-1, 0, 1)
    for sign in (1, -1)
)

# What JSON has no word for: bytes are {"$": hex}. A map of a message has no such member.
PROGRAM = """
import { readFileSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { FLOAT32_OPTIONS, Packr } from "HERE/node_modules/msgpackr/index.js";

const packr = new Packr({
  useRecords: false,
  structuredClone: false,
  bundleStrings: true,
  useFloat32: FLOAT32_OPTIONS.DECIMAL_FIT,
  copyBuffers: false,
  int64AsType: "bigint",
});
const lines = (name) => readFileSync(name, "utf8").trimEnd().split("\\n");
const bare = (value) => {
  if (Array.isArray(value)) return value.map(bare);
  if (value === null || typeof value !== "object") return value;
  if ("$" in value) return Buffer.from(value.$, "hex");
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, bare(one)]));
};
const plain = (value) => {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
};
const wrong = [];
for (const line of lines("ours.txt")) {
  const [hex, json] = JSON.parse(line);
  const read = plain(packr.unpack(Buffer.from(hex, "hex")));
  if (!isDeepStrictEqual(read, bare(json))) wrong.push(line.slice(0, 300));
}
const values = lines("values.txt").map((line) => bare(JSON.parse(line)));
const packed = values.map((value) => packr.pack(value).toString("hex"));
writeFileSync("theirs.txt", packed.join("\\n"));
console.log(JSON.stringify(wrong.slice(0, 5)));
"""


def value(rng: random.Random, depth: int = 0) -> Any:
    """A random value that both languages have: small mostly, at the edges of the format often."""
    if depth < 4 and rng.random() < 0.25:
        count = rng.choice((0, 1, 2, 3, 15, 16)) if depth < 2 else rng.randrange(4)
        items = [value(rng, depth + 1) for _ in range(count)]
        names = [f"{rng.choice(NAMES)}{number}" for number in range(count)]
        return items if rng.random() < 0.5 else dict(zip(names, items, strict=True))
    makers: list[Callable[[], Any]] = [
        lambda: rng.randrange(-1000, 1000),
        lambda: rng.choice(EDGES),
        lambda: rng.choice((rng.random(), rng.uniform(-1e9, 1e9), rng.randrange(10**6) / 100)),
        lambda: rng.choice((None, True, False, 1e300)),
        lambda: "".join(rng.choices(LETTERS, k=length(rng))),
        lambda: "".join(rng.choices(LETTERS, k=length(rng))),
        lambda: rng.randbytes(length(rng)),
    ]
    return rng.choice(makers)()


def length(rng: random.Random) -> int:
    return rng.choice(LONG) if rng.random() < 0.001 else rng.choice(LENGTHS)


Value: TypeAlias = "bool | int | float | str | bytes | list[Value] | dict[str, Value] | None"


def written(one: Value) -> Any:
    """A value as JSON has it."""
    if isinstance(one, bytes):
        return {"$": one.hex()}
    if isinstance(one, list):
        return [written(item) for item in one]
    if isinstance(one, dict):
        return {key: written(item) for key, item in one.items()}
    return one


@pytest.mark.parametrize("seed", [1])
def test_both_read_what_the_other_writes(node_packages: Path, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    values = [value(rng) for _ in range(VALUES)]
    ours = (json.dumps([BINARY.encode(one).hex(), written(one)]) for one in values)
    (tmp_path / "ours.txt").write_text("\n".join(ours))
    (tmp_path / "values.txt").write_text("\n".join(json.dumps(written(one)) for one in values))
    (tmp_path / "script.mjs").write_text(PROGRAM.replace("HERE", str(HERE)))
    done = run_node("script.mjs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    theirs = (tmp_path / "theirs.txt").read_text().split("\n")
    assert len(theirs) == VALUES
    for expected, packed in zip(values, theirs, strict=True):
        assert decode(bytes.fromhex(packed), True, max_depth=64) == expected, packed[:300]
