// bytesocket Auction 0.1.0 - contract 3ddcf5f8d554e205 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

/** An offer; the highest wins. */
export interface Bid {
  amount: number;
}

/** Nothing is said of how often it may come. */
export type Look = Record<string, never>;

/** A cursor. */
export interface Move {
  x: number;
}

/** A word to everybody in the room. */
export interface Say {
  text: string;
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  /** An offer; the highest wins. */
  bid: Bid;
  /** Nothing is said of how often it may come. */
  look: Record<string, never>;
  /**
   * A cursor.
   *
   * Volatile: dropped instead of queued.
   */
  move: Move;
  /** A word to everybody in the room. */
  say: Say;
}

/** What arrives, by event. */
export interface ServerEvents {
  /**
   * A cursor.
   *
   * Volatile: dropped instead of queued.
   */
  move: Move;
  /** A word to everybody in the room. */
  say: Say;
}

/** What a request outside of a room resolves to. */
export interface Replies {
  bid: number;
  look: number;
}

/** The declared rooms. */
export interface Rooms {
  "lot:{number}": {
    params: { number: string };
    join: "client";
    sends: "move" | "say";
    receives: "move" | "say";
    replies: {
      move: void;
      say: void;
    };
  };
}

/** The declared refusals' data, by code. */
export interface Refusals {}

// ...
export type GlobalEvent = "bid" | "look";
export type JoinableRoom = "lot:{number}";

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/ws",
  fingerprint: "3ddcf5f8d554e2056ea025bbfd5c8d099a2db2be2095159f306d51d693a0614e",
  codec: "json",
  volatile: ["move"],
  empty: ["look"],
  pacing: createPacing([
    ["", "bid", 5.0, 10, "socket"],
    ["lot:{number}", "move", 20.0, 40, "address"],
    ["lot:{number}", "say", 0.5, 1, "user"],
  ]),
});
