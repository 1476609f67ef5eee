// What the README of @bytesocket/client says of its types ("Type-Safe Events", "Rooms"), in our own
// words: the package itself cannot be installed everywhere these tests run.
declare module "@bytesocket/client" {
  type Map = { [event: string | number]: unknown };
  type Given<T> = NonNullable<T>;
  type Names<T> = Extract<keyof Given<T>, string | number>;
  type RoomNames<T> = Extract<keyof Given<T>, string>;

  export type SocketEvents<T extends Map = Map> = {
    emit?: T;
    listen?: T;
    emitRoom?: { [room: string]: T };
    listenRoom?: { [room: string]: T };
    emitRooms?: { rooms: string[]; event: T };
  };

  interface Rooms<E extends SocketEvents> {
    join(room: string): this;
    leave(room: string): this;
    emit<
      R extends RoomNames<E["emitRoom"]>,
      N extends Names<Given<E["emitRoom"]>[R]>,
      D extends Given<E["emitRoom"]>[R][N],
    >(
      room: R,
      event: N,
      data: D,
    ): this;
    on<
      R extends RoomNames<E["listenRoom"]>,
      N extends Names<Given<E["listenRoom"]>[R]>,
      D extends Given<E["listenRoom"]>[R][N],
    >(
      room: R,
      event: N,
      callback: (data: D) => void,
    ): this;
    readonly bulk: {
      emit<
        R extends Given<E["emitRooms"]>["rooms"],
        N extends Names<Extract<Given<E["emitRooms"]>, { rooms: R }>["event"]>,
        D extends Given<Extract<Given<E["emitRooms"]>, { rooms: R }>["event"]>[N],
      >(
        rooms: R,
        event: N,
        data: D,
      ): unknown;
    };
  }

  export class ByteSocket<E extends SocketEvents = SocketEvents> {
    constructor(url: string, options?: { auth?: { data: unknown } });
    readonly rooms: Rooms<E>;
    emit<N extends Names<E["emit"]>, D extends Given<E["emit"]>[N]>(event: N, data: D): this;
    on<N extends Names<E["listen"]>, D extends Given<E["listen"]>[N]>(
      event: N,
      callback: (data: D) => void,
    ): this;
  }
}
