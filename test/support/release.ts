import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { must, run } from './process.ts';
import { ROOT } from './testbed.ts';

/** A commit that somebody may still run. */
export interface Release {
  readonly name: string;
  /** In full. */
  readonly commit: string;
}

/**
 * What this checkout has to get on with; the oldest first. A release is added with its tag: a line here, and
 * `./dev test --long releases` has to pass. It goes when docs/operations.md no longer says that it may run beside this one.
 */
export const RELEASES: readonly Release[] = [{ name: '0.1.0', commit: 'aa7e76a0e60fb30e0444ac639ac9cc8e675356a3' }];

/**
 * Brings a release below .cache/releases, built by its own `./dev` with the Node.js of this process, and answers its
 * folder. What is there already is not made again. Not by `git worktree`: git would still list it after .cache is gone.
 */
export async function bring({ commit }: Release): Promise<string> {
  const folder = join(ROOT, '.cache/releases', commit);
  const there = await stat(folder).catch(() => undefined);
  if (there === undefined) await unpack(commit, folder);
  const path = `PATH=${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  await must(['env', path, 'NODE_DISABLE_COMPILE_CACHE=1', join(folder, 'dev'), 'build']);
  return folder;
}

async function unpack(commit: string, folder: string): Promise<void> {
  if ((await run(['git', '-C', ROOT, 'cat-file', '-e', `${commit}^{commit}`])).status !== 0) {
    throw new Error(`this clone does not have commit ${commit}: run \`git fetch --unshallow\`, and try again`);
  }
  const [archive, half] = [`${folder}.tar`, `${folder}.half`];
  await rm(half, { recursive: true, force: true });
  await mkdir(half, { recursive: true });
  await must(['git', '-C', ROOT, 'archive', '-o', archive, commit]);
  await must(['tar', '-xf', archive, '-C', half]);
  await rm(archive);
  await rename(half, folder);
}
