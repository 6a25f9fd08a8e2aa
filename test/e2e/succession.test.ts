import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { AttachReport } from '../../agent/attach/attach.ts';
import type { Replaced } from '../../agent/attach/succession.ts';
import { serviceRedirect } from '../support/operator.ts';
import { otherBuild } from '../support/other-build.ts';
import type { Running } from '../support/process.ts';
import { Redirected } from '../support/redirected.ts';
import { Testbed } from '../support/testbed.ts';

const RATE = 2_000;
const BOTH = ['to-a', 'to-c'];

/** Attaches by a build, and answers what took the place of what. */
async function attach(t: ExecutionContext, bed: Testbed, ...args: readonly string[]) {
  const { status, stdout, stderr } = await bed.attach('--interface', 'to-a', '-o', 'json', ...args);
  t.is(status, 0, stderr);
  const { replaced, program } = JSON.parse(stdout) as AttachReport;
  return {
    program: `${program.before?.version ?? ''} → ${program.version} on ${program.switched.toSorted().join()}`,
    replaced: replaced.map(({ from, to, switched, counts }) => ({
      ...{ from: nameOf(from), to: nameOf(to) },
      ...{ switched: switched.toSorted(), counts },
    })),
  };
}

function nameOf({ layout, slots, table }: Replaced['to']): string {
  return `v${layout} ${slots}${table === false ? ' without a table' : ''}`;
}

test.serial(
  'maps of another size and of another layout take the place of those that stand, under traffic',
  async (t) => {
    t.timeout(300_000);
    await using bed = await Testbed.make();
    const folder = join(bed.folder, 'other');
    await otherBuild(folder, '0.2.0', 'next');
    const redirected = await Redirected.start(bed, RATE, ['--max-redirects', '64']);
    const { operator, agent } = redirected;

    const foretold = await bed.attach('--interface', 'to-a', '--max-redirects', '128', '--dry-run');
    t.regex(
      foretold.stdout,
      /^to-a: unchanged, .*\nprogram .* → 0\.1\.0: would be replaced on to-[ac], to-[ac]\nmaps: would be replaced /,
    );
    const { replaced: up } = await attach(t, bed, '--max-redirects', '128');
    t.deepEqual(up, [{ from: 'v2 64', to: 'v2 128', switched: BOTH, counts: true }]);
    t.deepEqual((await attach(t, bed, '--max-redirects', '128')).replaced, []);
    const { replaced: down } = await attach(t, bed, '--max-redirects', '16');
    t.deepEqual(down, [{ from: 'v2 128', to: 'v2 16', switched: BOTH, counts: true }]);
    const { replaced: without } = await attach(t, bed, '--table', 'off');
    t.deepEqual(without, [{ from: 'v2 16', to: 'v2 16 without a table', switched: BOTH, counts: true }]);
    const { replaced: withOne } = await attach(t, bed, '--table', 'on');
    t.deepEqual(withOne, [{ from: 'v2 16 without a table', to: 'v2 16', switched: BOTH, counts: true }]);
    const twice = await operator.apply(serviceRedirect('to-c', 'v4'), serviceRedirect('beside', 'v6'));
    await operator.applied(twice.rev);

    // An agent that does not speak the layout ends, and one that does takes over.
    const change = async (to: Testbed, ended: Running): Promise<Running> => {
      await ended.ended;
      t.is(ended.status, 0, ended.lines.join('\n'));
      return await to.startAgent();
    };
    const next = bed.by(folder);
    const [forth, second] = await Promise.all([attach(t, next), change(next, agent)]);
    t.is(forth.program, '0.1.0 → 0.2.0 on to-a,to-c');
    t.deepEqual(forth.replaced, [{ from: 'v2 16', to: 'v3 16', switched: BOTH, counts: true }]);
    const [back, third] = await Promise.all([attach(t, bed), change(bed, second)]);
    t.is(back.program, '0.2.0 → 0.1.0 on to-a,to-c');
    t.deepEqual(back.replaced, [{ from: 'v3 16', to: 'v2 16', switched: BOTH, counts: true }]);
    t.deepEqual((await readdir(bed.pinRoot)).filter((name) => !name.endsWith('.debug')).toSorted(), ['agent', 'v2']);

    await operator.applied(twice.rev);
    await redirected.end(t);
    t.is(third.status, undefined);
  },
);
