import test from 'ava';
import { EXIT, Failure } from '../../../cli/line/failure.ts';
import type { Listed } from '../../../cli/listing.ts';
import { watchListing } from '../../../cli/watch-listing.ts';
import type { GetItem } from '../../../protocol/listings.ts';

const LISTED: Listed = { items: [], near: [], nowMs: 1, gone: {} };

function listed(...names: readonly string[]): Listed {
  const items = names.map((name) => ({ spec: { name }, rev: 1, hostsTotal: 0 }) as unknown as GetItem);
  return { ...LISTED, items };
}

test('get -w: a controller that is away, late or busy is asked again, and said to be away once', async (t) => {
  const end = new AbortController();
  const failures = ['NO_CONTROLLER', 'TIMED_OUT', 'BUSY'] as const;
  const looks = failures.map((code) => (): Listed => {
    throw new Failure(EXIT.refused, code, `it is ${code}`);
  });
  looks.push(() => listed('web'));
  const told: string[] = [];
  const teller = {
    changed: (_: Listed, names: ReadonlySet<string>) => {
      told.push(...names);
      end.abort();
    },
    gone: () => {},
  };
  const notes: string[] = [];
  const terminal = { note: (text: string) => void notes.push(text), noteWidth: undefined, colour: false };
  await watchListing(LISTED, async () => looks.shift()?.() ?? LISTED, teller, terminal, end.signal, 1);
  t.deepEqual(told, ['web']);
  t.is(notes.length, 1);
  t.regex(notes[0] ?? '', /NO_CONTROLLER/);
});

test('get -w: a refusal ends it', async (t) => {
  const refused = async (): Promise<Listed> => {
    throw new Failure(EXIT.refused, 'DAMAGED', 'no');
  };
  const teller = { changed: () => {}, gone: () => {} };
  const terminal = { note: () => {}, noteWidth: undefined, colour: false };
  const watching = watchListing(LISTED, refused, teller, terminal, new AbortController().signal, 1);
  t.like(await t.throwsAsync(watching), { code: 'DAMAGED' });
});
