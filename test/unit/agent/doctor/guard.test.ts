import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { examineGuard } from '../../../../agent/doctor/guard.ts';
import { pinPaths } from '../../../../agent/kernel/pins.ts';

test('doctor: what the guard protects is said, when it is open, and when it is not to be followed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'guard-'));
  const [path, pinRoot] = [join(folder, 'guard.yaml'), join(folder, 'bpf')];
  const look = (text?: string) => {
    if (text !== undefined) writeFileSync(path, text, { mode: 0o644 });
    return examineGuard(path, pinRoot).map(({ level, found }) => `${level} ${found.replaceAll(path, 'F')}`);
  };
  try {
    t.deepEqual(look(), ['ok there is no F, so it protects bus, ssh, dns']);
    t.deepEqual(look('dst: [203.0.113.0/24]\nmax-redirects: 7\n'), [
      'ok F protects bus, ssh, dns; dst 203.0.113.0/24; at most 7 redirects',
    ]);
    t.deepEqual(look('protect: []\n'), ['warn F protects nothing: a redirect may cut this host off']);
    t.deepEqual(look('protect: [ssh]\n'), ['warn F protects ssh, and not the bus: a redirect may cut this host off']);
    t.regex(look('\nprotects: []\n')[0] ?? '', /^bad F:2: protects: unknown field/);
    mkdirSync(pinPaths(pinRoot).layout, { recursive: true });
    t.is(look()[1], 'warn the program in force is older than it: protected packets do not pass redirects');
    writeFileSync(pinPaths(pinRoot).map('protect'), '');
    t.is(look()[1], undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
