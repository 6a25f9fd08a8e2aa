import { createHash } from 'node:crypto';

/** So much is digested at a time, in bytes: each message for itself would take longer. */
const ROOM_BYTES = 1 << 16;

/** One digest of all that happens, in its order. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #room = Buffer.allocUnsafe(ROOM_BYTES);
  #used = 0;

  /** A text of ASCII characters. */
  text(text: string): void {
    this.#require(text.length);
    if (text.length > ROOM_BYTES) this.#hash.update(text);
    else this.#used += this.#room.write(text, this.#used, 'latin1');
  }

  bytes(bytes: Uint8Array): void {
    this.#require(bytes.length);
    if (bytes.length > ROOM_BYTES) {
      this.#hash.update(bytes);
      return;
    }
    this.#room.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Of what happened, and then of some lines; it may go on after that. */
  digest(lines: Iterable<string>): string {
    this.#digest();
    const hash = this.#hash.copy();
    for (const line of lines) hash.update(line);
    return hash.digest('hex');
  }

  #require(bytes: number): void {
    if (this.#used + bytes > ROOM_BYTES) this.#digest();
  }

  #digest(): void {
    this.#hash.update(this.#room.subarray(0, this.#used));
    this.#used = 0;
  }
}
