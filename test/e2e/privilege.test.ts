import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { serviceRedirect, startProduct } from '../support/operator.ts';
import { must, run } from '../support/process.ts';
import { ROOT, Testbed } from '../support/testbed.ts';

const NOBODY = '65534';
const STRANGER = '65533';

async function statusOf(pid: number): Promise<Record<string, string>> {
  const rows = (await readFile(`/proc/${pid}/status`, 'utf8')).trim().split('\n');
  return Object.fromEntries(rows.map((row) => row.split(/:\s+/) as [string, string]));
}

/** What the kernel says of every BPF object among the descriptors of a process. */
async function bpfDescriptors(pid: number): Promise<{ target: string; info: string }[]> {
  const found = [];
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    if (!target.includes('bpf')) continue;
    found.push({ target, info: await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8') });
  }
  return found;
}

test.serial(
  'privilege: the agent is nobody, can gain nothing, and holds no link and no attachable program',
  async (t) => {
    await using bed = await Testbed.make();
    const { agent, operator } = await startProduct(bed);
    const { rev } = await operator.apply(serviceRedirect('to-c', 'v4'));
    await operator.applied(rev);

    const pid = agent.pid ?? 0;
    const status = await statusOf(pid);
    t.is(status.Uid, Array(4).fill(NOBODY).join('\t'));
    t.is(status.Gid, Array(4).fill(NOBODY).join('\t'));
    t.is(status.Groups?.trim(), '');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) t.is(status[set], '0'.repeat(16), set);
    t.is(status.NoNewPrivs, '1');

    const descriptors = await bpfDescriptors(pid);
    t.true(descriptors.some(({ target }) => target === 'anon_inode:bpf-map'));
    t.deepEqual(
      descriptors.filter(({ target }) => /link/.test(target)),
      [],
    );
    for (const { info } of descriptors.filter(({ target }) => target.includes('bpf-prog'))) {
      t.regex(info, /^prog_type:\s+1$/m, 'a program among the descriptors is a socket filter: no netdev takes it');
    }
  },
);

test.serial('privilege: what is run as nobody was compiled by ./dev build, and nobody can write there', async (t) => {
  const { status, stderr } = await run([
    'env',
    'NODE_DEBUG_NATIVE=COMPILE_CACHE',
    join(ROOT, 'tools/as-nobody'),
    '--version',
  ]);
  t.is(status, 0, stderr);
  t.regex(stderr, /V8 code cache for ESM \S+ was accepted/);
  const compiled = join(ROOT, '.cache/compiled');
  const theirs = (await readdir(compiled)).find((name) => name.endsWith(`-${NOBODY}`)) ?? '';
  const { uid } = await stat(compiled);
  const writable = ['find', join(compiled, theirs), '(', '!', '-uid', `${uid}`, '-o', '-perm', '/022', ')'];
  t.is(await must(writable), '');
  t.not(`${uid}`, NOBODY);
});

test.serial('privilege: another user opens no pin, and the owner none of root', async (t) => {
  await using bed = await Testbed.make();
  const attached = await bed.attach('--interface', 'to-a');
  t.is(attached.status, 0, attached.stderr);
  const pins = (await must(['find', bed.pinRoot, '-type', 'f'])).trim().split('\n');
  t.true(pins.length > 10);

  const open = async (user: string, pin: string) => {
    const drop = ['setpriv', '--reuid', user, '--regid', user, '--clear-groups', '--bounding-set', '-all'];
    const { status, stdout, stderr } = await run([...drop, '--no-new-privs', 'bpftool', 'map', 'show', 'pinned', pin]);
    return status === 0 ? 'opened' : stdout + stderr;
  };
  t.is(
    await open(NOBODY, join(bed.pins, 'redirect4')),
    'opened',
    'its owner can, so the refusals below mean something',
  );
  for (const pin of pins) t.regex(await open(STRANGER, pin), /Permission denied/, pin);
  const roots = pins.filter((pin) => pin.startsWith(join(bed.pins, 'root')));
  t.true(roots.length >= 2, 'the program and a link');
  for (const pin of roots) t.regex(await open(NOBODY, pin), /Permission denied/, pin);
});
