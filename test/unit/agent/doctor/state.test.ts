import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { examineState } from '../../../../agent/doctor/state.ts';

test('doctor: a state directory that somebody else could exchange is bad, for no agent starts on it', (t) => {
  const top = mkdtempSync(join(tmpdir(), 'shunt-doctor-'));
  t.teardown(() => rmSync(top, { recursive: true }));
  const state = join(top, 'state');
  mkdirSync(state, { mode: 0o700 });
  const bad = () => examineState(state, process.geteuid?.()).filter(({ level }) => level === 'bad');
  t.deepEqual(bad(), []);
  chmodSync(top, 0o777);
  const found = `no agent starts on ${state}: ${top} can be written to by others (mode 777)`;
  t.like(bad(), [{ found, mend: `chmod go-w ${top}` }]);
});
