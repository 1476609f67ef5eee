"""Clients generated for `@bytesocket/node`: what its servers write, and the servers themselves.

The vectors were made with the packages themselves. These cannot be installed from every registry;
the servers here are `tests/node/peers.mjs`, which speaks as they do.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.typescript import ORIGIN, javascript, typescript
from tests.support import contracts
from tests.support.node import HERE, TSC, Script, run_node, type_check
from tests.support.wire_vectors import frames, vectors

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
