import type { Damage } from '../model/damage.ts';
import type { Session } from '../store/session.ts';
import type { Tables } from '../store/tables/tables.ts';
import type { LogWriter } from './log-writer.ts';

/** One transaction, as its script sees it. */
export interface Transaction {
  readonly session: Session;
  readonly tables: Tables;
  /** Lets others work in the middle of what takes long. */
  readonly turn: () => Promise<void>;
  /** What is known to be missing. */
  readonly damage: Damage | undefined;
}

/** One that may write to the logs. Its script has to finish them. */
export interface LogTransaction extends Transaction {
  readonly log: LogWriter;
}
