import type { Native } from '../../native/index.ts';
import { AttachError } from '../attach/attach-error.ts';
import { Bypass } from '../attach/bypass.ts';
import { ownKernel } from '../attach/floor.ts';
import { ownNetns } from '../kernel/open-maps.ts';
import { KernelError } from '../model/kernel-error.ts';
import { examineAgent } from './agent.ts';
import { asRoot, type Finding, findings } from './finding.ts';
import { examineGuard } from './guard.ts';
import { examineInterfaces } from './interfaces.ts';
import { examineKernel } from './kernel.ts';
import { examinePins } from './pins.ts';
import { examineState } from './state.ts';
import { examineTags } from './tags.ts';

export type { Finding, Level } from './finding.ts';

const bypass = findings('bypass');
/** An ifindex is true in one network namespace only. */
const ELSEWHERE = findings('interfaces').unseen(
  'those that the program is attached to: they are in another network namespace',
  'look where shunt attach was run: nsenter --net=… shunt doctor',
);

/** Looks at this host as far as this user may, and changes nothing. `state` is the state directory of the agent, `guard` its guard file. */
export function examineHost(native: Native, pinRoot: string, state: string, guard: string): readonly Finding[] {
  const pins = examinePins(native, pinRoot);
  const { about } = pins;
  const isHere = about === undefined || about.netns === ownNetns();
  return [
    ...examineKernel(native, ownKernel(pins.owner)),
    ...pins.findings,
    ...(pins.owner === undefined ? [] : [examineBypass(native, pinRoot)]),
    ...examineGuard(guard, pinRoot),
    ...(isHere ? [...examineInterfaces(native, pinRoot, about), ...examineTags(native, pinRoot, about)] : [ELSEWHERE]),
    ...examineState(state, pins.owner),
    ...examineAgent(native, pinRoot, state, about),
  ];
}

function examineBypass(native: Native, pinRoot: string): Finding {
  try {
    using control = new Bypass(native, pinRoot);
    if (!control.on) return bypass.ok('off: redirects are in force');
    return bypass.bad('on: every packet passes, nothing is redirected', 'shunt bypass off');
  } catch (error) {
    if (!(error instanceof AttachError || error instanceof KernelError)) throw error;
    return bypass.unseen(`whether it is on: ${error.message}`, asRoot());
  }
}
