// bytesocket Hostile */   0.1.0 - contract abd888d6da4cce9b - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

/**
 * *\/ }
 * \@ ts-expect-error
 *  `${x}` """ \ // @ ts-ignore
 */
export interface Evil {
  /**
   * *\/ }
   * \@ ts-expect-error
   *  `${x}` """ \ // @ ts-ignore
   */
  plain: string;
  ["__proto__"]: number;
  "quo\"te\n": number;
}

/**
 * *\/ }
 * \@ ts-expect-error
 *  `${x}` """ \ // @ ts-ignore
 */
export interface EvilInput {
  /**
   * *\/ }
   * \@ ts-expect-error
   *  `${x}` """ \ // @ ts-ignore
   */
  plain?: string;
  ["__proto__"]?: number;
  "quo\"te\n"?: number;
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  /**
   * *\/ }
   * \@ ts-expect-error
   *  `${x}` """ \ // @ ts-ignore
   *
   * May be refused with `*\/ no`.
   */
  "__proto__ */ \"quoted\" \n": EvilInput;
}

/** What arrives, by event. */
export interface ServerEvents {
  /**
   * *\/ }
   * \@ ts-expect-error
   *  `${x}` """ \ // @ ts-ignore
   */
  "__proto__ */ \"quoted\" \n": Evil;
}

/** What a request outside of a room resolves to. */
export interface Replies {
  /** May be refused with `*\/ no`. */
  "__proto__ */ \"quoted\" \n": string;
}

/** The declared rooms. */
export interface Rooms {}

/** The declared refusals' data, by code. */
export interface Refusals {
  /**
   * *\/ }
   * \@ ts-expect-error
   *  `${x}` """ \ // @ ts-ignore
   */
  "*/ no": unknown;
}

// ...
export type GlobalEvent = "__proto__ */ \"quoted\" \n";
export type JoinableRoom = never;

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/ws",
  fingerprint: "abd888d6da4cce9b4a92b6e45a1f81b417c2bc1ba0bac9e1a927c830a607dfff",
  codec: "json",
  volatile: [],
  empty: [],
});
