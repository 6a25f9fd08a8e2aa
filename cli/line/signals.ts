/**
 * Makes the signal that stops a program in good order: aborted by the first SIGTERM or SIGINT. A second one ends the
 * process at once, as it would without us.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}
