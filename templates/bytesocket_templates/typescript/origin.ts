// ---------------------------------------------------------------- runtime: MessagePack of @bytesocket/node

/** Two texts in a frame, from whose fronts references take their strings. */
interface $Bundle {
  start: number;
  end: number;
  /** What is left, of the text with characters beyond ASCII and of the one without. */
  left: [string, string];
}

/** The arrays of numbers, by their kind in a frame; the empty ones are read as bytes. */
const numberArrays =
  "Int8 . . Int16 Uint16 Int32 Uint32 Float32 Float64 BigInt64 BigUint64".split(" ");
const exactUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Read text. Half of a character of two units may stand alone in it, as three bytes. */
function unitsOf(bytes: Uint8Array): string {
  const text = fromUtf8.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  let units = "";
  let start = 0;
  bytes.forEach((byte, at) => {
    if (byte !== 0xed) return;
    const [next = 0, last = 0] = bytes.subarray(at + 1, at + 3);
    if (next >> 5 !== 5 || last >> 6 !== 2) return;
    units += exactUtf8.decode(bytes.subarray(start, at));
    units += String.fromCharCode(0xd000 | ((next & 63) << 6) | (last & 63));
    start = at + 3;
  });
  return units + exactUtf8.decode(bytes.subarray(start));
}

/**
 * Read MessagePack as @bytesocket/node writes it, with bundled strings or without. Dates are ISO
 * text, as they are in JSON; integers beyond 2^53 are rounded to numbers, as JSON.parse does.
 */
