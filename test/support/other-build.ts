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

/** A checkout below `folder` that is this one, but for its version and for a call that its program makes. */
export async function otherBuild(folder: string, version: string): Promise<Loading> {
  mkdirSync(join(folder, 'bpf/build'), { recursive: true });
  for (const name of readdirSync(ROOT)) {
    if (OTHER.includes(name) || OWN.includes(name)) continue;
    symlinkSync(join(ROOT, name), join(folder, name));
  }
  for (const name of OWN) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'bpf')))
    if (name !== 'build') cpSync(join(ROOT, 'bpf', name), join(folder, 'bpf', name));
  const source = readFileSync(join(ROOT, 'bpf/redirect.bpf.c'), 'utf8');
  const changed = source.replace('int shunt(struct xdp_md *ctx)\n{\n', BESIDE);
  writeFileSync(join(folder, 'bpf/redirect.bpf.c'), changed);
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version }));
  execFileSync('make', ['-s', '-C', join(folder, 'bpf')]);
  return (await import(join(folder, 'agent/attach/attach.ts'))) as Loading;
}
