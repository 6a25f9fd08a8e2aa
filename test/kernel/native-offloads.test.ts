import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const ENOENT = -2;
const ENODEV = -19;
const EINVAL = -22;
const EOPNOTSUPP = -95;
const BOTH = ['rx-vlan-hw-parse', 'rx-vlan-stag-hw-parse'];

kernel(
  'native offloads: read and set by name, read in another namespace, and no thread of ours leaves its own',
  async (t) => {
    t.deepEqual(await runInNamespace(new URL('native-offloads.scenario.ts', import.meta.url)), {
      before: [0, 'near0', BOTH, BOTH],
      off: [0, ['rx-vlan-stag-hw-parse'], BOTH],
      on: [0, BOTH],
      far: [0, 'far1', true],
      ids: { near: null, far: true, own: { rc: 0, id: -1 } },
      stillHere: true,
      fixed: [0, []],
      refused: [ENODEV, ENODEV, EOPNOTSUPP, ENOENT, EINVAL, ENOENT],
    });
  },
);
