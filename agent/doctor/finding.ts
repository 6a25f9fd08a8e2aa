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

/** What helps who may not see something; root, who looks already, has to do something else. */
export function asRoot(ofRoot = 'this root may not, as in a container: look again as that of the host'): string {
  return process.geteuid?.() === 0 ? ofRoot : 'look again as root';
}
