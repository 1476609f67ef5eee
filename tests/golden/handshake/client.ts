// bytesocket Notices 0.1.0 - contract 1b7f8cb936907e90 - generated, do not edit
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
  fingerprint: "1b7f8cb936907e90424c0d0cb1c885e04e4fc43795294052dcaae8ac82e5cdda",
  codec: "json",
  volatile: [],
  empty: [],
});
