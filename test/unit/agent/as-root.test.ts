import test from 'ava';
import { attach } from '../../../agent/attach/attach.ts';
import { detach } from '../../../agent/attach/detach.ts';
import { asRoot } from '../../../agent/doctor/finding.ts';
import { examineInterfaces } from '../../../agent/doctor/interfaces.ts';
import type { Native, NetLink } from '../../../native/index.ts';

/** Does something as a user: of what asks for its id. */
function as<T>(uid: number, act: () => T): T {
  const { geteuid } = process;
  process.geteuid = () => uid;
  try {
    return act();
  } finally {
    Object.assign(process, { geteuid });
  }
}

const NOBODY = 65534;
const NATIVE = {} as Native;

test.serial('root: attach and detach say what they need it for', (t) => {
  const options = { interfaces: ['lo'], mode: 'auto', pinRoot: '/nowhere' } as const;
  t.throws(() => as(NOBODY, () => attach(NATIVE, options)), {
    message: 'attach needs root: it loads a program into the kernel; run it with sudo',
  });
  t.throws(() => as(NOBODY, () => detach(NATIVE, '/nowhere', [])), {
    message: 'detach needs root: it takes programs off interfaces, and pins away; run it with sudo',
  });
});

test.serial('root: doctor sends to root only who is not', (t) => {
  const carrying = { name: 'eth0', xdpMode: 2, xdpProgramId: 7 } as NetLink;
  const native = { netLinks: () => ({ rc: 0, items: [carrying] }) } as unknown as Native;
  const mends = [0, NOBODY].map((uid) =>
    as(uid, () => examineInterfaces(native, '/nowhere', undefined).map(({ mend }) => mend)),
  );
  t.deepEqual(mends, [
    ["if it is Shunt's, name the folder that its attach had: --pin-root; else bpftool net show dev eth0"],
    ['look again as root'],
  ]);
  t.notRegex(as(0, asRoot), /as root/);
});
