import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { StoreError } from '../../controller/model/store-error.ts';
import { AMPLE_BYTES, apply, openStore, type Store, spec, status } from '../unit/controller/fleet.ts';
import type { Damage } from './campaign.ts';
import { Follower } from './follower.ts';

const HOSTS = ['edge-1', 'edge-2', 'edge-3'] as const;
const LABELS = { role: 'edge' };
const SPECS = 36;
/** A host goes on asking; after so many times nothing new comes. */
const SYNCS = 3;

/** What a fault came to. */
export interface Outcome {
  /** Redirects that stood and are gone or changed, as `host key`. */
  readonly wronged: readonly string[];
  /** Why hosts are not converged, as `host CODE`. */
  readonly held: readonly string[];
  /** Hosts that are neither converged nor held with a code. */
  readonly lost: readonly string[];
  /** Why the controller did not start, or ended. */
  readonly refused: string | undefined;
  /** It was no sentence. */
  readonly mute: boolean;
  /** What an operator is told to do did not put it right. */
  readonly stuck: boolean;
}

/** What a database is like when the fault comes: closed, left by a process that was killed, or open. */
export type Moment = 'rest' | 'killed' | 'serving';

/** A controller's database with hosts that follow it, to be copied, damaged and looked at. */
export class ControllerStage {
  readonly #folder: string;
  /** What the hosts hold before anything went wrong. */
  readonly #followers: readonly Follower[];
  readonly #files: ReadonlyMap<string, Buffer>;
  readonly #moment: Moment;
  #runs = 0;

  private constructor(
    folder: string,
    moment: Moment,
    followers: readonly Follower[],
    files: ReadonlyMap<string, Buffer>,
  ) {
    this.#folder = folder;
    this.#moment = moment;
    this.#followers = followers;
    this.#files = files;
  }

