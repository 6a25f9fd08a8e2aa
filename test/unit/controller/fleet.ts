import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPorts, type Ports } from '../../../controller/open.ts';
import type { Asked, Logs } from '../../../controller/ports.ts';
import { makeSystemClock } from '../../../daemon/clock.ts';
import type { ApplyReply } from '../../../protocol/api.ts';
import { type Cursor, NO_CURSOR } from '../../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST, elementDigest } from '../../../protocol/digest.ts';
import { type Change, intentBody, type Put } from '../../../protocol/intent.ts';
import type { Page } from '../../../protocol/page.ts';
import { Refused } from '../../../protocol/refused.ts';
import { parseStatus, type Status } from '../../../protocol/status.ts';
import type { Terms } from '../../../protocol/terms.ts';
import type { Update } from '../../../protocol/update.ts';

/** Room for all that a test changes at once. */
export const AMPLE_BYTES = 500_000;

/** A folder of one's own; gone with all that is in it at the end. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'shunt-controller-'));

  file(name = 'controller.db'): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The ports over one database. */
export type Store = Ports;

/** Opens a store; one that is expected to stay sound unless told otherwise. */
export function openStore(path: string, now: () => number = Date.now, onFatal = rethrow): Promise<Store> {
  return openPorts(path, { ...makeSystemClock(), nowMs: now }, onFatal);
}

function rethrow(error: Error): void {
  throw error;
}

/** A spec as an operator writes it; `number` gives each its own destination. */
export function spec(name: string, number: number, more: object = {}): object {
  const dst = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  return { name, hosts: ['edge-1'], match: { dst, proto: 'udp', dport: 443 }, to: { nexthop: '192.0.2.7' }, ...more };
}

/** What a test changes is as much as it needs; the size gate has tests of its own. */
export const ALLOWED: Terms = { allowShrink: true, allowGrowth: true, reason: 'test' };

export function apply(store: Pick<Store, 'desk'>, ...specs: readonly object[]): Promise<ApplyReply> {
  return store.desk.apply({ v: 1, upload: 'test', part: 0, parts: 1, specs, ...ALLOWED });
}

/** What a host would be told that has a log up to a rev; where its marks moved, those at least. */
async function tell(logs: Pick<Logs, 'together'>, asked: Asked, budgetBytes: number): Promise<Update | undefined> {
  const [told] = await logs.together((now) => now.updates([asked], budgetBytes));
  if (told instanceof Refused) throw told;
  return told;
}

export function updateOf(logs: Pick<Logs, 'together'>, host: string, rev: number, budgetBytes: number) {
  return tell(logs, { host, rev, isMarked: false }, budgetBytes);
}

export function hintOf(logs: Pick<Logs, 'together'>, host: string) {
  return tell(logs, { host, rev: Number.MAX_SAFE_INTEGER, isMarked: true }, AMPLE_BYTES);
}

const STATUS = readFileSync(new URL('../../../protocol/fixtures/status.json', import.meta.url), 'utf8');

let said = 0;

/** A status, newer than each before it. */
export function status(host: string, more: Partial<Status> = {}): Status {
  said += 1;
  return parseStatus({ ...JSON.parse(STATUS), host, seq: said, ...more });
}

export function report(store: Pick<Store, 'roster'>, host: string, labels: Record<string, string> = {}): Promise<void> {
  return store.roster.report([{ status: status(host, { labels, epoch: '', stored: 0 }), seenAtMs: Date.now() }]);
}

/** What a host holds that lays pages over its set as an agent does. */
export class Replica {
  readonly host: string;
  readonly intents = new Map<string, Put>();
  cursor: Cursor = NO_CURSOR;
  head: { readonly epoch: string; readonly rev: number; readonly digest: string } = {
    epoch: '',
    rev: 0,
    digest: EMPTY_DIGEST,
  };

  constructor(host: string) {
    this.host = host;
  }

  get digest(): string {
    let digest = EMPTY_DIGEST;
    for (const put of this.intents.values())
      digest = addDigest(digest, elementDigest(put.key, put.rev, intentBody(put)));
    return digest;
  }

  lay(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.op === 'put') this.intents.set(change.key, change);
      else this.intents.delete(change.key);
    }
  }

  /** Follows pages to the end; `between` runs after each page but the last. Answers the pages. */
  async sync(
    logs: Pick<Logs, 'page'>,
    budgetBytes = AMPLE_BYTES,
    between: () => Promise<unknown> = async () => {},
  ): Promise<Page[]> {
    const have = this.cursor;
    const pages: Page[] = [];
    let from = have;
    for (;;) {
      const page = await logs.page({ v: 1, host: this.host, have, from }, budgetBytes);
      pages.push(page);
      this.lay(page.changes);
      from = { epoch: page.epoch, rev: page.rev };
      if (!page.more) {
        this.cursor = from;
        this.head = page;
        return pages;
      }
      await between();
    }
  }
}

/** What a host holds that begins from nothing. */
export async function holds(store: Pick<Store, 'logs'>, host: string): Promise<Replica> {
  const replica = new Replica(host);
  await replica.sync(store.logs);
  return replica;
}
