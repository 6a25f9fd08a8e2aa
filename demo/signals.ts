import { setTimeout as delay } from 'node:timers/promises';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** What we started may end by a signal to all of us before we have heard of it. */
const HEARD_MS = 200;

/** Resolves with the exit status that a signal asks for; who waits for it ends only when everything is removed. */
function interrupted(): Promise<number> {
  return new Promise((resolve) => {
    for (const [signal, status] of Object.entries(SIGNALS)) process.on(signal, () => resolve(status));
  });
}

/**
 * Makes something, and acts in it until that ends or a signal comes, which `say` tells of; then all of it is removed.
 * Answers the exit status. Errors: those of `make` and `act`, unless there was a signal: they are its doing.
 */
export async function untilInterrupted<T extends AsyncDisposable>(
  make: () => Promise<T>,
  act: (made: T) => Promise<number>,
  say: (text: string) => void,
): Promise<number> {
  const signal = interrupted();
  await using held = new AsyncDisposableStack();
  const acting = async () => {
    const made = held.use(await make());
    return await Promise.race([signal, act(made)]);
  };
  const status = await acting().catch(async (error) => {
    const heard = await Promise.race([signal, delay(HEARD_MS)]);
    if (heard === undefined) throw error;
    return heard;
  });
  if (status > 128) say('  Interrupted: removing everything.');
  return status;
}
