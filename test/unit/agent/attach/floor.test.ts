import { constants } from 'node:os';
import test from 'ava';
import { judgeKernel } from '../../../../agent/attach/floor.ts';
import { examineKernel } from '../../../../agent/doctor/kernel.ts';
import { awaitPackets, NO_GRACE } from '../../../../agent/kernel/grace.ts';
import { KernelError } from '../../../../agent/model/kernel-error.ts';

const CASES = [
  ['4.19.0-26-amd64', '2', 998, 'none'],
  ['5.8.18', '0', 0, 'none'],
  ['5.9.0', '0', 998, 'untried'],
  ['5.10.0-30-amd64', '0', 998, 'untried'],
  ['5.10.0-30-amd64', '2', 0, 'untried'],
  ['5.10.0-30-amd64', '2', undefined, 'untried'],
  ['5.10.0-30-amd64', '1', 998, 'agent'],
  ['5.18.19', '2', 998, 'agent'],
  ['5.18.19', undefined, 998, 'agent'],
  ['5.19.0', '2', 998, undefined],
  ['5.19-rc1', '2', 998, undefined],
  ['6.1.0-18-cloud-amd64', '2', 998, undefined],
  ['10.0', '2', 998, undefined],
] as const;

for (const [release, setting, uid, keeps] of CASES) {
  test(`floor: Linux ${release}, unprivileged_bpf_disabled ${setting}, maps of user ${uid}`, (t) => {
    const found = judgeKernel(release, setting, uid);
    t.is(found?.keeps, keeps);
    if (found === undefined) return;
    t.regex(found.why, new RegExp(`^Linux ${release} `));
    t.is(/bpf\(2\)/.test(found.why), keeps === 'agent');
    t.regex(found.mend, /^use Linux 5\.19 or newer/);
  });
}

test('floor: doctor names what a kernel below it keeps from working', (t) => {
  const native = { netFeatures: () => ({ rc: 0, items: [] }), membarrierGlobal: () => 0 };
  const levels = CASES.map(([release, setting, uid]) => {
    const shortfall = judgeKernel(release, setting, uid);
    const [found] = examineKernel(native, shortfall);
    t.is(found?.mend, shortfall?.mend);
    return found?.level;
  });
  const of = { none: 'bad', agent: 'bad', untried: 'warn', ok: 'ok' } as const;
  t.deepEqual(
    levels,
    CASES.map(([, , , keeps]) => of[keeps ?? 'ok']),
  );
});

test('floor: that the kernel says nothing of its drivers is laid to its age only if the errno says so', (t) => {
  const said = ([2, 12, 1] as const).map((errno) => {
    const native = { netFeatures: () => ({ rc: -errno, items: [] }), membarrierGlobal: () => 0 };
    const [, found] = examineKernel(native, undefined);
    return found?.found;
  });
  const what = 'does not say which drivers send redirected frames';
  t.deepEqual(said, [`${what} (before 6.3)`, `${what} (ENOMEM)`, `${what} (EPERM)`]);
});

test('doctor: where CPUs run without a tick nobody is told when packets under way are through, which each agent needs', (t) => {
  const native = { netFeatures: () => ({ rc: 0, items: [] }), membarrierGlobal: () => -constants.errno.EINVAL };
  const bad = examineKernel(native, undefined).filter(({ level }) => level === 'bad');
  t.deepEqual(
    bad.map(({ mend }) => mend),
    [NO_GRACE],
  );
  const error = t.throws(() => awaitPackets(native, 'rows4'), { instanceOf: KernelError });
  t.true(error?.message.includes(NO_GRACE));
});
