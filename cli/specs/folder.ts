import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFault } from '../../daemon/read-fault.ts';
import { EXIT, Failure, usage } from '../line/failure.ts';

/** What of a folder is read; all else in it is somebody else's. */
const ENDINGS = /\.(yaml|yml|json|jsonl)$/;

/**
 * The files that one `-f` names: a folder stands for its files, sorted by name, and with `deep` for those of its folders, too.
 * What begins with a dot is left out: editors keep such files. Errors: Failure, also for a folder without any file.
 */
export async function filesOf(name: string, deep: boolean): Promise<readonly string[]> {
  if (name === '') throw usage('-f: expected the name of a file or folder, not an empty text');
  if (name === '-' || !(await isFolder(name))) return [name];
  const { files, folders } = await look(name, deep);
  if (files.length > 0) return files;
  const advice = folders > 0 && !deep ? '; -R looks into its folders, too' : '';
  const message = `the folder ${name} has no file that ends with .yaml, .yml, .json or .jsonl${advice}`;
  throw new Failure(EXIT.refused, 'NOT_VALID', message);
}

interface Found {
  readonly files: readonly string[];
  /** How many folders it has. */
  readonly folders: number;
}

/** `above` are the folders that lead here, as they are really called. */
async function look(folder: string, deep: boolean, above: readonly string[] = []): Promise<Found> {
  const files: string[] = [];
  let folders = 0;
  const here = [...above, await realName(folder, above)];
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    if (await isFolder(path)) {
      folders += 1;
      if (deep) files.push(...(await look(path, deep, here)).files);
    } else if (ENDINGS.test(name)) files.push(path);
  }
  return { files, folders };
}

/** Errors: Failure, where a link leads back to a folder above. */
async function realName(folder: string, above: readonly string[]): Promise<string> {
  const path = await tried(folder, () => realpath(folder));
  if (!above.includes(path)) return path;
  const message = `${folder} leads back to ${path}, which it is in; remove that link`;
  throw new Failure(EXIT.refused, 'NOT_VALID', message);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const names = await tried(folder, () => readdir(folder));
  return names.filter((name) => !name.startsWith('.')).sort();
}

async function tried<T>(folder: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const fault = error as NodeJS.ErrnoException;
    const message = `cannot read the folder ${folder}: ${readFault(fault)}`;
    throw new Failure(EXIT.refused, fault.code ?? 'FAILED', message, { cause: error });
  }
}

/** What cannot be looked at is taken for a file: reading it says why. */
async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
