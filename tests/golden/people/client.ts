// bytesocket People 0.1.0 - contract 8d385cf2b5242744 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

/** Somebody at a document. */
export interface Person {
  name: string;
  isTyping: boolean;
  picture: Uint8Array;
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {}

/** What arrives, by event. */
export interface ServerEvents {}

/** What a request outside of a room resolves to. */
export interface Replies {}

/** The declared rooms. */
export interface Rooms {
  cellar: {
    params: Record<string, never>;
    join: "client";
    sends: never;
    receives: never;
    replies: Record<never, never>;
  };
  "doc:{doc_id}": {
    params: { doc_id: number };
    join: "client";
    sends: never;
    receives: never;
    replies: Record<never, never>;
    presence: { entry: Person; changes: { isTyping?: boolean; picture?: Uint8Array } };
  };
  stage: {
    params: Record<string, never>;
    join: "client";
    sends: never;
    receives: never;
    replies: Record<never, never>;
    presence: { entry: never };
  };
}

/** The declared refusals' data, by code. */
export interface Refusals {}

// ...
export type GlobalEvent = never;
export type JoinableRoom = "cellar" | "doc:{doc_id}" | "stage";
  auth: string | (() => string | Promise<string>);

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/ws",
  fingerprint: "8d385cf2b52427448b1bbb1e76957c42f3a8584849737a2fb570736ac4b23c60",
  codec: "binary",
  volatile: [],
  empty: [],
  presence: ["doc:{doc_id}", "stage"],
  ...createBytes({
    shapes: {
      Person: { fields: { __proto__: null, picture: "base64" } },
    },
    sent: [[undefined, "#Person", "doc:{doc_id}"]],
    arriving: [[undefined, "#Person", "doc:{doc_id}"]],
  }),
});
