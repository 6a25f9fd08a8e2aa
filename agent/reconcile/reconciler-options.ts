import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Heap } from '../../daemon/memory.ts';
import type { Followed } from '../model/followed.ts';
import type { GuardSource } from '../model/guard.ts';
import type { BootClock, DesiredStore, Kernel, Outbox, SightStore, TimeStore } from '../ports.ts';

/** What a reconciler works on and with. */
export interface ReconcilerOptions {
  readonly kernel: Kernel;
  readonly store: Pick<
    DesiredStore,
    'saveEntries' | 'record' | 'remember' | 'move' | 'noteTime' | 'confirm' | 'requireSame'
  >;
  readonly boot: BootClock;
  readonly clock: Clock;
  readonly log: Log;
  readonly host: string;
  readonly times: TimeStore;
  readonly sight: SightStore;
  readonly outbox: Outbox;
  /** Interfaces that ought to have the program. */
  readonly interfaces: readonly string[];
  /** Where the host says what redirects may do; absent where they may do all. */
  readonly guard?: GuardSource;
  /** Makes `kernel` that of the pins that are there now. Errors: KernelError while it cannot be. */
  readonly reopen: () => Promise<void>;
  /** Looks what became of the maps that `kernel` has; absent where none take their place. Errors: KernelError. */
  readonly follow?: () => Followed;
  /** Is told when many keys are to be settled, and when their garbage is worth giving back. */
  readonly heap?: Heap;
}
