/** Packets that are longer than any frame on the wire, and who leaves them so; one of 10 segments. */
import { kernelTests } from '../../support/kernel.ts';
import { observer } from './observe.ts';

const kernel = kernelTests();
const observe = observer<unknown>('unsegmented.scenario.ts');

const whole = { TOO_BIG: 1 };
const cut = { SENT: 10 };

kernel('fact unsegmented-veth: in generic mode a packet comes as whole as its sender left it', async (t) => {
  t.deepEqual(await observe('veth generic'), {
    'by default': whole,
    'gso off': whole,
    'gso on': whole,
    'tso off': cut,
    'tso on': whole,
    'tx off': cut,
  });
});

kernel('fact unsegmented-veth: in native mode the kernel keeps segmentation offload off at the far end', async (t) => {
  t.deepEqual(await observe('veth native'), { hits: cut, fixed: [true, true, true] });
});

kernel('fact unsegmented-bridge: what GRO merged at a port comes merged to the program on the bridge', async (t) => {
  t.deepEqual(await observe('bridge'), { segments: cut, merged: true, sent: true });
});

for (const mode of ['generic', 'native']) {
  kernel(`fact unsegmented-tap: in ${mode} mode a packet comes as whole as it was written`, async (t) => {
    t.deepEqual(await observe(`tap ${mode}`), whole);
  });
}
