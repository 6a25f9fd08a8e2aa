import { join } from 'node:path';
import { PlantedBugs } from '../support/planted-bugs.ts';
import { BRAKES, play as playBrakes } from './brakes/play.ts';
import { ACT_NAMES as BRAKE_ACTS, scheduleOf as brakesOf } from './brakes/schedule.ts';
import { STRIKES } from './carrier.ts';
import { play as playConfirmations } from './confirmations/play.ts';
import { ACT_NAMES as CONFIRMATION_ACTS, scheduleOf as confirmationsOf } from './confirmations/schedule.ts';
import type { Played } from './played.ts';
import { ANSWERS, play as playRollouts } from './rollouts/play.ts';
import { ACT_NAMES as ROLLOUT_ACTS, scheduleOf as rolloutsOf } from './rollouts/schedule.ts';
import { RULES } from './rules.ts';
import { ACT_NAMES, scheduleOf } from './schedule.ts';
import { shorten } from './shorten.ts';
import { playActs, playSeed } from './twice.ts';

/** What the schedule of a seed came to. */
export type Outcome = Pick<Played, 'wrong' | 'events' | 'fired'>;

/** Something that is played with seeds: its planted bugs, and what has to come up in it. */
export interface Game {
  readonly bugs: PlantedBugs;
  readonly names: readonly string[];
  play(seed: number): Promise<Outcome>;
  /** The shortest schedule that was found to fail like that of a seed, and what it shows. */
  shortest(seed: number): Promise<{ readonly acts: readonly object[]; readonly wrong: readonly string[] }>;
}

const fleets: Game = {
  bugs: new PlantedBugs(join(import.meta.dirname, 'mutants')),
  names: [...RULES, ...ACT_NAMES, ...STRIKES],
  play: playSeed,
  shortest: async (seed) => {
    const acts = await shorten(scheduleOf(seed), async (some) => (await playActs(some, seed)).wrong.length > 0);
    return { acts, wrong: (await playActs(acts, seed)).wrong };
  },
};

const rollouts: Game = {
  bugs: new PlantedBugs(join(import.meta.dirname, 'rollouts/mutants')),
  names: [...ROLLOUT_ACTS, ...ANSWERS],
  play: (seed) => playRollouts(rolloutsOf(seed), seed),
  shortest: async (seed) => {
    const { acts: all, hosts } = rolloutsOf(seed);
    const acts = await shorten(all, async (some) => (await playRollouts({ hosts, acts: some }, seed)).wrong.length > 0);
    return { acts, wrong: (await playRollouts({ hosts, acts }, seed)).wrong };
  },
};

const brakes: Game = {
  bugs: new PlantedBugs(join(import.meta.dirname, 'brakes/mutants')),
  names: [...BRAKE_ACTS, ...BRAKES],
  play: (seed) => playBrakes(brakesOf(seed), seed),
  shortest: async (seed) => {
    const acts = await shorten(brakesOf(seed), async (some) => (await playBrakes(some, seed)).wrong.length > 0);
    return { acts, wrong: (await playBrakes(acts, seed)).wrong };
  },
};

const confirmations: Game = {
  bugs: new PlantedBugs(join(import.meta.dirname, 'confirmations/mutants')),
  names: CONFIRMATION_ACTS,
  play: (seed) => playConfirmations(confirmationsOf(seed), seed),
  shortest: async (seed) => {
    const fails = async (some: ReturnType<typeof confirmationsOf>) =>
      (await playConfirmations(some, seed)).wrong.length > 0;
    const acts = await shorten(confirmationsOf(seed), fails);
    return { acts, wrong: (await playConfirmations(acts, seed)).wrong };
  },
};

/** By name; fleets are what is played where none is given. */
export const GAMES = { fleets, rollouts, brakes, confirmations } as const;
export type GameName = keyof typeof GAMES;
