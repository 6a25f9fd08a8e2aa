/** A process that applies without end and says each rev once it is stored: something to kill. */
import { apply, openStore, spec } from '../fleet.ts';

const [path = '', round = ''] = process.argv.slice(2);
const store = await openStore(path);
for (let number = 0; ; number += 1) {
  const { rev } = await apply(store, spec(`r${round}-${number % 50}`, Number(round) * 1_000_000 + number));
  process.stdout.write(`${rev}\n`);
}
