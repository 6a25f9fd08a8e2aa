import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const EWOULDBLOCK = -11;
const ENOTDIR = -20;
const ELOOP = -40;

const observe = (scenario: string) => runInNamespace(new URL('native-lifetime.scenario.ts', import.meta.url), scenario);

kernel('native handles: 10,000 maps and mappings opened and closed leave no descriptor behind', async (t) => {
  t.deepEqual(await observe('descriptors'), { afterMaps: 0, afterSubscriptions: 0 });
});

kernel('native handles: a worker thread that ends, or is ended, gives back what it left open', async (t) => {
  t.deepEqual(await observe('workers'), { leaked: 0, errors: [], mainStillWorks: 0 });
});

kernel('native handles: a lock that nobody looks at is held until it is closed', async (t) => {
  const folders = [EWOULDBLOCK, ENOTDIR, ENOTDIR, 0];
  const files = { collected: EWOULDBLOCK, held: EWOULDBLOCK, freed: 'object', symlink: ELOOP };
  t.deepEqual(await observe('lock'), { ...files, folders });
});

kernel('native notices: an exception in the callback is uncaught, and the subscription goes on', async (t) => {
  t.deepEqual(await observe('throwing'), { surfaced: true, uncaught: ['from the callback'], goesOn: true });
});

kernel('native notices: in a worker, a callback may throw or exit', async (t) => {
  t.deepEqual(await observe('workerCallbacks'), { thrown: ['from the callback'], exit: [] });
});

kernel('native notices: a callback may close its own subscription', async (t) => {
  t.deepEqual(await observe('closing'), { calls: 1 });
});

kernel('native notices: a subscription does not keep the process alive', async (t) => {
  const index = fileURLToPath(new URL('../../native/index.ts', import.meta.url));
  const script = `(await import(${JSON.stringify(index)})).loadNative().netSubscribe(() => {})`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 600_000,
  });
  t.is(stderr, '');
});
