import test from 'ava';
import { Idle } from '../../../../agent/reconcile/idle.ts';
import { intentOf } from './world.ts';

const HZ = 250;
const ARMED = 1_000;
const AFTER = 25;

test('idle: a packet may have come at the end of its jiffy, so a redirect is given up one later', (t) => {
  const idle = new Idle(HZ);
  const intent = intentOf(1, 'drop', { idle: { afterMs: (AFTER * 1000) / HZ, rearm: 'revision' } });
  const { key, rev } = intent;
  const decision = { key, intent, state: 'installed', slot: 0, ops: [] } as const;
  idle.settled(decision, { key, rev, slot: 0, state: 'installed', sinceMs: 0, installedAtMs: 0, armed: ARMED });
  const seen = ARMED + 3;
  const [counts, sight] = [{ seen: () => Float64Array.of(seen) }, { since: () => 0 }];
  const silentAt = (jiffies: number) => idle.silent(counts, sight, { jiffies: BigInt(jiffies), hz: HZ });
  t.deepEqual(silentAt(seen + AFTER), []);
  t.false(idle.isDue({ jiffies: BigInt(seen + AFTER), hz: HZ }));
  t.false(
    idle.isSilent(key, { packets: 1n, bytes: 64n, seen: BigInt(seen) }, sight, {
      jiffies: BigInt(seen + AFTER),
      hz: HZ,
    }),
  );
  t.true(idle.isDue({ jiffies: BigInt(seen + AFTER + 1), hz: HZ }));
  t.deepEqual(silentAt(seen + AFTER + 1), [key]);
});
