// Reads TypeScript from stdin, one program a line as a JSON string, and writes its outline: the
// syntax tree in order, as [kind, text], text for names, strings and numbers only.
import { createInterface } from "node:readline";
import ts from "typescript-5";

const named = (node) => ts.isIdentifier(node) || ts.isPrivateIdentifier(node);
const isKey = (node) => node.parent?.name === node && !ts.isDeclarationStatement(node.parent);

function outline(text) {
  const file = ts.createSourceFile("program.ts", text, ts.ScriptTarget.ES2022, true);
  const found = file.parseDiagnostics.map(({ messageText }) => ["error", String(messageText)]);
  const leaf = (node) => {
    if (ts.isComputedPropertyName(node) && ts.isStringLiteral(node.expression))
      return ["string", node.expression.text];
    if (ts.isStringLiteralLike(node) || (named(node) && isKey(node))) return ["string", node.text];
    if (named(node)) return ["name", node.text];
    return ts.isNumericLiteral(node) ? ["number", node.text] : undefined;
  };
  const visit = (node) => {
    found.push(leaf(node) ?? [ts.SyntaxKind[node.kind], ""]);
    if (leaf(node)) return;
    ts.forEachChild(node, visit);
    found.push(["end", ""]);
  };
  visit(file);
  return found;
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(outline(JSON.parse(line)))}\n`);
}
