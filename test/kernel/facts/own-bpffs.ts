import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadNative } from '../../../native/index.ts';

/** A bpffs in this process's own mount namespace, which every user can enter; for scenarios in a namespace only. */
export class OwnBpffs implements Disposable {
  readonly #native = loadNative();
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-facts-'));
  readonly root = join(this.#folder, 'bpf');

  constructor() {
    mkdirSync(this.root);
    const rc = this.#native.mountBpf(this.root);
    if (rc !== 0) {
      rmSync(this.#folder, { recursive: true });
      throw new Error(`no bpffs at ${this.root}: errno ${-rc}`);
    }
    for (const folder of [this.#folder, this.root]) chmodSync(folder, 0o755);
  }

  path(name: string): string {
    return join(this.root, name);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.root]);
    rmSync(this.#folder, { recursive: true });
  }
}
