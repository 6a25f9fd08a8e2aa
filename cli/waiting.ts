import { setTimeout } from 'node:timers/promises';
import { MAX_LIMIT } from '../protocol/ask.ts';
import {
  type ChangeReply,
  encodeChangeRequest,
  isDone,
  type Level,
  MAX_ALSO,
  parseChangeReply,
  type UndoneHost,
} from '../protocol/change-state.ts';
import { listBudgetBytes } from '../protocol/json.ts';
import type { Bus } from './client.ts';
import { EXIT, Failure, mayPass } from './line/failure.ts';
import { CHANGE_HINT } from './line/name.ts';
import { changeProgress, shortChange } from './show/change-state.ts';
import type { Terminal } from './show/terminal.ts';

/** How far hosts are to be, and how long that is waited for. */
export interface Wait {
  readonly level: Level;
  readonly withinMs: number;
  /** Redirects that are waited for beside the change, as they are now. */
  readonly also?: readonly string[];
  /** Of a change that is to be confirmed: it is also at its end once each other host took it back. */
  readonly untilReverted?: true;
}

type Asked = Omit<Wait, 'withinMs' | 'untilReverted'>;

/** What became of a change when it was last looked at, how long it took until then, and how long it might. */
export interface Waited {
  readonly state: ChangeReply;
  readonly waitedMs: number;
  readonly withinMs: number;
}

/** Without --timeout, it is waited so long. */
export const WAIT_MS = 60_000;
/** A host says what is new after a second at most. */
const EVERY_MS = 500;
/** A controller is asked no more often than one in so many of its answers would take. */
const EASE = 5;
/** A name takes no more in a request: 63 characters, quotes and a comma. */
const NAME_BYTES = 66;
/** What a look is for that shows numbers alone. */
const FIRST_HOSTS = 1;
/** The same, where one of them is to count down. */
const COUNTING_HOSTS = 16;
const OLDER = 'the controller is of an older release, and knows no changes; see shunt get and shunt hosts';
/** The last look may take so long beyond the end. */
const LAST_LOOK_MS = 1000;

/**
 * Waits until a change is done, no longer than was said, and shows meanwhile how far it is. Who is left is named with the last
 * look. While the controller does not answer, it is asked again. Errors: Failure, where it never answered, or refuses.
 */
export async function waitFor(
  change: string,
  { withinMs, untilReverted, ...asked }: Wait,
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress' | 'noteWidth'>,
): Promise<Waited> {
  const began = performance.now();
  const since = (): number => performance.now() - began;
  let state: ChangeReply | undefined;
  let failure: Failure | undefined;
  try {
    for (;;) {
      const atMs = since();
      const look = await within(
        withinMs - atMs,
        stateOf(change, asked, bus, { limit: untilReverted ? COUNTING_HOSTS : FIRST_HOSTS }),
        `the change ${change}`,
      );
      if (look instanceof Failure) failure = look;
      else {
        state = look;
        terminal.progress(changeProgress(state, { leftMs: withinMs - since(), width: terminal.noteWidth }));
        if (isDone(state)) return { state, withinMs, waitedMs: Math.round(since()) };
        const end = untilReverted ? await endOf(state, asked, bus) : undefined;
        if (end !== undefined) return { state: end, withinMs, waitedMs: Math.round(since()) };
      }
      const pauseMs = Math.max(EVERY_MS, EASE * (since() - atMs));
      if (since() + pauseMs >= withinMs) break;
      await setTimeout(pauseMs);
    }
    await setTimeout(Math.max(0, withinMs - since()));
    const last = await within(LAST_LOOK_MS, wholeState(change, asked, bus), `the change ${change}`);
    if (!(last instanceof Failure)) return { state: last, withinMs, waitedMs: Math.round(since()) };
    if (state !== undefined) return { state, withinMs, waitedMs: Math.round(since()) };
    throw unknown(change, failure ?? last);
  } finally {
    terminal.progress('');
  }
}

/** How a change stands with all its hosts where those that are not done took it back; undefined where others are left. */
async function endOf(state: ChangeReply, asked: Asked, bus: Pick<Bus, 'api'>): Promise<ChangeReply | undefined> {
  if (state.failed === 0 || state.done + state.failed < state.total) return undefined;
  const whole = await wholeState(state.change, asked, bus).catch(() => undefined); // it is looked again
  return whole?.items.every(isReverted) ? whole : undefined;
}

/** Whether a host took the change back. */
export function isReverted({ code }: Pick<UndoneHost, 'code'>): boolean {
  return code === 'REVERTED';
}

/** The same for programs. */
export function toldOf({ state: { v: _, next: __, ...state }, waitedMs }: Waited): object {
  return { ...state, waitedMs };
}

