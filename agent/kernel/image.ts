const FIRST_ROWS = 1_024;

/** Contiguous keys and values, `count` of each. */
export interface Packed {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly count: number;
}

/**
 * What a redirect map was last seen to say, without an object a key: rows close together, and an index of them by their keys.
 * Sizes are of whole 32-bit words. Each look at everything is a round; rows that no round met went meanwhile.
 */
export class Image {
  readonly #keyWords: number;
  readonly #valueWords: number;
  #count = 0;
  #round = 0;
  #keys: Uint32Array;
  #values: Uint32Array;
  /** By row, the round that met it last. */
  #met: Uint8Array;
  /** By row, whether the next round tells of it whatever it meets. */
  #doubted: Uint8Array;
  /** By hash, a row's number and one; 0: none. Never more than half full, so that every search ends. */
  #index: Uint32Array;

  constructor(keyBytes: number, valueBytes: number) {
    this.#keyWords = keyBytes / 4;
    this.#valueWords = valueBytes / 4;
    this.#keys = new Uint32Array(FIRST_ROWS * this.#keyWords);
    this.#values = new Uint32Array(FIRST_ROWS * this.#valueWords);
    this.#met = new Uint8Array(FIRST_ROWS);
    this.#doubted = new Uint8Array(FIRST_ROWS);
    this.#index = new Uint32Array(2 * FIRST_ROWS);
  }

  get count(): number {
    return this.#count;
  }

