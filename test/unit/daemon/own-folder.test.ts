import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { whoElseCouldExchange, whyNotOurFile } from '../../../daemon/own-folder.ts';

const US = process.geteuid?.() ?? 0;
const OTHER = 4711;
const asRoot = US === 0 ? test : test.skip;

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shunt-own-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function make(path: string, mode: number): string {
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

test('own folder: one of our own is fine, also below a sticky folder, and one that is not there yet', (t) => {
  const top = folder(t);
  t.is(whoElseCouldExchange(top), undefined);
  const shared = make(join(top, 'shared'), 0o1777);
  t.is(whoElseCouldExchange(make(join(shared, 'own'), 0o755)), undefined);
  t.is(whoElseCouldExchange(join(shared, 'absent', 'below')), undefined);
});

for (const mode of [0o775, 0o777, 0o757, 0o2775]) {
  const shown = mode.toString(8);
  test(`own folder: one of mode ${shown} is refused, and so is all below it`, (t) => {
    const open = make(join(folder(t), 'open'), mode);
    const why = `${open} can be written to by others (mode ${shown}); chmod go-w ${open}`;
    t.is(whoElseCouldExchange(open), why);
    t.is(whoElseCouldExchange(make(join(open, 'own'), 0o700)), why);
    t.is(whoElseCouldExchange(join(open, 'absent')), why);
  });
}

test('own folder: in a sticky folder itself others could make what is not there yet', (t) => {
  const shared = make(join(folder(t), 'shared'), 0o1777);
  const how = 'make a folder of its own there, mode 700, and name that';
  t.is(whoElseCouldExchange(shared), `${shared} can be written to by others (mode 1777); ${how}`);
});

test('own folder: a link is followed, and what it leads through is looked at', (t) => {
  const top = folder(t);
  const open = make(join(top, 'open'), 0o777);
  make(join(open, 'own'), 0o700);
  symlinkSync(join('open', 'own'), join(top, 'through'));
  t.regex(whoElseCouldExchange(join(top, 'through')) ?? '', /open can be written to by others/);
  symlinkSync('.', join(top, 'here'));
  t.is(whoElseCouldExchange(join(top, 'here')), undefined);
  symlinkSync('round', join(top, 'round'));
  t.regex(whoElseCouldExchange(join(top, 'round')) ?? '', /more than 40 symbolic links/);
});

asRoot(
  'own folder: what another user owns is refused, a folder, a link, one above or a file; what root owns is not',
  (t) => {
    const top = folder(t);
    const strange = make(join(top, 'strange'), 0o755);
    chownSync(strange, OTHER, OTHER);
    const why = `${strange} is of user ${OTHER}, who could exchange it; run this as user ${OTHER}, or chown it to user 0`;
    t.is(whoElseCouldExchange(strange), why);
    t.is(whoElseCouldExchange(make(join(strange, 'own'), 0o700)), why);
    t.is(whoElseCouldExchange(strange, OTHER), undefined, 'our own, below what is of root');
    const file = join(top, 'file');
    writeFileSync(file, '');
    t.is(whyNotOurFile(file, OTHER), undefined);
    chownSync(file, OTHER, OTHER);
    t.regex(whyNotOurFile(file) ?? '', /is of user 4711, who could exchange it/);
    t.is(whyNotOurFile(join(top, 'absent')), undefined);
  },
);
