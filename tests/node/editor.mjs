// Asks an editor's language service about a file, in which each `|` marks a place.
import { readFileSync } from "node:fs";
import ts from "typescript-5";

/** Call `tell(service, path, at)` for each mark, in order. */
export function eachMark(path, tell) {
  const parts = readFileSync(path, "utf8").split("|");
  const text = parts.join("");
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
  let at = 0;
  for (const part of parts.slice(0, -1)) {
    at += part.length;
    tell(service, path, at);
  }
}
