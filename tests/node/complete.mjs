// What an editor offers: `node complete.mjs FILE.ts` prints the names that complete each string
// literal holding `|`, one JSON list a line.
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
    const found = service.getCompletionsAtPosition(path, at, {})?.entries ?? [];
    console.log(JSON.stringify(found.map(({ name }) => name).sort()));
  }
  return at;
}, 0);