  /** All rows, as they are until the next change. */
  get rows(): Packed {
    return {
      keys: bytesOf(this.#keys.subarray(0, this.#count * this.#keyWords)),
      values: bytesOf(this.#values.subarray(0, this.#count * this.#valueWords)),
      count: this.#count,
    };
  }

  beginRound(): void {
    this.#round = (this.#round + 1) & 0xff;
  }

  /** Takes rows as they are now, and answers the indexes of those that are new or other than before. */
  take({ keys, values, count }: Packed): number[] {
    const [keyWords, valueWords] = [wordsOf(keys), wordsOf(values)];
    const changed: number[] = [];
    for (let i = 0; i < count; i += 1) if (this.#takeOne(keyWords, valueWords, i)) changed.push(i);
    return changed;
  }

  /** Of one key; undefined: it does not stand. Where it is known otherwise, the next round tells of it all the same. */
  saw(key: Uint8Array, value: Uint8Array | undefined): void {
    const isNew = value !== undefined && this.take({ keys: key, values: value, count: 1 }).length > 0;
    const row = (this.#index[this.#find(wordsOf(key), 0)] ?? 0) - 1;
    if (row >= 0 && (isNew || value === undefined)) this.#doubted[row] = 1;
  }

  delete(key: Uint8Array): void {
    const words = wordsOf(key);
    const at = this.#find(words, 0);
    const row = (this.#index[at] ?? 0) - 1;
    if (row >= 0) this.#drop(at, row);
  }

  /** Takes out the rows that were not met since the round began, and answers their keys. */
  takeUnmet(): Uint8Array[] {
    const gone: Uint8Array[] = [];
    for (let row = this.#count - 1; row >= 0; row -= 1) {
      if (this.#met[row] === this.#round) continue;
      const key = bytesOf(this.#keys.slice(row * this.#keyWords, (row + 1) * this.#keyWords));
      gone.push(key);
      this.delete(key);
    }
    return gone;
  }

  #takeOne(keys: Uint32Array, values: Uint32Array, i: number): boolean {
    const at = this.#find(keys, i * this.#keyWords);
    const known = (this.#index[at] ?? 0) - 1;
    const row = known < 0 ? this.#add(at, keys, i * this.#keyWords) : known;
    this.#met[row] = this.#round;
    const [from, to, words] = [i * this.#valueWords, row * this.#valueWords, this.#valueWords];
    let same = known >= 0 && this.#doubted[row] === 0;
    this.#doubted[row] = 0;
    for (let word = 0; same && word < words; word += 1) same = this.#values[to + word] === values[from + word];
    if (!same) for (let word = 0; word < words; word += 1) this.#values[to + word] = values[from + word] ?? 0;
    return !same;
  }

  /** Where in the index the key is, or would be. */
  #find(keys: Uint32Array, from: number): number {
    const last = this.#index.length - 1;
    for (let at = this.#hash(keys, from) & last; ; at = (at + 1) & last) {
      const row = (this.#index[at] ?? 0) - 1;
      if (row < 0 || this.#hasKey(row, keys, from)) return at;
    }
  }

  #hasKey(row: number, keys: Uint32Array, from: number): boolean {
    const mine = row * this.#keyWords;
    for (let word = 0; word < this.#keyWords; word += 1)
      if (this.#keys[mine + word] !== keys[from + word]) return false;
    return true;
  }

  #hash(keys: Uint32Array, from: number): number {
    let hash = 0;
    for (let word = 0; word < this.#keyWords; word += 1) {
      hash = Math.imul(hash ^ (keys[from + word] ?? 0), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #add(at: number, keys: Uint32Array, from: number): number {
    const row = this.#count;
    if (row === this.#met.length) this.#grow();
    const place = 2 * (row + 1) > this.#index.length ? this.#widen(keys, from) : at;
    for (let word = 0; word < this.#keyWords; word += 1)
      this.#keys[row * this.#keyWords + word] = keys[from + word] ?? 0;
    this.#doubted[row] = 0;
    this.#index[place] = row + 1;
    this.#count += 1;
    return row;
  }

  /** By a quarter: what is given back later is no more than that. */
  #grow(): void {
    const rows = this.#met.length + (this.#met.length >> 2);
    this.#keys = filled(new Uint32Array(rows * this.#keyWords), this.#keys);
    this.#values = filled(new Uint32Array(rows * this.#valueWords), this.#values);
    this.#met = filled(new Uint8Array(rows), this.#met);
    this.#doubted = filled(new Uint8Array(rows), this.#doubted);
  }

  /** Doubles the index, and answers where a key that is not there yet would be. */
  #widen(keys: Uint32Array, from: number): number {
    this.#index = new Uint32Array(2 * this.#index.length);
    for (let row = 0; row < this.#count; row += 1) this.#index[this.#find(this.#keys, row * this.#keyWords)] = row + 1;
    return this.#find(keys, from);
  }

  /** The last row takes its place; then those behind it in the index move up, so that no search ends too early. */
  #drop(at: number, row: number): void {
    const last = this.#count - 1;
    if (row !== last) {
      this.#index[this.#find(this.#keys, last * this.#keyWords)] = row + 1;
      this.#keys.copyWithin(row * this.#keyWords, last * this.#keyWords, this.#count * this.#keyWords);
      this.#values.copyWithin(row * this.#valueWords, last * this.#valueWords, this.#count * this.#valueWords);
      this.#met[row] = this.#met[last] ?? 0;
      this.#doubted[row] = this.#doubted[last] ?? 0;
    }
    this.#count = last;
    this.#close(at);
  }

  #close(at: number): void {
    const mask = this.#index.length - 1;
    let hole = at;
    this.#index[hole] = 0;
    for (let next = (hole + 1) & mask; this.#index[next] !== 0; next = (next + 1) & mask) {
      const row = (this.#index[next] ?? 0) - 1;
      const home = this.#hash(this.#keys, row * this.#keyWords) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      this.#index[hole] = row + 1;
      this.#index[next] = 0;
      hole = next;
    }
  }
}

function filled<Words extends Uint8Array | Uint32Array>(more: Words, before: Words): Words {
  more.set(before);
  return more;
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Of bytes that lie as words do; others are copied. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const whole = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(whole.buffer, whole.byteOffset, whole.byteLength / 4);
}
