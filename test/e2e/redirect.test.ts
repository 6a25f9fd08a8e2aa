import test from 'ava';
import { type Family, serviceRedirect, startProduct } from '../support/operator.ts';
import { SERVICE, Testbed } from '../support/testbed.ts';
import { Asker, Echo, HEADER_BYTES } from '../support/traffic.ts';

const DATAGRAMS = 10_000;
const MAPS = { v4: 'redirect4', v6: 'redirect6' } as const;

/** On native veth the far ends need GRO on; generic mode needs nothing. */
const MODES = [
  { mode: 'native', gro: true },
  { mode: 'generic', gro: false },
] as const;

for (const { mode, gro } of MODES) {
  test.serial(`redirect: ${mode}, every datagram goes to C and is counted, and back to B after delete`, async (t) => {
    await using bed = await Testbed.make({ gro });
    const { operator } = await startProduct(bed, '--mode', mode);
    const [b, c] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c')];

    for (const family of ['v4', 'v6'] as const satisfies Family[]) {
      const asker = await Asker.start(bed, SERVICE[family]);
      t.is((await asker.burst(100)).answers.b, 100, `${family}: B answers before`);
      const [b0, c0] = [await b.counted(), await c.counted()];

      const { rev } = await operator.apply(serviceRedirect(`to-c-${family}`, family));
      const status = await operator.applied(rev);
      t.deepEqual(
        status.interfaces.map((it) => [it.name, it.mode]),
        [
          ['to-a', mode],
          ['to-c', mode],
        ],
      );
      t.is((await bed.entries(MAPS[family])).length, 1);

      const asked = await asker.burst(DATAGRAMS);
      const [b1, c1] = [await b.counted(), await c.counted()];
      t.is(b1.datagrams - b0.datagrams, 0, `${family}: B receives none`);
      t.is(c1.datagrams - c0.datagrams, DATAGRAMS, `${family}: C receives all`);
      t.is(c1.distinct - c0.distinct, DATAGRAMS);
      t.is(asked.answers.c, DATAGRAMS, 'and every answer of C reaches A');
      t.is(asked.lost, 0);

      const [entry, ...others] = await operator.dump();
      t.deepEqual(others, []);
      t.is(entry?.packets, `${DATAGRAMS}`);
      t.is(entry?.bytes, `${c1.bytes - c0.bytes + DATAGRAMS * HEADER_BYTES[family]}`, `${family}: L2 frame bytes`);

      const gone = await operator.delete(`to-c-${family}`);
      await operator.applied(gone.rev);
      t.deepEqual(await bed.entries(MAPS[family]), []);
      const after = await asker.burst(1000);
      t.is((after.answers.b ?? 0) - (asked.answers.b ?? 0), 1000, `${family}: B answers again`);
      t.is((await c.counted()).datagrams, c1.datagrams);
    }
  });
}
