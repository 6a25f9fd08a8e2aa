import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Session } from './session.ts';

const FOLDER = join(import.meta.dirname, '../../golden/cli');

/** Compares a session with what is kept under its name, byte for byte; with UPDATE_GOLDEN=1 it is kept instead, if it ended alike. */
export async function matchesGolden(
  t: ExecutionContext,
  name: string,
  words: readonly string[],
  session: Session,
): Promise<void> {
  await matchesGoldens(t, name, [[words, session]]);
}

/** The same for several sessions, one after the other. */
export async function matchesGoldens(
  t: ExecutionContext,
  name: string,
  sessions: readonly (readonly [words: readonly string[], session: Session])[],
): Promise<void> {
  const file = join(FOLDER, `${name}.txt`);
  const text = sessions.map(([words, session]) => transcript(words, session)).join('\n');
  if (process.env.UPDATE_GOLDEN === '1') await keep(t, file, text);
  t.is(text, await readFile(file, 'utf8'), `${file} differs; if the new text is right, run again with UPDATE_GOLDEN=1`);
}

/** A busy machine must spoil no file: a session that ended otherwise, perhaps out of time, is not kept. */
async function keep(t: ExecutionContext, file: string, text: string): Promise<void> {
  const kept = existsSync(file) ? await readFile(file, 'utf8') : '';
  const ended = endedOtherwise(kept, text);
  if (ended !== undefined) return t.fail(`${file} stays as it is: ${ended}; if that is meant, delete the file first`);
  await mkdir(FOLDER, { recursive: true });
  await writeFile(file, text);
}

/** The first command of a transcript whose exit status is not the one that was kept; what is new may end as it likes. */
export function endedOtherwise(kept: string, text: string): string | undefined {
  const before = exitsOf(kept);
  for (const [command, exit] of exitsOf(text)) {
    const was = before.get(command) ?? exit;
    if (was !== exit) return `'${command}' ended with ${exit}, and with ${was} before`;
  }
  return undefined;
}

function exitsOf(text: string): ReadonlyMap<string, string> {
  const sessions = text.matchAll(/^\$ (shunt.*)\n[\s\S]*?^\[exit\] (\d+)$/gm);
  return new Map([...sessions].map(([, command = '', exit = '']) => [command, exit]));
}

function transcript(words: readonly string[], { exit, stdout, stderr }: Session): string {
  const command = ['$ shunt', ...words.map((word) => (/^[\w./:=@-]+$/.test(word) ? word : `'${word}'`))].join(' ');
  return [`${command}\n`, section('stdout', stdout), section('stderr', stderr), `[exit] ${exit}\n`].join('');
}

function section(name: string, text: string): string {
  return text === '' ? '' : `[${name}]\n${text}`;
}
