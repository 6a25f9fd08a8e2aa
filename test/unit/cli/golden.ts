import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Session } from './session.ts';

const FOLDER = join(import.meta.dirname, '../../golden/cli');

/** Compares a session with what is kept under its name, byte for byte; with UPDATE_GOLDEN=1 it is kept instead. */
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
  if (process.env.UPDATE_GOLDEN === '1') {
    await mkdir(FOLDER, { recursive: true });
    const kept = await readFile(file, 'utf8').catch(() => text);
    t.deepEqual(
      exitsOf(text),
      exitsOf(kept),
      `${file} ended otherwise and is left as it is; remove it if that is right`,
    );
    await writeFile(file, text);
  }
  t.is(text, await readFile(file, 'utf8'), `${file} differs; if the new text is right, run again with UPDATE_GOLDEN=1`);
}

function transcript(words: readonly string[], { exit, stdout, stderr }: Session): string {
  const command = ['$ shunt', ...words.map((word) => (/^[\w./:=@-]+$/.test(word) ? word : `'${word}'`))].join(' ');
  return [`${command}\n`, section('stdout', stdout), section('stderr', stderr), `[exit] ${exit}\n`].join('');
}

/** A busy machine may make of an answer that there was none in time: that is not to be kept. */
function exitsOf(text: string): readonly string[] {
  return text.match(/^\[exit\] .*$/gm) ?? [];
}

function section(name: string, text: string): string {
  return text === '' ? '' : `[${name}]\n${text}`;
}
