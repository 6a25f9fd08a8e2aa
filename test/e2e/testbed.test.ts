import { stat } from 'node:fs/promises';
import test from 'ava';
import { must, Running, until } from '../support/process.ts';
import { SERVICE, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

test.serial('testbed: A reaches B over both families, and no datagram is lost', async (t) => {
  await using bed = await Testbed.make();
  const [b, c] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c')];
  for (const target of [SERVICE.v4, SERVICE.v6]) {
    const asker = await Asker.start(bed, target);
    t.like(await asker.burst(2000), { sent: 2000, answers: { b: 2000 }, lost: 0, repeats: 0 });
  }
  t.like(await b.counted(), { datagrams: 4000, distinct: 4000 });
  t.is((await c.counted()).datagrams, 0);
});

test.serial('testbed: what a process that was killed left behind is removed', async (t) => {
  const program = `
    const { Testbed } = await import(${JSON.stringify(new URL('../support/testbed.ts', import.meta.url).href)});
    const bed = await Testbed.make();
    await bed.start('c', 'sleep', ['sleep', '1000']);
    console.log(bed.folder);
    setInterval(() => {}, 1000);`;
  const victim = await Running.start('victim', [process.execPath, '--input-type=module', '-e', program]);
  const folder = await victim.until('has a bed', 10_000, () => victim.lines[0]);
  const namespaces = async () => (await must(['ip', 'netns', 'list'])).includes(`shunt-${victim.pid}-`);
  t.true((await stat(folder)).isDirectory());
  t.true(await namespaces());
  await victim.stop('SIGKILL');
  await until('the bed is gone', 10_000, async () => {
    return !(await namespaces()) && (await stat(folder).catch(() => undefined)) === undefined;
  });
  t.false(await namespaces());
});
