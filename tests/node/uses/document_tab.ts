// One tab of the document, as a page has it: what it tells is what it saw.
import { connect, RequestError } from "./document.ts";
import type { Edit, Snapshot } from "./document.ts";

const PLAN = "00000000-0000-4000-8000-000000000001";
const DIARY = "00000000-0000-4000-8000-000000000002";
const NONE = "00000000-0000-4000-8000-000000000003";

export async function run(url: string, tell: (value: unknown) => void): Promise<void> {
  const auth = { name: "Bob", secret: "b" };
  const client = connect(url, { auth, reconnect: { min: 5, max: 50 } });
  client.onError(() => {});
  for (const doc_id of [DIARY, NONE]) {
    await client.join("doc:{doc_id}", { doc_id }).ready.catch(({ code }: RequestError) => tell(code));
  }

  const plan = client.join("doc:{doc_id}", { doc_id: PLAN });
  await plan.ready;
  let { version, people }: Snapshot = await plan.request("doc:look");
  tell(people);
  const insert = (): Edit => ({ version, start: 0, end: 0, text: "x" });
  ({ version } = await plan.request("doc:edit", insert()));
  try {
    await plan.request("doc:edit", { ...insert(), version: version - 1 });
  } catch (error) {
    if (error instanceof RequestError && error.code === "out_of_date") tell(error.data.version);
  }

  plan.on("doc:moved", ({ position }) => tell({ position }));
  plan.on("doc:edited", (edited) => tell({ version: (version = edited.version) }));
  let lost = false;
  client.onState((state) => {
    if (state !== "waiting" || lost) return;
    lost = true;
    tell([plan.emit("doc:move", { position: 1 }), plan.emit("doc:edit", insert())]);
    plan.ready.then(() => tell("back"));
  });
  tell("ready");

  // @ts-expect-error a document's id is text
  client.join("doc:{doc_id}", { doc_id: 7 });
  // @ts-expect-error cursors belong into a document
  client.emit("doc:move", { position: 1 });
  // @ts-expect-error nobody answers a cursor with anything
  const wrong = async () => (await plan.request("doc:move", { position: 1 })).position;
  wrong satisfies unknown;
  // @ts-expect-error a position is a number
  plan.emit("doc:move", { position: "1" });
}
