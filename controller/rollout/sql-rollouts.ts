import type { Origin } from '../../protocol/origin.ts';
import type {
  RolloutAbortRequest,
  RolloutExcludeRequest,
  RolloutPauseRequest,
  RolloutReply,
  RolloutResumeRequest,
  RolloutRollbackRequest,
  RolloutVerdictRequest,
} from '../../protocol/rollout-acts.ts';
import type { RolloutListReply, RolloutListRequest } from '../../protocol/rollout-list.ts';
import type { RolloutStartReply, RolloutStartRequest } from '../../protocol/rollout-start.ts';
import type { RolloutStatusReply, RolloutStatusRequest } from '../../protocol/rollout-status.ts';
import { becauseOf, noteChange } from '../desk/noting.ts';
import type { LogTransaction, Transaction } from '../log/transaction.ts';
import type { Work } from '../log/work.ts';
import { Declined } from '../model/declined.ts';
import { isActive, type Rollout } from '../model/rollout.ts';
import type { Counting, Hear, Rollouts } from '../ports.ts';
import { type About, readAbout } from './about.ts';
import { carryOut, type LogAct, moveTo } from './act.ts';
import { Awake } from './awake.ts';
import { startRollout } from './begin.ts';
import { decide } from './decide.ts';
import { exclude } from './exclude.ts';
import { Faults } from './faults.ts';
import { findRollout } from './find.ts';
import { fitted } from './fitted.ts';
import { listRollouts } from './list.ts';
import { type Look, look, readWords, type Words } from './look.ts';
import { aborting, type By, hearing, type Order, pausing, resuming } from './orders.ts';
import { pause } from './outcome.ts';
import type { Pace } from './pace.ts';
import type { Decision } from './snapshot.ts';
import { headOf, statusOf } from './status.ts';
import { undo } from './undo.ts';
import { Watching } from './watch.ts';

/** Who did not look for so many ticks slept, and does not know who was silent meanwhile. */
const TICKS_ASLEEP = 20;

type Next = Pick<Decision, 'to' | 'said'>;

export interface RolloutParts {
  readonly work: Work;
  readonly counting: Counting;
  readonly pace: Pace;
}

/** Rollouts, in the database. All that is remembered beside it may be forgotten. */
export class SqlRollouts implements Rollouts {
  readonly #work: Work;
  readonly #counting: Counting;
  readonly #pace: Pace;
  readonly #watching: Watching;
  readonly #awake: Awake;
  /** Of those under way: it does not change as long as they are. */
  readonly #abouts = new Map<string, About>();

  constructor({ work, counting, pace }: RolloutParts) {
    this.#work = work;
    this.#counting = counting;
    this.#pace = pace;
    this.#watching = new Watching(counting, pace.countEveryMs);
    this.#awake = new Awake(work.clock, TICKS_ASLEEP * pace.tickMs);
  }

  /** A fault of one rollout holds up no other one. Errors: the first fault, where nothing moved. */
  async advance(): Promise<boolean> {
    const awakeMs = this.#awake.look();
    const faults = new Faults();
    const looks = await this.#work.read(async (transaction) => {
      const { damage, session, tables } = transaction;
      const active = damage === undefined ? await tables.rollouts.active(session) : [];
      this.#forget(new Set(active.map(({ id }) => id)));
      if (active.length === 0) return [];
      const words = await readWords(transaction);
      const seen: Look[] = [];
      for (const rollout of active) {
        const look = await faults.keep(rollout, () => this.#watched(transaction, rollout, words, awakeMs));
        if (look !== undefined) seen.push(look);
      }
      return seen;
    });
    let moved = false;
    for (const seen of looks) moved = (await faults.keep(seen.rollout, () => this.#step(seen))) || moved;
    if (!moved && faults.first !== undefined) throw faults.first;
    return moved;
  }

  async #watched(transaction: Transaction, rollout: Rollout, words: Words, awakeMs: number): Promise<Look> {
    const seen = await this.#look(transaction, rollout, words, awakeMs);
    await this.#watching.watch(transaction, seen, await this.#about(transaction, rollout));
    return seen;
  }