/** What --wait asks for; undefined where it is not there. --timeout on the command line is how long. */
export function waitOf(
  options: { readonly wait: Level | undefined; readonly timeout: number },
  written: Pick<ReadonlySet<string>, 'has'>,
): Wait | undefined {
  if (options.wait === undefined) return undefined;
  return { level: options.wait, withinMs: written.has('timeout') ? options.timeout : WAIT_MS };
}

/** Waits for one change after the other, all within the time of one. Errors: as `waitFor`; and where there is no id to wait for. */
export async function waitForAll(
  changes: readonly (string | undefined)[],
  wait: Wait,
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress' | 'noteWidth'>,
): Promise<readonly Waited[]> {
  const waited: Waited[] = [];
  const endMs = performance.now() + wait.withinMs;
  for (const change of changes) {
    if (change === undefined)
      throw new Failure(EXIT.unfinished, 'UNKNOWN_CHANGE', `it was done, but not waited for: ${OLDER}`);
    const withinMs = Math.max(0, endMs - performance.now());
    waited.push({ ...(await waitFor(change, { ...wait, withinMs }, bus, terminal)), withinMs: wait.withinMs });
  }
  return waited;
}

/**
 * Waits for a change and, as they are now, for redirects that it left as they were; of very many, for some after the others.
 * Answers the first look at which hosts were not done, or the one with the most hosts. Errors: as `waitForAll`.
 */
export async function waitWith(
  change: string | undefined,
  unchanged: readonly string[],
  wait: Wait,
  bus: Pick<Bus, 'api' | 'maxPayloadBytes'>,
  terminal: Pick<Terminal, 'progress' | 'noteWidth'>,
): Promise<Waited> {
  const began = performance.now();
  let most: Waited | undefined;
  for (const also of portions(unchanged, listBudgetBytes(bus.maxPayloadBytes))) {
    const withinMs = Math.max(0, wait.withinMs - (performance.now() - began));
    for (const waited of await waitForAll([change], { ...wait, withinMs, also }, bus, terminal)) {
      if (!isDone(waited.state)) return { ...waited, ...whole(wait, began) };
      if (most === undefined || waited.state.total > most.state.total) most = waited;
    }
  }
  if (most === undefined) throw new TypeError('there is always a first portion');
  return { ...most, ...whole(wait, began) };
}

function whole({ withinMs }: Wait, began: number): Pick<Waited, 'withinMs' | 'waitedMs'> {
  return { withinMs, waitedMs: Math.round(performance.now() - began) };
}

/** In pieces that fit a message; one without any where there are none. */
function* portions(names: readonly string[], budgetBytes: number): Generator<readonly string[]> {
  const most = Math.max(1, Math.min(MAX_ALSO, Math.floor(budgetBytes / NAME_BYTES)));
  for (let from = 0; from === 0 || from < names.length; from += most) yield names.slice(from, from + most);
}

/** How it stands now, with all hosts that are not done. */
export async function wholeState(change: string, asked: Asked, bus: Pick<Bus, 'api'>): Promise<ChangeReply> {
  const first = await stateOf(change, asked, bus, { limit: MAX_LIMIT });
  const items: UndoneHost[] = [...first.items];
  for (let { next } = first; next !== null && items.length < first.total; ) {
    const page = await stateOf(change, asked, bus, { limit: MAX_LIMIT, after: next });
    items.push(...page.items);
    next = page.next;
  }
  return { ...first, items, next: null };
}

function unknown(change: string, { exit, code, message }: Failure): Failure {
  return new Failure(exit, code, `nobody says how far the change ${shortChange(change)} is: ${message}`);
}

function stateOf(
  id: string,
  { level, also = [] }: Asked,
  bus: Pick<Bus, 'api'>,
  page: { readonly limit: number; readonly after?: string },
): Promise<ChangeReply> {
  const request = encodeChangeRequest({ v: 1, id, level, ...(also.length > 0 && { also }), ...page });
  return bus.api('change', request, parseChangeReply, { refuse });
}

function refuse({ code, message }: { readonly code: string; readonly message: string }): Failure {
  const text = code === 'UNKNOWN_CHANGE' ? `${message}; ${CHANGE_HINT}` : message;
  return new Failure(EXIT.refused, code, code === 'UNKNOWN_VERB' ? OLDER : text);
}

/** An answer, or the failure to get one in time, after which it may be tried again. Errors: Failure, when that is vain. */
async function within(limitMs: number, asked: Promise<ChangeReply>, what: string): Promise<ChangeReply | Failure> {
  const end = new AbortController();
  const late = setTimeout(Math.max(0, limitMs), undefined, { signal: end.signal }).then(
    () => new Failure(EXIT.unfinished, 'TIMED_OUT', `the controller did not say in time how far ${what} is; try again`),
  );
  late.catch(() => {}); // aborted, as asked
  try {
    return await Promise.race([asked, late]);
  } catch (error) {
    if (mayPass(error)) return error;
    throw error;
  } finally {
    end.abort();
    asked.catch(() => {}); // nobody waits for it any more
  }
}
