import { readFileSync } from 'node:fs';
import test from 'ava';
import { layOut } from '../../../../cli/commands/explain.ts';
import { CODES } from '../../../../protocol/codes.ts';
import type { Explanation } from '../../../../protocol/explain.ts';

const FIXTURE = new URL('../../../../protocol/fixtures/explain-reply.json', import.meta.url);
const TOLD = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Explanation;
const NOW = 1_790_000_000_000;
const PIPE = { width: undefined, colour: false };

test('explain: what is wrong with the host as a whole is said once, also where it is why the redirect does not stand', (t) => {
  const problems = [{ code: 'NOT_ATTACHED', since: NOW, detail: 'eth0: its program is gone' }] as const;
  const text = layOut({ ...TOLD, state: 'blocked', code: 'NOT_ATTACHED', retryAt: NOW + 5_000, problems }, NOW, PIPE);
  t.is(text.split(CODES.NOT_ATTACHED).length - 1, 1);
  t.regex(text, /^problem +NOT_ATTACHED: .*: eth0: its program is gone$/m);
  t.regex(text, /^why +NOT_ATTACHED; the kernel said EHOSTUNREACH; next try in 5s$/m);
  const other = layOut({ ...TOLD, problems }, NOW, PIPE);
  t.regex(other, /^why +NO_NEIGHBOUR: the next hop does not answer address resolution;/m);
});
