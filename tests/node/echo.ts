// Reads frames from stdin, hands each to a generated client as if it had arrived, lets the client
// emit what it got, and writes the frame that the client made of it. One JSON list a line:
// in [module, codec, "text or base64 frame", event], out the frame, or {error}.
// `node echo.ts FOLDER`: the folder holds the generated modules.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

type Frame = string | Uint8Array;

let sent: Frame[] = [];

class Wire {
  binaryType = "";
  readyState = 1;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: Frame | ArrayBuffer }) => void) | null = null;
  onerror = null;
  onclose = null;
  static last: Wire;
  constructor() {
    Wire.last = this;
    queueMicrotask(() => this.onopen?.());
  }
  send(data: Frame): void {
    sent.push(data);
  }
  close(): void {}
}

const clients = new Map<string, Promise<{ client: any; wire: Wire; errors: unknown[] }>>();

async function opened(module: string, codec: string) {
  const url = pathToFileURL(`${process.argv[2]}/${module}`).href;
  const { connect } = await import(url);
  const client = connect("ws://test/", { codec, WebSocket: Wire });
  const wire = Wire.last;
  const errors: unknown[] = [];
  client.onError((report: { error?: unknown; message: string }) =>
    errors.push(String(report.error ?? report.message)),
  );
  await client.ready;
  return { client, wire, errors };
}

async function echo([module, codec, frame, event]: [string, string, string, string | number]) {
  const key = `${module} ${codec}`;
  if (!clients.has(key)) clients.set(key, opened(module, codec));
  const { client, wire, errors } = await clients.get(key)!;
  sent = [];
  let arrived = false;
  const off = client.on(event, (data: unknown) => {
    arrived = true;
    client.emit(event, data);
  });
  const bytes = Buffer.from(frame, "base64");
  wire.onmessage?.({ data: codec === "json" ? bytes.toString("utf8") : new Uint8Array(bytes).buffer });
  off();
  if (errors.length > 0) return { error: errors.splice(0).join("; ") };
  if (!arrived || sent.length !== 1) return { error: `arrived ${arrived}, sent ${sent.length}` };
  return Buffer.from(sent[0] as Uint8Array).toString("base64");
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await echo(JSON.parse(line)).catch((error) => ({ error: String(error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
