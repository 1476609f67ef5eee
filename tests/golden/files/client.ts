// bytesocket Files 0.1.0 - contract 7bbb797789295174 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

export interface Stored {
  digest: Uint8Array;
  thumbnail: Uint8Array | null;
}

export interface Upload {
  name: string;
  content: Uint8Array;
  parts?: { [key: string]: Uint8Array };
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  "file:put": Upload;
}

/** What arrives, by event. */
export interface ServerEvents {}

/** What a request outside of a room resolves to. */
export interface Replies {
  "file:put": Stored;
}

/** The declared rooms. */
export interface Rooms {}

/** The declared refusals' data, by code. */
export interface Refusals {}

// ...
export type GlobalEvent = "file:put";
export type JoinableRoom = never;

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/ws",
  fingerprint: "7bbb7977892951744ae3c891ac11b3a83c63c6c44e672523358badb6e797d827",
  codec: "binary",
  volatile: [],
  empty: [],
  ...createBytes({
    shapes: {
      Stored: { fields: { __proto__: null, digest: "base64", thumbnail: "base64" } },
      Upload: { fields: { __proto__: null, content: "base64", parts: { rest: "base64" } } },
    },
    sent: [["file:put", "#Upload"]],
    arriving: [["file:put", "#Stored", ""]],
  }),
});
