import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { findOlderAgent, isBound } from '../../../../agent/kernel/claim-socket.ts';
import { decodeHolder, encodeHolder, livingHolder, ownHolder } from '../../../../agent/kernel/holder.ts';

const BOOT = '01234567-89ab-cdef-0123-456789abcdef';
const INSTANCE = '00112233445566778899aabbccddeeff';

/** A procfs of files: text, or where a link leads. */
class Proc implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'shunt-proc-'));

  constructor(files: Readonly<Record<string, string | { readonly to: string }>>) {
    for (const [name, content] of Object.entries({
      ...files,
      'sys/kernel/random/boot_id': `${BOOT}\n`,
    } as typeof files)) {
      const path = join(this.path, name);
      mkdirSync(dirname(path), { recursive: true });
      if (typeof content === 'string') writeFileSync(path, content);
      else symlinkSync(content.to, path);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** /proc/PID/stat; the name of a process may hold anything. */
function statText(state: string, started: bigint): string {
  return `7 (a) R 1 (b) ${state} 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 11 0 ${started} 99 98 97`;
}

test('holder: what a process writes down of itself is read back, and found alive', (t) => {
  const own = ownHolder();
  t.is(own.pid, process.pid);
  t.deepEqual(decodeHolder(encodeHolder(own)), own);
  t.like(livingHolder(own), { pid: process.pid, stopped: false });
});

test('holder: only the process of that number, start and boot is the holder, and no zombie', (t) => {
  const holder = { pid: 7, boot: BOOT, started: 555n };
  const cases = [
    ['S', 555n, {}, { pid: 7, started: 555n, stopped: false }],
    ['T', 555n, {}, { pid: 7, started: 555n, stopped: true }],
    ['t', 555n, {}, { pid: 7, started: 555n, stopped: true }],
    ['S', 556n, {}, undefined],
    ['Z', 555n, {}, undefined],
    ['S', 555n, { boot: BOOT.replace('0', 'f') }, undefined],
    ['S', 555n, { pid: 8 }, undefined],
    ['S', 555n, { pid: 0 }, undefined],
  ] as const;
  for (const [state, started, change, found] of cases) {
    using proc = new Proc({ '7/stat': statText(state, started) });
    t.deepEqual(
      livingHolder({ ...holder, ...change }, proc.path),
      found,
      `${state} ${started} ${JSON.stringify(change)}`,
    );
  }
  t.is(livingHolder(decodeHolder(new Uint8Array(32))), undefined, 'nobody wrote anything yet');
});

test('claim: whoever has the socket is an older agent only with the map open, too', (t) => {
  const socket = `0000: 00000002 00000000 00010000 0001 01 4711 @shunt-agent/${INSTANCE}\n`;
  const files = { 'net/unix': socket, '7/stat': statText('S', 1n), '7/fd/3': { to: 'socket:[4711]' } };
  using stranger = new Proc({ ...files, '7/fdinfo/4': 'pos:\t0\nmap_id:\t120\n' });
  using agent = new Proc({ ...files, '7/fdinfo/4': 'pos:\t0\nmap_id:\t12\nfrozen:\t0\n' });
  using nobody = new Proc({ 'net/unix': socket.replace('00', '11').replace(INSTANCE, `${INSTANCE}0`) });
  t.is(findOlderAgent(INSTANCE, 12, stranger.path), undefined);
  t.is(findOlderAgent(INSTANCE, 12, agent.path)?.pid, 7);
  t.deepEqual(
    [stranger, agent, nobody].map(({ path }) => isBound(INSTANCE, path)),
    [true, true, false],
  );
});
