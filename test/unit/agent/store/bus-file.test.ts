import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BusFile, readBusFile } from '../../../../agent/store/bus-file.ts';

const LOST = { code: 'DOWN', reason: 'the connection was lost', since: 1000 };
const REFUSED = { code: 'REFUSED', reason: 'the server does not let this user in', since: 3000 };

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shunt-bus-file-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test('bus file: trouble is there while it lasts, since it began, with its last reason', (t) => {
  const path = folder(t);
  const file = new BusFile(path);
  file.note(undefined);
  t.is(readBusFile(path), undefined);
  file.note(LOST);
  file.note(REFUSED);
  t.deepEqual(readBusFile(path), { ...REFUSED, since: 1000 });
  file.note(undefined);
  t.deepEqual(readdirSync(path), []);
  file.note(REFUSED);
  t.deepEqual(readBusFile(path), REFUSED);
});

test('bus file: one that cannot be read says nothing, and what cannot be written is an error', (t) => {
  const path = folder(t);
  for (const text of ['', '{', '{"code":"DOWN"}', 'null']) {
    writeFileSync(join(path, 'bus.json'), text);
    t.is(readBusFile(path), undefined, text);
  }
  t.throws(() => new BusFile(join(path, 'absent')).note(LOST), { code: 'ENOENT' });
});
