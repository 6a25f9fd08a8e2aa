import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadNative } from '../native/index.ts';
import { HOST, NATS_URL, type Testbed } from '../test/support/testbed.ts';
import { nowMs } from '../test/support/traffic.ts';

/** Watches the bus, and answers how to learn when the first message for the host was published. Times as `nowMs`. */
export async function watchBus(bed: Testbed): Promise<() => Promise<number>> {
  const watch = await bed.start('bus', 'bus watch', [
    process.execPath,
    join(import.meta.dirname, 'bus-watch.ts'),
    NATS_URL,
    HOST,
  ]);
  await watch.until('ready', 10_000, () => watch.lines.includes('ready'));
  return async () => {
    const line = await watch.until('a message for the host', 10_000, () => watch.lines[1]);
    await watch.stop();
    return Number(line);
  };
}

/** Looks into the pinned map every millisecond, and answers when its first entry stood there. */
export async function firstEntry(bed: Testbed, withinMs: number): Promise<number> {
  const native = loadNative();
  const map = native.mapOpen(join(bed.pins, 'redirect4'), true);
  if (typeof map === 'number') throw new Error(`the map redirect4 does not open: errno ${-map}`);
  try {
    const deadline = nowMs() + withinMs;
    while (typeof native.mapNextKey(map, null) === 'number') {
      if (nowMs() > deadline) throw new Error(`the entry did not come to stand in the kernel within ${withinMs} ms`);
      await delay(1);
    }
    return nowMs();
  } finally {
    native.close(map);
  }
}
