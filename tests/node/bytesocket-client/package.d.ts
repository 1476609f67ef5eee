// What the README of @bytesocket/client says of its types ("Type-Safe Events", "Rooms"), in our own
// words: the package itself cannot be installed everywhere these tests run.
declare module "@bytesocket/client" {
  type Names<T> = Extract<keyof T, string | number>;
  type RoomNames<T> = Extract<keyof T, string>;

  export interface SocketEvents<T = any> {
    emit: T;
    listen: T;
    emitRoom: { [room: string]: T };
    listenRoom: { [room: string]: T };
  }

  interface Rooms<E extends SocketEvents> {
    join(room: string): void;
    leave(room: string): void;
    emit<R extends RoomNames<E["emitRoom"]>, N extends Names<E["emitRoom"][R]>>(
      room: R,
      event: N,
      data: E["emitRoom"][R][N],
    ): void;
    on<R extends RoomNames<E["listenRoom"]>, N extends Names<E["listenRoom"][R]>>(
      room: R,
      event: N,
      callback: (data: E["listenRoom"][R][N]) => void,
    ): void;
    readonly bulk: { emit(rooms: string[], event: string | number, data: unknown): void };
  }

  export class ByteSocket<E extends SocketEvents = SocketEvents> {
    constructor(url: string, options?: { auth?: { data: unknown } });
    readonly rooms: Rooms<E>;
    emit<N extends Names<E["emit"]>>(event: N, data: E["emit"][N]): void;
    on<N extends Names<E["listen"]>>(event: N, callback: (data: E["listen"][N]) => void): void;
  }
}
