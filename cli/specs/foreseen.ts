import type { ApplyRequest } from '../../protocol/api.ts';
import type { Bus } from '../client.ts';
import { Failure } from '../line/failure.ts';
import { effectNotes } from '../show/plan-notes.ts';
import { askPlan } from './ask-plan.ts';
import type { Prepared } from './prepare.ts';

/** Of a longer upload nobody waits for a plan that was not asked for. */
const MAX_FORESEEN = 100;
const SILENT = { progress: (): void => {} };

/** What deserves a second look of an apply that is about to be asked for: as a plan of the same says it. */
export async function foreseen(
  specs: readonly Prepared[],
  { set, prune = [], delete: goes = [] }: Pick<ApplyRequest, 'set' | 'prune' | 'delete'>,
  bus: Pick<Bus, 'api' | 'maxPayloadBytes'>,
): Promise<readonly string[]> {
  if (specs.length + goes.length + prune.length > MAX_FORESEEN) return [];
  try {
    return effectNotes(
      await askPlan(specs, { delete: [...goes, ...prune], ...(set !== undefined && { set }) }, bus, SILENT),
    );
  } catch (error) {
    if (error instanceof Failure) return []; // what is wrong, the apply itself says; who may apply may not be allowed to plan
    throw error;
  }
}
