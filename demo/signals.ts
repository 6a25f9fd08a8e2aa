const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Resolves with the exit status that a signal asks for; who waits for it ends only when everything is removed. */
export function interrupted(): Promise<number> {
  return new Promise((resolve) => {
    for (const [signal, status] of Object.entries(SIGNALS)) process.on(signal, () => resolve(status));
  });
}
