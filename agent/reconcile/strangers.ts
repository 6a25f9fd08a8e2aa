import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Event } from '../../protocol/event.ts';
import type { HostProblem } from '../../protocol/status.ts';
import type { Kernel, Outbox } from '../ports.ts';
import type { Convergence } from './convergence.ts';
import { countDrift } from './drift.ts';
import type { Fight } from './fights.ts';
import type { OwnWords } from './own-words.ts';
import type { PassResult } from './pass-result.ts';
import { tellFight, tellPeace } from './tell.ts';

export interface StrangersOptions {
  readonly kernel: Pick<Kernel, 'pins'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly host: string;
  readonly outbox: Pick<Outbox, 'changed'>;
}

/** Counts what somebody else changes in the maps, has our own words put right, and tells where it does not end. */
export class Strangers {
  readonly #options: StrangersOptions;
  readonly #record: (events: readonly Event[]) => Promise<void>;
  #drifted = 0n;

  constructor(options: StrangersOptions, record: (events: readonly Event[]) => Promise<void>) {
    this.#options = options;
    this.#record = record;
  }

  /** Since the start. */
  get drifted(): bigint {
    return this.#drifted;
  }

  /** One problem, however many pins somebody else changes again and again; its detail is their paths. */
  problems({ fights: { list } }: Convergence): readonly HostProblem[] {
    if (list.length === 0) return [];
    const since = Math.min(...list.map(({ sinceMs }) => sinceMs));
    return [{ code: 'FOREIGN_WRITER', since, detail: list.map((fight) => this.#pathOf(fight)).join(', ') }];
  }

  /** Whatever somebody else changed is put right by this pass or the next; our own words are, here. */
  note(result: PassResult, words: OwnWords, convergence: Convergence, nowMs: number): PassResult {
    const { fights, ledger } = convergence;
    const mended = result.readBack ? fights.note(words.mend(), ledger.desired, nowMs) : [];
    if (result.readBack) convergence.schedule.markDue(fights.readBack(mended.length === 0, nowMs));
    const drifted = [...result.drifted, ...mended];
    if (drifted.length === 0) return result;
    this.#drifted += BigInt(countDrift(drifted));
    this.#options.outbox.changed();
    const news = drifted.filter(({ known }) => known === undefined);
    if (news.length > 0) this.#options.log.warn({ drift: countDrift(news) }, 'somebody else changed the maps');
    return { ...result, drifted };
  }

  /** Tells of fights that have begun or are over. Errors: those of recording. */
  async tell({ fights }: Convergence): Promise<void> {
    const { begun, ended } = fights.takeNews();
    if (begun.length === 0 && ended.length === 0) return;
    const { clock, host, log, outbox } = this.#options;
    const teller = { host, at: clock.nowMs() };
    for (const fight of begun)
      log.warn({ pin: this.#pathOf(fight), times: fight.times }, 'somebody else changes a pinned map again and again');
    for (const fight of ended)
      log.info({ pin: this.#pathOf(fight), times: fight.times }, 'nobody else changes the pinned map any more');
    outbox.changed();
    await this.#record([
      ...begun.map((fight) => tellFight(teller, this.#pathOf(fight), fight)),
      ...ended.map((fight) => tellPeace(teller, this.#pathOf(fight), fight)),
    ]);
  }

  #pathOf({ pin }: Fight): string {
    return `${this.#options.kernel.pins}/${pin}`;
  }
}