  /** Fills a database through several starts; but for `rest`, its log is left beside it. */
  static async make(folder: string, moment: Moment): Promise<ControllerStage> {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, 'template.db');
    const followers = HOSTS.map((host) => new Follower(host));
    await fill(path, followers);
    const files = new Map<string, Buffer>();
    {
      await using store = await openStore(path);
      await apply(store, ...SPECIFIED.slice(-2));
      await settle(store, followers);
      if (moment !== 'rest') for (const suffix of ['', '-wal']) files.set(suffix, readFileSync(path + suffix));
    }
    if (moment === 'rest') files.set('', tidied(path));
    drop(path);
    return new ControllerStage(folder, moment, followers, files);
  }

  get followers(): readonly Follower[] {
    return this.#followers.map((follower) => follower.copy());
  }

  /** Another copy of the database; answers its path. */
  copy(): string {
    this.#runs += 1;
    const path = join(this.#folder, `run-${this.#runs}.db`);
    for (const [suffix, data] of this.#files) writeFileSync(path + suffix, data);
    return path;
  }

  /** Damages a copy, starts a controller on it, lets everybody settle, and looks; then does what an operator is told to do. */
  async run(damage: Damage): Promise<Outcome> {
    const path = this.copy();
    const followers = this.followers;
    const refused =
      this.#moment === 'serving' ? await serveOn(path, followers, damage) : await serve(path, followers, damage);
    const outcome = outcomeOf(followers, this.#followers, refused);
    const stuck = refused === undefined && outcome.held.length === 0 && !(await isRemedied(path, followers));
    drop(path);
    return { ...outcome, stuck };
  }
}

/** A controller that starts on a damaged database. Answers why it does not. */
async function serve(path: string, followers: readonly Follower[], damage: Damage): Promise<Error | undefined> {
  damage(filesOf(path));
  return withStore(path, (store) => settle(store, followers));
}

/** A controller under which it is damaged. One that ends is started again, as a unit does. */
async function serveOn(path: string, followers: readonly Follower[], damage: Damage): Promise<Error | undefined> {
  const ended = await withStore(path, async (store) => {
    await settle(store, followers);
    damage(filesOf(path));
    await settle(store, followers);
  });
  return ended === undefined ? undefined : withStore(path, (store) => settle(store, followers));
}

/** Applies everything again: that ends what is missing. */
async function isRemedied(path: string, followers: readonly Follower[]): Promise<boolean> {
  const ended = await withStore(path, async (store) => {
    await apply(store, ...SPECIFIED);
    await settle(store, followers);
    const { damage } = await store.desk.hosts({ v: 1 }, AMPLE_BYTES);
    if (damage !== undefined) throw new Error(JSON.stringify(damage));
    const [wanted] = followers.map(({ standing }) => standing.size);
    if (followers.some(({ code }) => code !== '') || wanted === 0) throw new Error('not converged');
  });
  return ended === undefined;
}

async function withStore(path: string, work: (store: Store) => Promise<void>): Promise<Error | undefined> {
  let fatal: Error | undefined;
  try {
    await using store = await openStore(path, Date.now, (error) => {
      fatal ??= error;
    });
    await work(store);
  } catch (error) {
    return fatal ?? (error as Error);
  }
  return fatal;
}

/** A database and its log. */
function filesOf(path: string): readonly string[] {
  return [path, `${path}-wal`];
}

export function drop(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}

/** The bytes of a database that has no room between its rows for what is gone: a flip there would be none. */
function tidied(path: string): Buffer {
  const database = new BetterSqlite3(path);
  database.exec('vacuum');
  database.close();
  return readFileSync(path);
}

/** Every kind of selector, some shadowed, some disabled, with everything that an intent may say. */
export const SPECIFIED: readonly object[] = Array.from({ length: SPECS }, (_, n) => {
  const hosts = [['edge-1'], 'all', { role: 'edge' }, ['edge-1', 'edge-2']][n % 4];
  const idle = n % 5 === 0 ? { idle: { after: '1h', rearm: 'revision' } } : {};
  const expires = n % 7 === 0 ? { expires: '2099-01-01T00:00:00Z' } : {};
  return spec(`r${n}`, n < SPECS - 4 ? n : n - 30, {
    hosts,
    ...idle,
    ...expires,
    enabled: n % 9 !== 8,
    priority: n % 3,
  });
});

async function fill(path: string, followers: readonly Follower[]): Promise<void> {
  for (const part of [0, 1, 2]) {
    await using store = await openStore(path);
    if (part === 0) for (const host of HOSTS) await reportOf(store, host);
    await apply(store, ...SPECIFIED.slice(part * 10, part * 10 + 14));
    await apply(store, spec('gone', 200 + part, { hosts: 'all' }));
    await settle(store, followers);
    await store.desk.delete(['gone']);
    await settle(store, followers);
  }
}

function reportOf(store: Store, host: string): Promise<void> {
  const said = status(host, { labels: LABELS, can: ['idle'], epoch: '', stored: 0 });
  return store.roster.report([{ status: said, seenAtMs: Date.now() }]);
}

/** The controller looks after its logs, hosts say who they are, and follow. */
export async function settle(store: Store, followers: readonly Follower[]): Promise<void> {
  await attempt(store.roster.reconcile(AbortSignal.any([])));
  for (let time = 0; time < SYNCS; time += 1) {
    for (const follower of followers) {
      await attempt(reportOf(store, follower.host));
      await follower.sync(store.logs);
    }
  }
}

/** The loops of a controller log what fails, and go on. */
function attempt(work: Promise<void>): Promise<void> {
  return work.catch(() => {});
}

export function outcomeOf(
  followers: readonly Follower[],
  before: readonly Follower[],
  refused: Error | undefined,
): Outcome {
  const wronged = before.flatMap((was, at) =>
    [...was.standing].flatMap(([key, body]) =>
      followers[at]?.standing.get(key) === body ? [] : [`${was.host} ${key}`],
    ),
  );
  const held = followers.flatMap(({ host, code }) => (code === '' ? [] : [`${host} ${code}`]));
  const lost = refused === undefined ? held.filter((one) => !KNOWN.some((code) => one.endsWith(code))) : [];
  const mute = refused !== undefined && !(refused instanceof StoreError && refused.message.includes('; '));
  return { wronged, held, lost, refused: refused?.message, mute, stuck: false };
}

/** Codes whose page says how to leave. */
const KNOWN = ['HISTORY_LOST', 'FOREIGN_EPOCH', 'SPECS_DAMAGED'];
