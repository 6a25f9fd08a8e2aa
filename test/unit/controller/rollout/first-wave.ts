/** Of two hosts, one has the first wave of a rollout, whose redirect another one stands beside. */
import { spec } from '../fleet.ts';
import type { MadeUpHost, Stage } from './stage.ts';

export const DROP = { hosts: 'all', to: 'drop' };
export const PASS = { hosts: 'all', to: 'pass' };

/** Starts the rollout `r` of `web`, which drops then and passed before, as `other` does; answers the host that has it. */
export async function reachFirst(stage: Stage): Promise<MadeUpHost> {
  await stage.apply(spec('web', 1, PASS), spec('other', 2, PASS));
  await stage.speak();
  const { waves } = await stage.start('r', [spec('web', 1, DROP)], { waves: ['1', '100%'] });
  await stage.pass(6000);
  return stage.host(waves[0]?.hosts[0] ?? '');
}
