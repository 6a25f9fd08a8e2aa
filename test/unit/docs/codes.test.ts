import test from 'ava';

import { CODES } from '../../../protocol/codes.ts';
import { read } from './pages.ts';

test('docs: what to do is said of every code of a redirect', (t) => {
  const codes = Object.keys(CODES);
  const ofRedirects = codes.slice(codes.indexOf('UNSUPPORTED_ACTION'), codes.indexOf('HISTORY_LOST'));
  t.true(ofRedirects.length > 10);
  const [, table = ''] = read('docs/operations.md').split('## What to do, by code');
  for (const code of ofRedirects) t.regex(table.split('## ')[0] ?? '', new RegExp(`^\\|[^|]*\`${code}\``, 'm'), code);
});
