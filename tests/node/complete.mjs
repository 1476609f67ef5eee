// What an editor offers: `node complete.mjs FILE.ts` prints the names that complete each string
// literal holding `|`, one JSON list a line.
import { eachMark } from "./editor.mjs";

eachMark(process.argv[2], (service, path, at) => {
  const found = service.getCompletionsAtPosition(path, at, {})?.entries ?? [];
  console.log(JSON.stringify(found.map(({ name }) => name).sort()));
});
