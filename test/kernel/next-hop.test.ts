import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();

// biome-ignore lint/suspicious/noExplicitAny: what a scenario prints is looked at field by field
const observe = (scenario: string): Promise<any> =>
  runInNamespace(new URL('next-hop.scenario.ts', import.meta.url), scenario);

const BY_B0 = ['b0', '192.0.2.9', 1500];
const BY_B1 = ['b1', '192.0.3.9', 1500];
const BY_B0_6 = ['b0', '2001:db8::9', 1500];
const BY_B1_6 = ['b1', '2001:db8:1::9', 1500];
const NOWHERE = 'no-route';

kernel('next hop: nothing that a stranger sends moves it or its MTU, in both families', async (t) => {
  const { before, heard, after } = await observe('whatStrangersSay');
  const gateway6 = ['b0', 'fe80::9', 1500];
  t.deepEqual(before, [BY_B0, BY_B0, BY_B0, BY_B0_6, gateway6, gateway6]);
  t.deepEqual(
    heard,
    [
      ...[
        [null, 576],
        ['192.0.2.9', 576],
        ['192.0.2.66', null],
      ], // gateway and MTU, as the kernel has them now
      ...[
        [null, 1280],
        ['fe80::9', 1280],
        ['fe80::66', null],
      ],
    ],
    'or the stranger was not believed by the kernel itself',
  );
  t.deepEqual(after, before);
});

kernel('next hop: each kind of route leads where it says, with its own MTU, or nowhere', async (t) => {
  const { routes, own, bound } = await observe('kindsOfRoutes');
  t.deepEqual(routes, {
    '10.1.0.5': BY_B1,
    '10.2.0.5': ['b0', '192.0.2.9', 1400],
    '10.3.0.5': ['b0', '192.0.2.9', 1000],
    '10.4.0.5': BY_B0, // no route makes a device take more
    '10.5.0.5': BY_B0,
    '10.6.0.5': BY_B0,
    '10.7.0.5': BY_B0,
    '10.8.0.5': NOWHERE,
    '10.9.0.5': BY_B1_6,
    '10.10.0.5': BY_B0_6,
    '10.11.0.5': ['b0', '172.16.0.1', 'asking'],
    '10.12.0.5': ['b0', '10.12.0.5', 'asking'],
    '10.13.0.5': NOWHERE,
    '10.14.0.5': NOWHERE,
    '10.15.0.5': NOWHERE,
    '10.16.0.5': BY_B1,
    '10.17.0.5': NOWHERE,
    '10.18.0.5': NOWHERE,
    '2001:db8:a1::5': BY_B0_6,
    '2001:db8:a2::5': BY_B1_6, // of an object that routes may share, the MTU of one says nothing of the other
    '2001:db8:a3::5': BY_B0_6,
    '2001:db8:a4::5': ['b1', 'fe80::9', 1300],
    '2001:db8:a5::5': NOWHERE,
    '2001:db8:a6::5': NOWHERE,
    '2001:db8:a7::5': NOWHERE,
    '2001:db8:a8::5': BY_B0_6,
    '2001:db8:a9::5': NOWHERE,
  });
  t.deepEqual(own, [NOWHERE, NOWHERE], 'the host’s own addresses');
  t.deepEqual(bound, [
    ...[BY_B0, ['b0', '192.0.2.9', 1400], ['b0', '172.30.0.1', 'asking'], BY_B0_6],
    ...[NOWHERE, NOWHERE, ['b0', 'fe80::9', 1500]],
  ]);
});

kernel('next hop: of several the same one is taken while it works, and another one when it does not', async (t) => {
  const { both, unlisted, withoutFirst, withoutSecond } = await observe('livingHops');
  t.deepEqual(both, [BY_B0, BY_B0_6, BY_B0, BY_B0_6, BY_B0, BY_B1_6]);
  t.deepEqual(unlisted, both, 'the kernel names the next hop objects alone');
  t.deepEqual(withoutFirst, [BY_B1, BY_B1_6, BY_B1, BY_B1_6, NOWHERE, BY_B1_6]);
  t.deepEqual(withoutSecond, [BY_B0, BY_B0_6]);
});
