// bytesocket Notices 0.1.0 - contract 9fb0184fbb9f55fa - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

/** Something happened. */
export interface Notice {
  text: string;
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {}

/** What arrives, by event. */
export interface ServerEvents {
  /** Something happened. */
  notice: Notice;
}

/** What a request outside of a room resolves to. */
export interface Replies {}

/** The declared rooms. */
export interface Rooms {
  "feed:{user}": {
    params: { user: string };
    join: "server";
    sends: never;
    receives: never;
    replies: Record<never, never>;
  };
}

/** The declared refusals' data, by code. */
export interface Refusals {}

// ...
export type GlobalEvent = never;
export type JoinableRoom = never;

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/ws",
  fingerprint: "9fb0184fbb9f55fa2a0e59bd2077dbfba0b827cdd8d6369bd80f27ed6031299a",
  codec: "json",
  volatile: [],
  empty: [],
});
