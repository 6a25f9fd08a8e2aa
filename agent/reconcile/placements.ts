/**
 * Where the entries of intents of one interface stand: their id carries the zone, which the key does not. A place has
 * one owner: whoever takes it over leaves its former owner without a place.
 */
export class Placements {
  readonly #ids = new Map<string, string>();
  readonly #keys = new Map<string, string>();

  idOf(key: string): string {
    return this.#ids.get(key) ?? key;
  }

  keyOf(id: string): string {
    return this.#keys.get(id) ?? id;
  }

  has(key: string): boolean {
    return this.#ids.has(key);
  }

  owned(id: string): boolean {
    return this.#keys.has(id);
  }

  place(key: string, id: string): void {
    const former = this.#keys.get(id);
    if (former !== undefined) this.drop(former);
    this.drop(key);
    this.#ids.set(key, id);
    this.#keys.set(id, key);
  }

  drop(key: string): void {
    const id = this.#ids.get(key);
    if (id === undefined) return;
    this.#ids.delete(key);
    this.#keys.delete(id);
  }
}
