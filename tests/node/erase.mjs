// Erases the types of a runtime source: `node erase.mjs SOURCE.ts` writes the JavaScript to stdout.
//
// Declarations that are types only go with their comments, Node blanks out the rest of the types,
// and prettier closes the gaps.
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { format } from "prettier";

const isTypeOnly = (block) => /^(\/\*\*[\s\S]*?\*\/\n)?(interface|type) /.test(block);

const source = readFileSync(process.argv[2], "utf8");
// Top-level blocks are separated by empty lines; a nested one is indented.
const blocks = source.split(/\n\n(?=\S)/);
const values = blocks.filter((block) => !isTypeOnly(block)).join("\n\n");
const code = stripTypeScriptTypes(values, { mode: "strip" });
process.stdout.write(await format(code, { parser: "babel", printWidth: 100 }));
