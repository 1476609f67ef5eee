// What an editor shows: `node hover.mjs FILE.ts` prints the documentation and the tags of each word
// before a `|`, as one JSON list `[text, {tag: text}]` a line.
import ts from "typescript-5";
import { eachMark } from "./editor.mjs";

eachMark(process.argv[2], (service, path, at) => {
  const found = service.getQuickInfoAtPosition(path, at - 1);
  const tags = (found?.tags ?? []).map((tag) => [tag.name, ts.displayPartsToString(tag.text)]);
  const said = ts.displayPartsToString(found?.documentation);
  console.log(JSON.stringify([said, Object.fromEntries(tags)]));
});
