// bytesocket Profiles 0.1.0 - contract ecfb2c5417526280 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

/** Who somebody is. */
export interface Profile {
  userName: string;
  nickName: string | null;
  tags: string[];
  /**
   * May do anything.
   * @deprecated Ask.
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
   * @deprecated Ask.
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
  fingerprint: "ecfb2c54175262800914451c6646134e7a2908e899f66eae0734c0f0d3fa16b3",
  codec: "json",
  volatile: [],
  empty: [],
});
