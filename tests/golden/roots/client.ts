// bytesocket Roots 0.1.0 - contract 212276e17777e04e - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  7: number;
  either: number | string;
  none: null;
  plain: [number, string];
}

/** What arrives, by event. */
export interface ServerEvents {
  7: number;
  "list of all": { [key: string]: number | null }[];
  none: null;
}

/** What a request outside of a room resolves to. */
export interface Replies {
  either: boolean;
  plain: string;
}

/** The declared rooms. */
export interface Rooms {}

/** The declared refusals' data, by code. */
export interface Refusals {}

// ...
export type GlobalEvent = "either" | "plain";
export type JoinableRoom = never;

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/ws",
  fingerprint: "212276e17777e04e861107bcfd79598d7a146cef313c26fdedc11ecd1caf2514",
  codec: "json",
  volatile: [],
  empty: [],
});
