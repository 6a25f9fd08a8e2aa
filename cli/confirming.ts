import { isDone } from '../protocol/change-state.ts';
import type { Terms } from '../protocol/terms.ts';
import type { Bus } from './client.ts';
import { EXIT, type Exit, usage } from './line/failure.ts';
import { changeText } from './show/change-state.ts';
import { someText } from './show/format.ts';
import type { Terminal } from './show/terminal.ts';
import { isReverted, type Wait, type Waited, waitForAll } from './waiting.ts';

/** A host begins to count when the change first stands there, and says what became of it within seconds. */
const BESIDE_MS = 20_000;

/** It waits by itself for the one end or the other. Errors: Failure USAGE. */
export function requireNoWait(confirm: number | undefined, wait: Wait | undefined): void {
  if (confirm !== undefined && wait !== undefined)
    throw usage('--confirm waits by itself, until hosts are confirmed or took the change back: leave out --wait');
}

/**
 * Waits until each host of changes that are to be confirmed either is, or took the change back. Whoever ends it meanwhile changes
 * nothing. Errors: Failure.
 */
export function awaitConfirmed(
  changes: readonly (string | undefined)[],
  { confirm }: Pick<Terms, 'confirm'>,
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress' | 'noteWidth'>,
): Promise<readonly Waited[]> {
  const withinMs = (confirm?.withinMs ?? 0) + BESIDE_MS;
  return waitForAll(changes, { level: 'applied', withinMs, untilReverted: true }, bus, terminal);
}

/** What became of it, for people. */
export function confirmTexts(waited: readonly Waited[], screen: Pick<Terminal, 'width' | 'colour'>): readonly string[] {
  if (waited.length === 0) return ['nothing is to be confirmed: no host had anything to change'];
  return waited.flatMap((one) => {
    const reverted = one.state.items.filter(isReverted).map(({ host }) => host);
    const text = `taken back on ${someText(reverted)}: what was there before is there again; see shunt explain`;
    return [changeText(one, screen), ...(reverted.length > 0 ? [text] : [])];
  });
}

/** 1 where a host took it back, 3 where one has yet to say what became of it. */
export function exitOf(waited: readonly Pick<Waited, 'state'>[]): Exit {
  if (waited.some(({ state }) => state.items.some(isReverted))) return EXIT.refused;
  return waited.every(({ state }) => isDone(state)) ? EXIT.done : EXIT.unfinished;
}
