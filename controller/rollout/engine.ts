import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { Waker } from '../../daemon/waker.ts';
import type { Rollouts } from '../ports.ts';

interface EngineParts {
  readonly rollouts: Pick<Rollouts, 'advance'>;
  readonly clock: Pick<Clock, 'delay' | 'turn'>;
  readonly log: Log;
  readonly tickMs: number;
  /** Logs may have moved. */
  readonly onChange: () => void;
}

/** Looks after rollouts: so often, and at once after what changed something. Several may, for none does what another did. */
export class RolloutEngine {
  readonly #parts: EngineParts;
  readonly #waker = new Waker();

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Somebody asked for something. */
  wake(): void {
    this.#waker.wake();
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, tickMs } = this.#parts;
    try {
      while (!signal.aborted) {
        if (await this.#tick()) await clock.turn();
        else {
          await this.#waker.sleep(clock.delay, tickMs, signal);
          await clock.turn(); // who asked for it is answered first
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #tick(): Promise<boolean> {
    const { rollouts, log, onChange } = this.#parts;
    try {
      const moved = await rollouts.advance();
      if (moved) onChange();
      return moved;
    } catch (error) {
      log.error({ error }, 'rollouts: a step failed; the next tick tries again');
      return false;
    }
  }
}