  async #step(seen: Look): Promise<boolean> {
    const about = this.#abouts.get(seen.rollout.id);
    if (about === undefined) return false;
    const decision = decide(seen, this.#work.clock.nowMs());
    if (decision === undefined) return false;
    const { act, ...next } = decision;
    if (act.do !== 'turn') return this.#carryOut(seen, about, act, next);
    return (await this.#turn(seen, next)) && next.said !== undefined;
  }

  /** Nothing is done but that its state is another one. */
  #turn({ rollout }: Look, next: Next): Promise<boolean> {
    const { clock } = this.#work;
    return this.#work.write(
      async (transaction) => (await moveTo(transaction, rollout, next, clock.nowMs())) !== undefined,
    );
  }

  /** What would send packets round is not done: the rollout stands still before it. */
  async #carryOut(seen: Look, about: About, act: LogAct, next: Next): Promise<boolean> {
    const { state } = seen.rollout;
    try {
      return await this.#change(seen, about, act, next);
    } catch (error) {
      if (!(error instanceof Declined && error.code === 'REDIRECT_LOOP' && 'step' in state)) throw error;
      const cause = { code: error.code, at: this.#work.clock.nowMs(), detail: error.message };
      return this.#turn(seen, pause(state.step, cause));
    }
  }

  #change(seen: Look, about: About, act: LogAct, next: Next): Promise<boolean> {
    const { clock } = this.#work;
    const { rollout, hosts } = seen;
    return this.#work.change(async (transaction) => {
      const words = await readWords(transaction);
      if (act.do === 'promote' && !(await this.#isToPromote(transaction, rollout, words))) {
        await transaction.log.finish();
        return false;
      }
      return carryOut({ transaction, clock, about, rollout, hosts, words }, act, next);
    });
  }

  /** What decides whether it is over is looked at where it is done: who joined meanwhile is not left out. */
  async #isToPromote(transaction: LogTransaction, rollout: Rollout, words: Words): Promise<boolean> {
    const now = await this.#look(transaction, rollout, words, this.#awake.look());
    return decide(now, this.#work.clock.nowMs())?.act.do === 'promote';
  }

  async #look(transaction: Transaction, rollout: Rollout, words: Words, awakeMs: number): Promise<Look> {
    const about = await this.#about(transaction, rollout);
    const nowMs = this.#work.clock.nowMs();
    return look(transaction, rollout, about, words, {
      ...{ nowMs, awakeMs, periods: this.#pace },
      counted: (id, host) => this.#counting.of(id, host),
      since: (host, what) => this.#awake.knows(`${rollout.id} ${host} ${what}`),
    });
  }

  async #about(transaction: Transaction, { id, state }: Rollout): Promise<About> {
    const about = this.#abouts.get(id) ?? (await readAbout(transaction, id));
    if (isActive(state)) this.#abouts.set(id, about);
    return about;
  }

  #forget(active: ReadonlySet<string>): void {
    this.#watching.keep(active);
    for (const id of this.#abouts.keys()) if (!active.has(id)) this.#abouts.delete(id);
  }

  start(last: RolloutStartRequest, hear: Hear = () => {}, origin: Origin = {}): Promise<RolloutStartReply> {
    const { clock } = this.#work;
    const { soaks, ...periods } = this.#pace;
    return this.#work.write((transaction) =>
      startRollout({ transaction, clock, soaks, periods, hear, origin: becauseOf(last, origin) }, last),
    );
  }

  list(request: RolloutListRequest, budgetBytes: number): Promise<RolloutListReply> {
    const nowMs = this.#work.clock.nowMs();
    return this.#work.read((transaction) => listRollouts(transaction, request, { budgetBytes, nowMs }));
  }

  status(request: RolloutStatusRequest, budgetBytes: number): Promise<RolloutStatusReply> {
    const awakeMs = this.#awake.look();
    return this.#work.read(async (transaction) => {
      const rollout = await findRollout(transaction, request.id);
      const words = await readWords(transaction);
      const seen = await this.#look(transaction, rollout, words, awakeMs);
      return fitted(await statusOf(transaction, seen, words, request, this.#work.clock.nowMs()), budgetBytes);
    });
  }

  pause(request: RolloutPauseRequest, origin: Origin = {}): Promise<RolloutReply> {
    return this.#order('rollout-pause', request, origin, async (_, rollout, by) => pausing(rollout, by));
  }

  resume(request: RolloutResumeRequest, origin: Origin = {}): Promise<RolloutReply> {
    return this.#order('rollout-resume', request, origin, async ({ session, tables }, rollout, by) => {
      const { epoch } = await tables.epochs.newest(session);
      return resuming(rollout, request, epoch, by);
    });
  }

  abort(request: RolloutAbortRequest, origin: Origin = {}): Promise<RolloutReply> {
    return this.#order('rollout-abort', request, origin, async (_, rollout, by) => aborting(rollout, by));
  }

  verdict(request: RolloutVerdictRequest, origin: Origin = {}): Promise<RolloutReply> {
    return this.#order('rollout-verdict', request, origin, async (_, rollout, by) => hearing(rollout, request, by));
  }

  exclude(request: RolloutExcludeRequest, origin: Origin = {}): Promise<RolloutReply> {
    const { clock } = this.#work;
    return this.#work.change(async (transaction) => {
      const before = await findRollout(transaction, request.id);
      const by = byOf(request, origin, clock.nowMs());
      const moved = await exclude(transaction, clock, before, request.hosts, by);
      const log = await transaction.log.finish();
      const detail = { rollout: before.id, hosts: request.hosts.length };
      if (moved !== undefined)
        await noteChange(transaction, clock, {
          verb: 'rollout-exclude',
          detail,
          origin: becauseOf(request, origin),
          log,
          rollout: before.id,
        });
      return reply(transaction, moved ?? before, moved === undefined);
    });
  }

  rollback(request: RolloutRollbackRequest, origin: Origin = {}): Promise<RolloutReply> {
    const { clock } = this.#work;
    return this.#work.change(async (transaction) => {
      const done = await findRollout(transaction, request.id);
      const terms = { ...(request.force && { force: true }), origin: becauseOf(request, origin) };
      const { rollout, already, ...overwritten } = await undo(transaction, clock, done, terms);
      return { ...(await reply(transaction, rollout, already === true)), ...overwritten };
    });
  }

  /** Does what somebody asks for, as one transaction, and notes it. */
  #order(
    verb: string,
    request: { readonly id: string; readonly reason?: string },
    origin: Origin,
    judge: (transaction: Transaction, rollout: Rollout, by: By) => Promise<Order | undefined>,
  ): Promise<RolloutReply> {
    const { clock } = this.#work;
    return this.#work.write(async (transaction) => {
      const before = await findRollout(transaction, request.id);
      const by = byOf(request, origin, clock.nowMs());
      const order = await judge(transaction, before, by);
      if (order === undefined) return reply(transaction, before, true);
      const { more, ...decision } = order;
      const after = await moveTo(transaction, before, decision, by.at, more);
      if (after === undefined) throw new TypeError(`rollout ${before.id} moved within a transaction`);
      const detail = { rollout: before.id };
      await noteChange(transaction, clock, { verb, detail, origin: becauseOf(request, origin), rollout: before.id });
      return reply(transaction, after, false);
    });
  }
}

function byOf(request: { readonly reason?: string }, origin: Origin, at: number): By {
  const { actor, reason } = becauseOf(request, origin);
  return { at, ...(actor !== undefined && { actor }), ...(reason !== undefined && { reason }) };
}

async function reply({ session, tables }: Transaction, rollout: Rollout, already: boolean): Promise<RolloutReply> {
  const hosts = await tables.rolloutHosts.of(session, rollout.id);
  return { v: 1, rollout: headOf(rollout, hosts), ...(already && { already }) };
}
