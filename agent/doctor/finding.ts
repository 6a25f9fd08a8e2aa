/** `unseen`: this user, or this host, cannot tell. */
export type Level = 'ok' | 'warn' | 'bad' | 'unseen';

/** One thing that was looked at: what was found, and how to mend it. */
export interface Finding {
  readonly level: Level;
  readonly check: string;
  readonly found: string;
  readonly mend?: string;
}

/** Makes the findings of one check. */
export function findings(check: string) {
  return {
    ok: (found: string): Finding => ({ level: 'ok', check, found }),
    warn: (found: string, mend: string): Finding => ({ level: 'warn', check, found, mend }),
    bad: (found: string, mend: string): Finding => ({ level: 'bad', check, found, mend }),
    unseen: (found: string, mend: string): Finding => ({ level: 'unseen', check, found, mend }),
  };
}

export const AS_ROOT = 'look again as root';
