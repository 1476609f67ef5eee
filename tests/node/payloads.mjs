// Tells which payloads do not fit, or wrongly fit, the schemas of AsyncAPI documents.
//
// node payloads.mjs FOLDER CHECKS: CHECKS is a JSON list of [document, message, payload, fits];
// prints each that is otherwise, as one JSON line.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";

const [folder, checks] = process.argv.slice(2);
const ajv = new Ajv({ strict: false, logger: false, validateSchema: false, ownProperties: true });
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const known = new Map();
const schemaOf = (document, message) => {
  if (!ajv.getSchema(document)) ajv.addSchema({ ...read(join(folder, document)), $id: document });
  const key = `${document}#/components/messages/${message}/payload/properties/data`;
  if (!known.has(key)) known.set(key, ajv.compile({ $ref: key }));
  return known.get(key);
};
for (const [document, message, payload, fits] of read(checks)) {
  const check = schemaOf(document, message);
  if (check(payload) !== fits) {
    console.log(JSON.stringify([document, message, payload, check.errors?.[0] ?? "fits"]));
  }
}
