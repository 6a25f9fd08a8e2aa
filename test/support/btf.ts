/**
 * Reads the `.BTF` section of a BPF object: structs and enums by name.
 * Source: Documentation/bpf/btf.rst of the kernel; the ELF header as elf(5) has it. Little-endian 64-bit objects only.
 */
export interface BtfMember {
  /** Bytes from the start; members here are never bit-fields. */
  readonly offset: number;
  /** Elements, where the member is an array. */
  readonly count?: number;
}
export interface BtfStruct {
  readonly size: number;
  readonly members: Readonly<Record<string, BtfMember>>;
}
export interface Btf {
  readonly structs: Readonly<Record<string, BtfStruct>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const KIND = {
  int: 1,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  func_proto: 13,
  var: 14,
  datasec: 15,
  decl_tag: 17,
  enum64: 19,
};
/** Bytes that follow the 12 of a type: a fixed part, and so many for each of its `vlen` elements. */
const TAIL: Readonly<Record<number, readonly [fixed: number, each: number]>> = {
  [KIND.int]: [4, 0],
  [KIND.array]: [12, 0],
  [KIND.struct]: [0, 12],
  [KIND.union]: [0, 12],
  [KIND.enum]: [0, 8],
  [KIND.func_proto]: [0, 8],
  [KIND.var]: [4, 0],
  [KIND.datasec]: [0, 12],
  [KIND.decl_tag]: [4, 0],
  [KIND.enum64]: [0, 12],
};

interface Type {
  readonly name: string;
  readonly kind: number;
  readonly vlen: number;
  /** Size or type, by kind. */
  readonly sizeOrType: number;
  /** Where what follows the 12 bytes begins. */
  readonly tail: number;
}

/** Reads the BTF of an object file's bytes. Errors: Error when it has none. */
export function readBtf(object: Uint8Array): Btf {
  const btf = elfSection(object, '.BTF');
  const view = viewOf(btf);
  const header = view.getUint32(4, true);
  const strings = header + view.getUint32(16, true);
  const text = (offset: number) => cString(btf, strings + offset);
  const types = readTypes(view, header + view.getUint32(8, true), view.getUint32(12, true), text);
  const pick = <T>(kind: number, read: (type: Type) => T): Record<string, T> =>
    Object.fromEntries(types.filter((t) => t.kind === kind && t.name !== '').map((t) => [t.name, read(t)]));
  const elements = <T>(type: Type, each: number, read: (at: number) => T): T[] =>
    Array.from({ length: type.vlen }, (_, index) => read(type.tail + index * each));
  return {
    structs: pick(KIND.struct, (type) => ({
      size: type.sizeOrType,
      members: Object.fromEntries(elements(type, 12, (at) => member(view, types, at, text))),
    })),
    enums: pick(KIND.enum, (type) =>
      Object.fromEntries(elements(type, 8, (at) => [text(view.getUint32(at, true)), view.getInt32(at + 4, true)])),
    ),
  };
}

function readTypes(view: DataView, start: number, length: number, text: (offset: number) => string): Type[] {
  const types: Type[] = [{ name: '', kind: 0, vlen: 0, sizeOrType: 0, tail: 0 }];
  for (let at = start; at < start + length; ) {
    const info = view.getUint32(at + 4, true);
    const [kind, vlen] = [(info >> 24) & 0x1f, info & 0xffff];
    types.push({
      name: text(view.getUint32(at, true)),
      kind,
      vlen,
      sizeOrType: view.getUint32(at + 8, true),
      tail: at + 12,
    });
    const [fixed, each] = TAIL[kind] ?? [0, 0];
    at += 12 + fixed + each * vlen;
  }
  return types;
}

function member(
  view: DataView,
  types: readonly Type[],
  at: number,
  text: (offset: number) => string,
): [string, BtfMember] {
  const type = types[view.getUint32(at + 4, true)];
  const offset = (view.getUint32(at + 8, true) & 0xffffff) / 8;
  const name = text(view.getUint32(at, true));
  if (type?.kind !== KIND.array) return [name, { offset }];
  return [name, { offset, count: view.getUint32(type.tail + 8, true) }];
}

/** Finds a section of a little-endian 64-bit ELF file by name. */
export function elfSection(elf: Uint8Array, name: string): Uint8Array {
  const view = viewOf(elf);
  const headers = Number(view.getBigUint64(0x28, true));
  const each = view.getUint16(0x3a, true);
  const body = (index: number) => {
    const at = headers + index * each;
    const offset = Number(view.getBigUint64(at + 0x18, true));
    return elf.subarray(offset, offset + Number(view.getBigUint64(at + 0x20, true)));
  };
  const names = body(view.getUint16(0x3e, true));
  for (let index = 0; index < view.getUint16(0x3c, true); index++) {
    if (cString(names, view.getUint32(headers + index * each, true)) === name) return body(index);
  }
  throw new Error(`the object has no section ${name}`);
}

function cString(bytes: Uint8Array, offset: number): string {
  return new TextDecoder().decode(bytes.subarray(offset, bytes.indexOf(0, offset)));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
