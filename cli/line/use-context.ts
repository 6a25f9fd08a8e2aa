import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import type { Environment } from './command.ts';
import { readContexts, requireContext } from './contexts.ts';
import { EXIT, Failure } from './failure.ts';

/** What came of it: the file, and which context was the current one before. */
export interface Used {
  readonly file: string;
  readonly before: string | undefined;
}

/** Makes a context the current one: all else in the file stays, comments too. Errors: Failure. */
export async function useContext(env: Environment, name: string): Promise<Used> {
  const read = await readContexts(env);
  requireContext(read, name, 'NAME');
  const { file, current: before } = read;
  if (before === name) return { file, before };
  try {
    const path = await realpath(file); // a link stays one
    await replace(path, await withCurrent(await readFile(path, 'utf8'), name));
  } catch (error) {
    const { code = 'FAILED', message } = error as NodeJS.ErrnoException;
    throw new Failure(EXIT.refused, code, `cannot write ${file}: ${message}`, { cause: error });
  }
  return { file, before };
}

/** Where a name stands already, that alone is exchanged. */
async function withCurrent(text: string, name: string): Promise<string> {
  const { isMap, isScalar, parseDocument, stringify } = await import('yaml');
  const document = parseDocument(text);
  const stands = document.get('current', true);
  if (isScalar(stands) && typeof stands.value === 'string' && stands.range) {
    const [from, to] = stands.range;
    return `${text.slice(0, from)}${stringify(name).trim()}${text.slice(to)}`;
  }
  const { contents } = document;
  if (isMap(contents) && contents.flow !== true && !document.has('current') && !/^\.\.\./m.test(text))
    return `${text}${text.endsWith('\n') ? '' : '\n'}current: ${stringify(name)}`;
  document.set('current', name);
  return document.toString({ lineWidth: 0 });
}

/** Whole or not at all, with the mode that it had. */
async function replace(path: string, text: string): Promise<void> {
  const { mode } = await stat(path);
  const made = `${path}.new`;
  await rm(made, { force: true });
  try {
    await using file = await open(made, 'wx', 0o600);
    await file.writeFile(text);
    await file.chmod(mode & 0o777);
    await file.sync();
  } catch (error) {
    await rm(made, { force: true });
    throw error;
  }
  await rename(made, path);
}
