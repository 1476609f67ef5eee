// ---------------------------------------------------------------- runtime: MessagePack

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Where messages are written before they are copied out; a large one makes its own. */
let scratch = new Uint8Array(1024);

/** Write MessagePack. msgpackr peers misread 64 to 127 in one byte, and integers in eight. */
function pack(message: unknown): Uint8Array {
  let bytes = scratch;
  let view = new DataView(bytes.buffer);
  let end = 0;
  const claim = (size: number): number => {
    if (end + size > bytes.length) {
      const larger = new Uint8Array(Math.max(bytes.length * 2, end + size));
      larger.set(bytes);
      bytes = larger;
      view = new DataView(bytes.buffer);
    }
    end += size;
    return end - size;
  };
  /** A tag and, in the next 0, 1, 2 or 4 bytes, a number. */
  const head = (tag: number, width: number, value: number): void => {
    const at = claim(1 + width);
    view.setUint8(at, tag);
    if (width === 1) view.setUint8(at + 1, value);
    if (width === 2) view.setUint16(at + 1, value);
    if (width === 4) view.setUint32(at + 1, value);
  };
  const sized = (
    length: number,
    fixed: number,
    limit: number,
    tag8: number,
    tag16: number,
  ): void => {
    if (length < limit) head(fixed | length, 0, 0);
    else if (length < 256 && tag8) head(tag8, 1, length);
    else if (length < 65536) head(tag16, 2, length);
    else head(tag16 + 1, 4, length);
  };
  const raw = (part: Uint8Array): void => {
    const at = claim(part.length);
    bytes.set(part, at);
  };
  const number = (value: number): void => {
    if (
      !Number.isInteger(value) ||
      Object.is(value, -0) ||
      value > 0xffffffff ||
      value < -0x80000000
    ) {
      const at = claim(9);
      view.setUint8(at, 0xcb);
      view.setFloat64(at + 1, value);
    } else if (value >= 0) {
      sized(value, 0, 64, 0xcc, 0xcd);
    } else if (value >= -32) head(value & 255, 0, 0);
    else if (value >= -128) head(0xd0, 1, value);
    else if (value >= -32768) head(0xd1, 2, value);
    else head(0xd2, 4, value);
  };
  const bigint = (value: bigint): void => {
    if (Number.isSafeInteger(Number(value))) return number(Number(value));
    const at = claim(9);
    view.setUint8(at, value < 0 ? 0xd3 : 0xcf);
    // What does not fit into 64 bits is cut, and read as another number.
    (view as any).setBigInt64(at + 1, value);
    if ((view as any)[value < 0 ? "getBigInt64" : "getBigUint64"](at + 1) !== value) {
      throw new RangeError("An integer beyond 64 bits cannot be sent");
    }
  };
  const string = (value: string): void => {
    const { length } = value;
    if (length < 32) {
      // Short ASCII, as most keys are, is quicker by hand.
      const at = claim(1 + length);
      let index = 0;
      for (let code; index < length && (code = value.charCodeAt(index)) < 128;) {
        bytes[at + ++index] = code;
      }
      bytes[at] = 0xa0 | length;
      if (index === length) return;
      end = at;
    }
    const text = utf8.encode(value);
    sized(text.length, 0xa0, 32, 0xd9, 0xda);
    raw(text);
  };
  const object = (value: any): void => {
    if (value instanceof Uint8Array) {
      sized(value.length, 0, 0, 0xc4, 0xc5);
      raw(value);
    } else if (Array.isArray(value)) {
      sized(value.length, 0x90, 16, 0, 0xdc);
      value.forEach(write);
    } else if (typeof value.toJSON === "function") {
      write(value.toJSON());
    } else {
      plain(value);
      const keys = Object.keys(value).filter((key) => value[key] !== undefined);
      sized(keys.length, 0x80, 16, 0, 0xde);
      for (const key of keys) {
        write(key);
        write(value[key]);
      }
    }
  };
  const write = (value: unknown): void => {
    if (value === null || value === undefined) head(0xc0, 0, 0);
    else if (typeof value === "boolean") head(value ? 0xc3 : 0xc2, 0, 0);
    else if (typeof value === "number") number(value);
    else if (typeof value === "bigint") bigint(value);
    else if (typeof value === "object") object(value);
    else if (typeof value === "string") string(value);
    else throw new TypeError(`A ${typeof value} cannot be sent`);
  };
  write(message);
  if (bytes.length <= 65536) scratch = bytes;
  return bytes.slice(0, end);
}

/** Read MessagePack; integers beyond 2^53 are rounded to numbers, as JSON.parse does. */
function unpack(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const skip = (size: number): number => {
    at += size;
    if (at > bytes.length) throw new RangeError("The message ends too early");
    return at - size;
  };
  const uint = (width: number): number =>
    width === 1
      ? view.getUint8(skip(1))
      : width === 2
        ? view.getUint16(skip(2))
        : view.getUint32(skip(4));
  const blob = (size: number): Uint8Array => bytes.slice(skip(size), at);
  const text = (size: number): string => fromUtf8.decode(bytes.subarray(skip(size), at));
  const list = (size: number): unknown[] => {
    const items: unknown[] = [];
    while (size-- > 0) items.push(read());
    return items;
  };
  const map = (size: number): object => {
    const result: { [key: string]: unknown } = {};
    while (size-- > 0) {
      const key = String(read());
      const value = read();
      // An assignment to __proto__ would lose the value.
      if (key === "__proto__") Object.defineProperty(result, key, { value, enumerable: true });
      else result[key] = value;
    }
    return result;
  };
  const read = (): unknown => {
    const tag = uint(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return map(tag & 15);
    if (tag < 0xa0) return list(tag & 15);
    if (tag < 0xc0) return text(tag & 31);
    if (tag > 0xdf) return tag - 256;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return tag === 0xc3;
      case 0xca:
        return view.getFloat32(skip(4));
      case 0xcb:
        return view.getFloat64(skip(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return uint(1 << (tag - 0xcc));
      case 0xcf:
        return uint(4) * 2 ** 32 + uint(4);
      case 0xd0:
        return view.getInt8(skip(1));
      case 0xd1:
        return view.getInt16(skip(2));
      case 0xd2:
        return view.getInt32(skip(4));
      case 0xd3:
        return view.getInt32(skip(4)) * 2 ** 32 + uint(4);
      case 0xd4: // undefined, as JavaScript peers write it
        if (uint(2) === 0) return undefined;
        break;
      case 0xdc:
      case 0xdd:
        return list(uint(2 << (tag - 0xdc)));
      case 0xde:
      case 0xdf:
        return map(uint(2 << (tag - 0xde)));
    }
    if (tag >= 0xc4 && tag <= 0xc6) return blob(uint(1 << (tag - 0xc4)));
    if (tag >= 0xd9 && tag <= 0xdb) return text(uint(1 << (tag - 0xd9)));
    throw new RangeError(`Unknown MessagePack tag ${tag}; see generate --peer`);
  };
  const value = read();
  if (at !== bytes.length) throw new RangeError("The message goes on after its end");
  return value;
}
