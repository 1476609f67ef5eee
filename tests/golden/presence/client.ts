// bytesocket Profiles 0.1.0 - contract 673762c198f128d3 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

/** Who somebody is. */
export interface Profile {
  userName: string;
  nickName: string | null;
  tags: string[];
  /**
   * May do anything.
   * @deprecated
   */
  isAdmin: boolean;
  /** What others see. */
  shownName: string;
}

/** Who somebody is. */
export interface ProfileInput {
  userName: string;
  nickName?: string | null;
  tags?: string[];
  /**
   * May do anything.
   * @deprecated
   */
  isAdmin?: boolean;
  passWord?: string;
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  /** Who somebody is. */
  profile: ProfileInput;
}

/** What arrives, by event. */
export interface ServerEvents {
  /** Who somebody is. */
  profile: Profile;
}

/** What a request outside of a room resolves to. */
export interface Replies {}

/** The declared rooms. */
export interface Rooms {}

/** The declared refusals' data, by code. */
export interface Refusals {}

// ...
export type GlobalEvent = never;
export type JoinableRoom = never;

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/ws",
  fingerprint: "673762c198f128d3cd0afb4b5d4f10e3a2f77243cf55a2c910a5cda4e61ce093",
  codec: "json",
  volatile: [],
  empty: [],
});