function unpack(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let bundle: $Bundle | undefined;
  const refusal = (what: string): RangeError =>
    new RangeError(`${what} (byte ${at} of ${bytes.length})`);
  const skip = (size: number): number => {
    at += size;
    if (at > bytes.length) throw refusal("The message ends too early");
    return at - size;
  };
  const uint = (width: number): number =>
    width === 1
      ? view.getUint8(skip(1))
      : width === 2
        ? view.getUint16(skip(2))
        : view.getUint32(skip(4));
  const text = (size: number): string => unitsOf(bytes.subarray(skip(size), at));
  const string = (tag: number): string | undefined =>
    tag > 0x9f && tag < 0xc0
      ? text(tag & 31)
      : tag > 0xd8 && tag < 0xdc
        ? text(uint(1 << (tag - 0xd9)))
        : undefined;
  const room = (size: number, width: number): void => {
    if (size * width > bytes.length - at) throw refusal(`${size} items are declared: too many`);
  };
  const list = (size: number): unknown[] => {
    room(size, 1);
    const items: unknown[] = [];
    while (size-- > 0) items.push(read());
    return items;
  };
  const map = (size: number): object => {
    room(size, 2);
    const result: { [key: string]: unknown } = {};
    while (size-- > 0) {
      const key = String(read(true));
      const value = read();
      // An assignment to __proto__ would lose the value.
      if (key === "__proto__") {
        Object.defineProperty(result, key, {
          value,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      } else result[key] = value;
    }
    return result;
  };
  const bundled = (): string => {
    const text = string(uint(1));
    if (text === undefined) throw refusal("A bundle's text is not a string");
    return text;
  };
  /** Read the rest of a bundle's header, up to the value that it stands before. */
  const header = (tag: number, size: number): void => {
    const field = at;
    const start = field + uint(4);
    // The strings so far may be in the header. The packer cuts its size to 16 bits.
    if (tag === 0xc8 && bundle?.start === at) at = bundle.end;
    else if (tag !== 0xd6 || bundle) throw refusal("A bundle's header where none can be");
    const body = at;
    if (bundle && ((body - field) & 0xffff) !== size) throw refusal("A bundle's header lies");
    if (start < body) throw refusal("A bundle's header points backwards");
    at = start;
    bundle = { start, end: 0, left: [bundled(), bundled()] };
    bundle.end = at;
    at = body;
    if (bytes[at] === 0xc8 && bytes[at + 3] === 0x62) throw refusal("A bundle without a string");
  };
  const reference = (): string => {
    const tag = view.getUint8(at);
    const isCount = tag < 0x80 || tag > 0xdf || (tag > 0xcb && tag < 0xd3 && tag !== 0xcf);
    if (!bundle || !isCount) throw refusal("A reference to bundled text is broken");
    const count = read() as number;
    const side = count < 0 ? 0 : 1;
    const size = Math.abs(count);
    const left = bundle.left[side];
    if (size > left.length) throw refusal("A reference is longer than the bundled text");
    bundle.left[side] = left.slice(size);
    return left.slice(0, size);
  };
  /** Read a float32 as the short decimal number that it was made from. */
  const decimal = (): number => {
    const place = skip(4);
    const number = view.getFloat32(place);
    const exponent = (view.getUint16(place) >> 7) & 255;
    if (exponent === 255) return number;
    const scale = Number(`1e${Math.floor(45.15 - 0.30103 * exponent)}`);
    return Math.trunc(scale * number + (number < 0 ? -0.5 : 0.5)) / scale;
  };
  const date = (start: number, size: number): string | null => {
    if (size === 1) return null;
    let seconds = view.getUint32(start + size - 4);
    let nanoseconds = size > 4 ? view.getUint32(start) : 0;
    if (size === 8) {
      seconds += (nanoseconds & 3) * 2 ** 32;
      nanoseconds >>>= 2;
    } else if (size === 12) seconds += view.getInt32(start + 4) * 2 ** 32;
    else if (size !== 4) throw refusal(`A date of ${size} bytes`);
    return new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6)).toISOString();
  };
  const typedArray = (start: number, size: number): unknown => {
    const kind = size > 0 ? view.getUint8(start) : -1;
    const data = bytes.slice(start + 1, at);
    if (kind === 1 || kind === 2 || kind === 16 || kind === 17) return data;
    const Numbers = (globalThis as any)[`${numberArrays[kind]}Array`];
    if (!Numbers) throw refusal(`A typed array of the unknown kind ${kind}`);
    return Array.from(new Numbers(data.buffer), Number);
  };
  const bigInteger = (start: number, size: number): number => {
    if (size < 1 || size > 1024) throw refusal(`An integer of ${size} bytes`);
    const { BigInt } = globalThis as any;
    const digit = (byte: number): string => (byte + 256).toString(16).slice(1);
    const digits = Array.from(bytes.subarray(start, at), digit).join("");
    return Number(BigInt.asIntN(size * 8, BigInt(`0x${digits}`)));
  };
  const extension = (tag: number, size: number, isName: boolean): unknown => {
    const code = uint(1);
    if (code === 0x62) {
      header(tag, size);
      return read(isName);
    }
    const start = skip(size);
    if (code === 0) return undefined;
    if (!isName) {
      if (code === 0xff) return date(start, size);
      if (code === 0x74) return typedArray(start, size);
      if (code === 0x42) return bigInteger(start, size);
      const isMark = code === 0x73 || code === 0x65 || code === 0x78;
      const next = bytes[at] ?? 0;
      // A set, an error or a regular expression is the list behind its mark.
      if (isMark && (next >> 4 === 9 || next >> 1 === 0x6e)) return read();
    }
    throw refusal(`An extension of the type ${code} cannot be read here`);
  };
  const read = (isName = false): unknown => {
    const tag = uint(1);
    if (tag < 0x80) return tag;
    if (tag > 0xdf) return tag - 256;
    const found = string(tag);
    if (found !== undefined) return found;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc1:
        return reference();
      case 0xc2:
      case 0xc3:
        return tag === 0xc3;
      case 0xca:
        return decimal();
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
    }
    if (tag > 0xd3 && tag < 0xd9) return extension(tag, 1 << (tag - 0xd4), isName);
    if (tag > 0xc6 && tag < 0xca) return extension(tag, uint(1 << (tag - 0xc7)), isName);
    if (isName) throw refusal("A member's name is a list, a map or bytes");
    if (tag < 0x90) return map(tag & 15);
    if (tag < 0xa0) return list(tag & 15);
    if (tag < 0xc7) return bytes.slice(skip(uint(1 << (tag - 0xc4))), at);
    return tag < 0xde ? list(uint(2 << (tag - 0xdc))) : map(uint(2 << (tag - 0xde)));
  };
  const value = read();
  if (at !== (bundle?.start ?? at) || (bundle?.end ?? at) !== bytes.length) {
    throw refusal("The message goes on after its end");
  }
  return value;
}
