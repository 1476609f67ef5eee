// What an editor shows: `node hover.mjs FILE.ts` prints the documentation and the tags of each word
// before a `|`, as one JSON list `[text, {tag: text}]` a line.
import { readFileSync } from "node:fs";
import ts from "typescript-5";

const path = process.argv[2];
const marked = readFileSync(path, "utf8");
const text = marked.replaceAll("|", "");
const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, strict: true };
const service = ts.createLanguageService({
  getCompilationSettings: () => ({ ...options, allowImportingTsExtensions: true, noEmit: true }),
  getScriptFileNames: () => [path],
  getScriptVersion: () => "1",
  getScriptSnapshot: (name) => {
    const found = name === path ? text : ts.sys.readFile(name);
    return found === undefined ? undefined : ts.ScriptSnapshot.fromString(found);
  },
  getCurrentDirectory: () => process.cwd(),
  getDefaultLibFileName: (chosen) => ts.getDefaultLibFilePath(chosen),
  fileExists: ts.sys.fileExists,
  readFile: ts.sys.readFile,
});
marked.split("|").reduce((before, part, index, parts) => {
  const at = before + part.length;
  if (index < parts.length - 1) {
    const found = service.getQuickInfoAtPosition(path, at - 1);
    const tags = (found?.tags ?? []).map((tag) => [tag.name, ts.displayPartsToString(tag.text)]);
    const said = ts.displayPartsToString(found?.documentation);
    console.log(JSON.stringify([said, Object.fromEntries(tags)]));
  }
  return at;
}, 0);
