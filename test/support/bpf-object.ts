import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A BPF object compiled from text, in a directory of its own that goes with `dispose`. */
export class BpfObject implements Disposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'shunt-bpf-'));
  readonly path = join(this.#dir, 'test.bpf.o');

  constructor(source: string) {
    const file = join(this.#dir, 'test.bpf.c');
    writeFileSync(file, `#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n${source}`);
    const include = readdirSync('/usr/include').find((name) => name.endsWith('-linux-gnu')) ?? '';
    const flags = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', '-idirafter', join('/usr/include', include)];
    try {
      execFileSync('clang', [...flags, '-c', file, '-o', this.path]);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
