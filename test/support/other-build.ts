import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { attach } from '../../agent/attach/attach.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What is copied: it finds its own version and its own object by its place. */
const OWN = ['agent', 'cli'];
/** What it has another of, or none. */
const OTHER = ['bpf', 'package.json', '.cache', '.git'];

/** The loader of a build. */
export interface Loading {
  readonly attach: typeof attach;
}

/** What its program does beside. */
const BESIDE = 'int shunt(struct xdp_md *ctx)\n{\n\tbpf_get_smp_processor_id();\n';

/** What its tracepoint programs do beside, all of them. */
const COUNTS_BESIDE = 'const struct about *words(void)\n{\n\tbpf_get_smp_processor_id();\n';

/** A check that begins with another number, and so a layout of another one: file by file what stands there, and what then does. */
const NEXT_LAYOUT: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'bpf/abi.h': [['SHUNT_LAYOUT = 2', 'SHUNT_LAYOUT = 3']],
  'bpf/check.h': [['CHECK_SEED 0x5348554e54763101ULL', 'CHECK_SEED 0x5348554e54763102ULL']],
  'agent/kernel/abi.ts': [['SHUNT_LAYOUT: 2', 'SHUNT_LAYOUT: 3']],
  'agent/kernel/check.ts': [['0x5348554e54763101n', '0x5348554e54763102n']],
};

/** A checkout below `folder` that is this one, but for its version, a call that its programs make, and perhaps its layout. */
export async function otherBuild(folder: string, version: string, layout?: 'next'): Promise<Loading> {
  mkdirSync(join(folder, 'bpf/build'), { recursive: true });
  for (const name of readdirSync(ROOT)) {
    if (OTHER.includes(name) || OWN.includes(name)) continue;
    symlinkSync(join(ROOT, name), join(folder, name));
  }
  for (const name of OWN) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'bpf')))
    if (name !== 'build') cpSync(join(ROOT, 'bpf', name), join(folder, 'bpf', name));
  change(join(folder, 'bpf/redirect.bpf.c'), [['int shunt(struct xdp_md *ctx)\n{\n', BESIDE]]);
  change(join(folder, 'bpf/delivery.bpf.c'), [['const struct about *words(void)\n{\n', COUNTS_BESIDE]]);
  for (const [file, changes] of layout === undefined ? [] : Object.entries(NEXT_LAYOUT))
    change(join(folder, file), changes);
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version }));
  execFileSync('make', ['-s', '-C', join(folder, 'bpf')]);
  return (await import(join(folder, 'agent/attach/attach.ts'))) as Loading;
}

function change(file: string, changes: readonly (readonly [string, string])[]): void {
  let text = readFileSync(file, 'utf8');
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${file}: there is no ${from}`);
    text = text.replace(from, to);
  }
  writeFileSync(file, text);
}
