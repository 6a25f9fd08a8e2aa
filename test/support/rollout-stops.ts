import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import { CONVERGE_MS } from './operator.ts';
import { until } from './process.ts';
import { type RolloutStage, TO_C, TO_NOBODY, type Touch } from './rollout-stage.ts';
import { nowMs } from './traffic.ts';

/** A change that its gate stopped in wave 1. */
export interface Stopped {
  /** The host of wave 1. */
  readonly first: string | undefined;
  readonly status: RolloutStatusReply;
  /** From the verdict on, until all was as before. */
  readonly backMs: number;
  /** The other hosts, before and after. */
  readonly before: readonly Touch[];
  readonly after: readonly Touch[];
}

const WAVES = ['--waves', '1,2,3'];

/** Somebody at A says that it is not answered as it ought to be. */
export async function stoppedByProbe(stage: RolloutStage): Promise<Stopped> {
  const { id, waves } = await stage.start(TO_C, ...WAVES, '--soak', '60s', '--gate', 'external');
  return await stopped(stage, id, waves, async ({ asker }) => {
    await asker.answeredBy('c', CONVERGE_MS);
    await stage.until('the change soaks', id, ({ step }) => step === 'SOAK');
    await stage.shunt('rollout', 'verdict', id, 'fail', '--reason', 'A is not answered as it ought to be');
    return wallMs((await asker.answeredBy('b', CONVERGE_MS)).atMs);
  });
}

/** C takes small frames only, which B cannot know. */
export async function stoppedByLosses(stage: RolloutStage): Promise<Stopped> {
  const { id, waves } = await stage.start(TO_C, ...WAVES, '--soak', '60s', '--again', '--gate', 'losses<=1%');
  return await stopped(stage, id, waves, async ({ asker, bed }) => {
    await bed.must('c', ['ip', 'link', 'set', 'to-b', 'mtu', '68']);
    await stage.until('it goes back', id, ({ state }) => state.startsWith('ROLL'));
    return wallMs((await asker.answeredBy('b', CONVERGE_MS)).atMs);
  });
}

/** The next hop is nobody. */
export async function stoppedByNobody(stage: RolloutStage): Promise<Stopped> {
  const { id, waves } = await stage.start(TO_NOBODY, ...WAVES, '--soak', '60s');
  return await stopped(stage, id, waves, async ({ operator }) => {
    await stage.until('it goes back', id, ({ state }) => state.startsWith('ROLL'));
    await until('nothing is left of it', CONVERGE_MS, async () => (await operator.dump()).length === 0);
    return Date.now();
  });
}

async function stopped(
  stage: RolloutStage,
  id: string,
  waves: readonly (readonly string[])[],
  /** Answers when all was as before, in ms since 1970. */
  stop: (host: ReturnType<RolloutStage['host']>) => Promise<number>,
): Promise<Stopped> {
  const [first, ...later] = waves.flat();
  const before = await stage.touched(...later);
  const backAt = await stop(stage.host(first));
  const status = await stage.until('it has gone back', id, ({ state }) => state === 'ROLLED_BACK');
  const failed = status.evidence.find(({ what }) => what === 'failed');
  return { first, status, backMs: backAt - (failed?.at ?? 0), before, after: await stage.touched(...later) };
}

/** When it was, in ms since 1970, that somebody else answered: `atMs` is monotonic. */
function wallMs(atMs: number): number {
  return Date.now() - (nowMs() - atMs);
}
