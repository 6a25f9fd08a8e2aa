/** What file modes let a process do that has no capability and can gain none. */
import { readFileSync } from 'node:fs';
import { kernelTests } from '../../support/kernel.ts';
import { observer } from './observe.ts';

const kernel = kernelTests();
const EPERM = -1;
const EACCES = -13;
const EINVAL = -22;

interface Observed {
  readonly owner: Readonly<Record<string, unknown>> & { readonly can: Readonly<Record<string, number>> };
  readonly stranger: Readonly<Record<string, unknown>>;
  readonly attachClosed: unknown;
  readonly attachOpen: unknown;
  readonly attachClock: unknown;
  readonly detachOpen: unknown;
}
const observe = observer<Observed>('privilege.scenario.ts');

kernel(
  'fact owner-can: the owner of 0600 pins needs no capability to use maps, rtnetlink and membarrier',
  async (t) => {
    const { can, seesProgram } = (await observe()).owner;
    t.is(Object.keys(can).length, 17);
    for (const [what, rc] of Object.entries(can)) t.is(rc, 0, what);
    t.true(seesProgram, 'and the id of the attached program');
  },
);

kernel(
  'fact owner-cannot: it cannot create maps, open by id, unlink pins, write neighbours, switch offloads, open others',
  async (t) => {
    const { create, openById, unlink, writeNeighbour, switchOffload, program, link } = (await observe()).owner;
    if (readFileSync('/proc/sys/kernel/unprivileged_bpf_disabled', 'utf8').trim() !== '0') t.is(create, EPERM);
    t.regex(String(openById), /Operation not permitted/);
    t.is(unlink, 'EACCES');
    t.regex(String(writeNeighbour), /Operation not permitted/);
    t.is(switchOffload, EPERM);
    t.deepEqual([program, link], [EACCES, EACCES]);
  },
);

kernel('fact stranger-cannot: another user opens no pin', async (t) => {
  const { folder: _, ...stranger } = (await observe()).stranger;
  t.deepEqual(stranger, { maps: Array(3).fill(EACCES), clock: EACCES, program: EACCES, link: EACCES });
});

kernel('fact folder-lock: the owner of a 0700 folder of a bpffs locks it, and another user does not', async (t) => {
  const { owner, stranger } = await observe();
  t.deepEqual([owner.folder, stranger.folder], [0, EACCES]);
});

kernel(
  'fact program-pin-root: who can open the pin of an XDP program can attach it; of the clock nobody can',
  async (t) => {
    const { attachOpen, attachClosed, attachClock } = await observe();
    t.deepEqual(attachOpen, { opened: 0, attached: 0 });
    t.deepEqual(attachClosed, { opened: EACCES });
    t.is(attachClock, EINVAL, 'a socket filter fits no netdev');
  },
);

kernel('fact link-pin-root: who can open the pin of a link can detach it', async (t) => {
  t.is((await observe()).detachOpen, 0);
});
