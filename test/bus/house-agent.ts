import { mkdirSync } from 'node:fs';
import { pino } from 'pino';
import { NatsBus } from '../../agent/bus/nats-bus.ts';
import { CAN } from '../../agent/model/can.ts';
import { serve } from '../../agent/serve.ts';
import { SqliteStore } from '../../agent/store/sqlite-store.ts';
import type { Clock } from '../../daemon/clock.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import type { MemoryKernel } from '../fakes/memory-kernel.ts';
import { MemorySight } from '../fakes/memory-sight.ts';
import { MemoryTimes } from '../fakes/memory-times.ts';
import type { House } from './house.ts';

export const HOST = 'edge-1';
export const subjects = makeSubjects();
const log = pino({ level: process.env.SHUNT_TEST_LOG ?? 'silent' });

interface AgentParts {
  readonly clock: Clock;
  readonly kernel: MemoryKernel;
  readonly role?: string;
  /** What a test does to its bus. */
  readonly tamper: (bus: NatsBus) => void;
}

/** Starts an agent in a house: its bus and its store are real, its kernel is not. Answers how to end it. */
export async function startAgent(
  house: House,
  { clock, kernel, role = 'edge', tamper }: AgentParts,
): Promise<() => Promise<void>> {
  const directory = house.file('agent');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const store = await SqliteStore.open({ directory, host: HOST, migrations: agentMigrations, clock });
  const identity = { host: HOST, boot: clock.token(8), agent: '0.1.0', can: CAN, labels: { role }, interfaces: [] };
  const [times, sight, ending] = [new MemoryTimes(), new MemorySight(), new AbortController()];
  const reopen = async (): Promise<void> => kernel.reopen();
  const boot = { now: () => ({ boot: 'b1', ms: Math.floor(clock.monotonicMs()) }) };
  const connect = (): NatsBus => {
    const bus = new NatsBus({
      host: HOST,
      subjects,
      servers: { urls: [house.server.url] },
      clock,
      log,
      note: () => {},
    });
    tamper(bus);
    return bus;
  };
  const running = serve({ identity, store, kernel, clock, log, times, sight, boot, reopen, connect }, ending.signal);
  return async () => {
    ending.abort();
    await running;
    await store.close();
  };
}
