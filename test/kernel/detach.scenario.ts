/** What `detach` is pointed at and did not make: its answers, and what stands before and after, as one JSON document. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import { STRUCTS } from '../../agent/kernel/abi.ts';
import { loadNative } from '../../native/index.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';

const HASH = 1;
const ARRAY = 2;
const native = loadNative();
const parent = mkdtempSync(join(tmpdir(), 'shunt-detach-'));
const at = (...names: readonly string[]): string => join(parent, ...names);
const sh = (line: string): string => execFileSync('sh', ['-ec', line], { cwd: parent, encoding: 'utf8' });
const attachAt = (pinRoot: string): void => {
  const options = { interfaces: ['lo'], mode: 'generic', maxRedirects: 64, acceptPrivatePins: true } as const;
  attach(native, { ...options, acceptHiddenTags: true, pinRoot });
};
/** Whatever lies below a folder, and whatever is mounted. */
const standing = (): string =>
  `${sh('find . | sort')}${sh("grep -F shunt-detach- /proc/self/mounts | cut -d' ' -f1-3")}`;

/** Points `detach` somewhere: what it says, and whether it left everything alone. */
function aim(pinRoot: string): { said: string; untouched: boolean } {
  const before = standing();
  let said = 'done';
  try {
    detach(native, pinRoot, []);
  } catch (error) {
    said = (error as Error).message.replaceAll(parent, '…');
  }
  return { said, untouched: standing() === before };
}

function pinMap(path: string, keySize: number, valueSize: number, name: string, type = HASH): void {
  const map = must('mapCreate', native.mapCreate(type, name, keySize, valueSize, 4, 0));
  native.mapPin(map, path);
  native.close(map);
}

const strange: Record<string, () => string> = {
  'a plain folder': () => {
    mkdirSync(at('plain', 'v2', 'root'), { recursive: true });
    writeFileSync(at('plain', 'v2', 'about'), 'precious');
    return at('plain');
  },
  'a file': () => {
    mkdirSync(at('file'));
    writeFileSync(at('file', 'v2'), 'precious');
    return at('file');
  },
  'a bpffs of somebody else, with nothing of ours': () => {
    sh('mkdir other && mount -t bpf bpf other && mkdir other/v2');
    pinMap(at('other', 'v2', 'stats'), 4, 32, 'stats');
    pinMap(at('other', 'v2', 'redirect4'), 4, 8, 'redirect4');
    return at('other');
  },
  'a bpffs of somebody else, empty': () => {
    sh('mkdir empty && mount -t bpf bpf empty && mkdir -m 700 empty/agent');
    return at('empty');
  },
  'an empty v2': () => {
    sh('mkdir bare && mount -t bpf bpf bare && mkdir bare/v2');
    return at('bare');
  },
  'pins of another layout': () => {
    sh('mkdir older && mount -t bpf bpf older && mkdir older/v1');
    pinMap(at('older', 'v1', 'about'), 4, STRUCTS.about.size, 'about', ARRAY);
    return at('older');
  },
  'leftovers that are none': () => {
    sh(
      'mkdir left && mount -t bpf bpf left && mkdir -p left/new-business/v2 left/new-1/v3/more && chmod 700 left/new-1',
    );
    return at('left');
  },
};
const refused: Record<string, unknown> = {};
for (const [name, make] of Object.entries(strange)) refused[name] = aim(make());

attachAt(at('bpf'));
symlinkSync(at('bpf'), at('link'));
symlinkSync(parent, at('up'));
refused['a link to the pin root'] = aim(at('link'));
refused['a link, with a slash'] = aim(`${at('link')}/`);
refused['a link above'] = aim(join(at('up'), 'bpf'));
sh('mkdir linked && mount -t bpf bpf linked && ln -s ../bpf/v2 linked/v2');
refused['a link to v2'] = aim(at('linked'));
sh('mkdir -p bound && mount -t bpf bpf bound && mkdir bound/v2 && mount --bind bpf/v2 bound/v2');
refused['v2 mounted there'] = aim(at('bound'));
sh('umount bound/v2');
renameSync(at('bpf', 'v2', 'root'), at('bpf', 'root'));
symlinkSync('../root', at('bpf', 'v2', 'root'));
refused['a link to root'] = aim(at('bpf'));
sh('rm bpf/v2/root && mv bpf/root bpf/v2/root && mkdir bpf/v2/more');
refused['a folder beside the pins'] = aim(at('bpf'));
sh('rmdir bpf/v2/more');
for (const [what, change, back] of [
  ['a folder of somebody else above', 'chown 4242 .', 'chown 0 .'],
  ['a pin root of somebody else', 'chown 4242 bpf', 'chown 0 bpf'],
  ['a folder above that a group may write', 'chmod 770 .', 'chmod 700 .'],
  ['a folder above that everybody may write', 'chmod 777 .', 'chmod 700 .'],
] as const) {
  sh(change);
  refused[what] = aim(at('bpf'));
  sh(back);
}
sh('chmod 1777 .');

const made = aim(at('bpf'));
const gone = !readdirSync(parent).includes('bpf');
// Below a bpffs that somebody else mounted, only what attach made goes.
chmodSync(at('empty'), 0o755);
sh('rmdir empty/agent && mkdir empty/theirs');
attachAt(at('empty'));
const shared = { ...aim(at('empty')), left: readdirSync(at('empty')).filter((name) => !name.endsWith('.debug')) };
sh('umount other empty bare older left linked bound');
rmSync(parent, { recursive: true });
printResult({ refused, made, gone, shared });
