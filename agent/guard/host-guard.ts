import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { unmapped } from '../../protocol/address.ts';
import type { Guard, Protected } from '../../protocol/guard.ts';
import { keyOf } from '../../protocol/key.ts';
import { parseMatch } from '../../protocol/match.ts';
import type { Guarded, GuardSource } from '../model/guard.ts';
import { GuardFileError, readGuardFile } from './file.ts';
import type { GuardRules, Word } from './rules.ts';
import { isElsewhere, type Server } from './surroundings.ts';

/** A name that had addresses is asked again after so long; one that has none yet, at each look. */
const ASK_MS = 60_000;
/** So long an address is protected after its name had it: a connection may outlast it. */
const KEEP_MS = 3_600_000;
/** For names at the start; what comes later counts from then on. */
const FIRST_MS = 2_000;

/** What a guard looks at, and how. */
export interface HostGuardOptions {
  readonly path: string;
  readonly servers: readonly Server[];
  readonly addressesOf: (host: string) => Promise<readonly string[]>;
  readonly resolvers: () => readonly string[];
  /** Addresses of the host itself. */
  readonly own: () => readonly string[];
  readonly clock: Pick<Clock, 'monotonicMs' | 'delay'>;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/**
 * The guard of this host: its file, and what is found out on the host for the words in it. A file that is not right once the
 * agent runs changes nothing; that is told, and said in the guard.
 */
export class HostGuard implements GuardSource {
  readonly #options: HostGuardOptions;
  #rules: GuardRules;
  /** What the file says that is followed. */
  #text: string | undefined;
  /** What the last look found in it, which may be half of it. */
  #seen: string | undefined;
  /** Resolvers that the last look found: whoever writes them anew takes a moment for it. */
  #resolvers: readonly string[] = [];
  #fault: string | undefined;
  #now: Guarded;
  /** By server, when its name had each address last, and when it was asked. */
  readonly #found = new Map<Server, Map<string, number>>();
  readonly #asked = new Map<Server, number>();

  private constructor(options: HostGuardOptions) {
    this.#options = options;
    const { rules, text } = readGuardFile(options.path);
    this.#rules = rules;
    this.#text = text;
    this.#seen = text;
    this.#now = this.#compose();
  }

  /** Errors: GuardFileError. */
  static async open(options: HostGuardOptions): Promise<HostGuard> {
    const guard = new HostGuard(options);
    const over = new AbortController();
    const late = options.clock.delay(FIRST_MS, over.signal).catch(() => {});
    await Promise.race([guard.#ask(), late]);
    over.abort();
    guard.look();
    const { path, log } = options;
    const protects = guard.now.guard.protect.map(({ name, match }) => `${name} ${keyOf(match)}`);
    log.info({ path, isThere: guard.#text !== undefined, protects }, 'guard');
    return guard;
  }

  get now(): Guarded {
    return this.#now;
  }

  look(): void {
    this.#readAgain();
    void this.#ask();
    const now = this.#compose();
    if (JSON.stringify(now) !== JSON.stringify(this.#now)) this.#now = now;
  }

  /** Another text is followed once two looks in a row found it: a file that is being written may say less, and allow more. */
  #readAgain(): void {
    const { path, log } = this.#options;
    try {
      const { rules, text } = readGuardFile(path);
      const isWhole = text === this.#seen || text === this.#text;
      this.#seen = text;
      if (!isWhole) return;
      if (text !== this.#text || this.#fault !== undefined)
        log.info({ path, isThere: text !== undefined }, 'guard read anew');
      this.#rules = rules;
      this.#text = text;
      this.#fault = undefined;
    } catch (error) {
      if (!(error instanceof GuardFileError)) throw error;
      this.#seen = this.#text;
      if (error.message !== this.#fault)
        log.warn({ fault: error.message }, 'guard not followed: that of before goes on');
      this.#fault = error.message;
    }
  }

  /** Asks names for their addresses, each where it is time to. */
  async #ask(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    const due = this.#options.servers.filter((server) => {
      const askedMs = this.#asked.get(server);
      const waitMs = (this.#found.get(server)?.size ?? 0) > 0 ? ASK_MS : 0;
      return askedMs === undefined || nowMs - askedMs >= waitMs;
    });
    await Promise.all(due.map((server) => this.#askOne(server)));
  }

  async #askOne(server: Server): Promise<void> {
    const { addressesOf, clock } = this.#options;
    this.#asked.set(server, Number.POSITIVE_INFINITY); // one question at a time
    const addresses = await addressesOf(server.host);
    const nowMs = clock.monotonicMs();
    this.#asked.set(server, nowMs);
    const known = this.#found.get(server) ?? new Map();
    for (const address of addresses) known.set(address, nowMs);
    for (const [address, seenMs] of known) if (nowMs - seenMs > KEEP_MS) known.delete(address);
    this.#found.set(server, known);
  }

  #compose(): Guarded {
    const { protect, ...rest } = this.#rules;
    const all = protect.flatMap((one) => (typeof one === 'string' ? this.#protectedBy(one) : one));
    const guard: Guard = { ...rest, protect: distinct(all) };
    return this.#fault === undefined ? { guard } : { guard, fault: this.#fault };
  }

  /** Those of now, and of the look before. */
  #resolversNow(): readonly string[] {
    const [before, now] = [this.#resolvers, elsewhere(this.#options.resolvers())];
    this.#resolvers = now;
    return [...new Set([...now, ...before])].sort();
  }

  #protectedBy(word: Word): readonly Protected[] {
    switch (word) {
      case 'bus':
        return [...this.#found].flatMap(([{ port }, addresses]) =>
          elsewhere([...addresses.keys()]).map((src) => ({
            name: word,
            match: parseMatch({ src, proto: 'tcp', sport: port }),
          })),
        );
      case 'ssh':
        return elsewhere(this.#options.own()).map((dst) => ({
          name: word,
          match: parseMatch({ dst, proto: 'tcp', dport: 22 }),
        }));
      case 'dns':
        return this.#resolversNow().flatMap((src) =>
          (['udp', 'tcp'] as const).map((proto) => ({ name: word, match: parseMatch({ src, proto, sport: 53 }) })),
        );
    }
  }
}

function elsewhere(addresses: readonly string[]): readonly string[] {
  return addresses.map(unmapped).filter(isElsewhere).sort();
}

function distinct(all: readonly Protected[]): readonly Protected[] {
  return [...new Map(all.map((one) => [`${one.name} ${keyOf(one.match)}`, one])).values()];
}
