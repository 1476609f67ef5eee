// Tells what the official parser says of an AsyncAPI document, and what it makes of frames.
//
// node asyncapi.mjs DOCUMENT... prints one JSON line per document: whether it was parsed, and the
// findings. With `--frames FRAMES`, a JSON list of [operation, "sent" | "answered", frame], a line
// follows for each: the names of that operation's messages that the frame fits.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import Ajv from "ajv";

const files = process.argv.slice(2);
const at = files.indexOf("--frames");
const [, frames] = at < 0 ? [] : files.splice(at, 2);
const parser = new Parser();
let last;
for (const file of files) {
  const { document, diagnostics } = await parser.parse(readFileSync(file, "utf8"));
  last = document;
  const findings = diagnostics.map(({ code, severity, message, path }) => {
    return { code, severity, message, path: path.join("/") };
  });
  console.log(JSON.stringify({ parsed: document !== undefined, findings }));
}
const ajv = new Ajv({ strict: false, logger: false });
for (const [name, way, frame] of frames ? JSON.parse(readFileSync(frames, "utf8")) : []) {
  const operation = last.operations().get(name);
  const messages = (way === "sent" ? operation : operation.reply()).messages().all();
  const fitting = messages.filter((one) => ajv.validate(one.payload().json(), frame));
  console.log(JSON.stringify(fitting.map((one) => one.name())));
}
