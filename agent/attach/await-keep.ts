import { setTimeout } from 'node:timers/promises';

/** What an attach ended with that was to be confirmed. */
export type Ending = 'entered' | 'kept' | 'late' | 'stopped';

export interface Waiting {
  readonly withinMs: number;
  readonly isKept: () => boolean;
  /** Whether somebody pressed Enter. */
  readonly isEntered: () => boolean;
  /** Shows how much time is left; not called any more once the terminal is gone. */
  readonly count: (leftMs: number) => void;
}

/** As quick as a person looks. */
const LOOK_MS = 100;

/**
 * Waits until somebody keeps it, or the time is over. Who loses the terminal is perhaps cut off by what was attached: that is
 * no reason to end, nor to keep anything. SIGINT and SIGTERM are a no.
 */
export async function awaitKeep({ withinMs, isKept, isEntered, count }: Waiting, signals: Signals): Promise<Ending> {
  const endMs = performance.now() + withinMs;
  const heard = { stop: false, hangup: false };
  const stop = (): void => {
    heard.stop = true;
  };
  const hangup = (): void => {
    heard.hangup = true;
  };
  for (const name of STOPS) signals.on(name, stop);
  signals.on('SIGHUP', hangup);
  try {
    for (;;) {
      if (isKept()) return 'kept';
      if (isEntered()) return 'entered';
      const leftMs = endMs - performance.now();
      if (heard.stop) return 'stopped';
      if (leftMs <= 0) return 'late';
      if (!heard.hangup) count(leftMs);
      await setTimeout(Math.min(LOOK_MS, leftMs));
    }
  } finally {
    for (const name of STOPS) signals.off(name, stop);
    signals.off('SIGHUP', hangup);
  }
}

const STOPS = ['SIGINT', 'SIGTERM'] as const;

/** The process, as far as it is asked to end. */
export interface Signals {
  on(name: NodeJS.Signals, listener: () => void): unknown;
  off(name: NodeJS.Signals, listener: () => void): unknown;
}
