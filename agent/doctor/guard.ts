import { existsSync } from 'node:fs';
import { GuardFileError, readGuardFile } from '../guard/file.ts';
import type { GuardRules } from '../guard/rules.ts';
import { pinPaths } from '../kernel/pins.ts';
import { type Finding, findings } from './finding.ts';

const guard = findings('guard');

/** Looks at what redirects may do here: by the file, and by whether the program can let packets pass. */
export function examineGuard(path: string, pinRoot: string): readonly Finding[] {
  return [examineFile(path), ...examineProgram(pinRoot)];
}

function examineFile(path: string): Finding {
  try {
    const { rules, text } = readGuardFile(path);
    const whose = text === undefined ? `there is no ${path}, so it` : path;
    const names = rules.protect.map((one) => (typeof one === 'string' ? one : one.name));
    if (names.length === 0)
      return guard.warn(
        `${path} protects nothing${limitsText(rules)}: a redirect may cut this host off`,
        'name bus, ssh and dns in its `protect`, or leave that out',
      );
    const found = `${whose} protects ${names.join(', ')}${limitsText(rules)}`;
    if (names.includes('bus')) return guard.ok(found);
    return guard.warn(`${found}, and not the bus: a redirect may cut this host off`, 'name bus in its `protect`');
  } catch (error) {
    if (!(error instanceof GuardFileError)) throw error;
    return guard.bad(error.message, 'mend it: an agent that runs goes on with what it said before, and none starts');
  }
}

function limitsText({ src, dst, targets, maxRedirects }: GuardRules): string {
  const lists = Object.entries({ src, dst, targets }).filter(([, list]) => list !== undefined);
  const most = maxRedirects === undefined ? [] : [`at most ${maxRedirects} redirects`];
  return [...lists.map(([of, list]) => `${of} ${list?.join(', ')}`), ...most].map((text) => `; ${text}`).join('');
}

function examineProgram(pinRoot: string): readonly Finding[] {
  const { layout, map } = pinPaths(pinRoot);
  if (!existsSync(layout) || existsSync(map('protect'))) return [];
  return [guard.warn('the program in force is older than it: protected packets do not pass redirects', 'shunt attach')];
}
