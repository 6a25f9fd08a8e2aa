import { readdirSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { CODES } from '../../../protocol/codes.ts';
import { Refused } from '../../../protocol/refused.ts';
import { MESSAGES, readFixture, readFixtureBytes } from './messages.ts';

type Path = readonly (string | number)[];

/** Every place in a value, the value itself excepted. */
function* placesOf(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* placesOf(item, [...path, index]);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* placesOf(item, [...path, key]);
  }
}

function mutate(
  fixture: string,
  path: Path,
  change: (parent: Record<string | number, unknown>, last: string | number) => void,
) {
  const value = readFixture(fixture);
  let parent: Record<string | number, unknown> = value;
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<string | number, unknown>;
  change(parent, path.at(-1) ?? '');
  return value;
}

function refusalOf(act: () => unknown): Refused | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

function isFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozen);
}

/** Places whose content the receiver takes as it is: specs are judged one by one later, a guard that is not understood is none. */
const OPAQUE = /^(specs\.\d+|items\.\d+\.spec\..*|specs\..*|guard(\..*)?)$/;
const PROSE =
  /(^|\.)(message|detail|why|reason|actor|gates\.\d+\.gate|sources\.\d+|path|guard\.by\.\d+|denied\.\d+\.by|problems\.\d+\.name)$/;

test('messages: every fixture has a parser', (t) => {
  const files = readdirSync(new URL('../../../protocol/fixtures/', import.meta.url)).map((file) =>
    file.replace('.json', ''),
  );
  const known = new Set([...MESSAGES.map(({ fixture }) => fixture), 'digest', 'spec']);
  t.deepEqual(
    files.filter((file) => !known.has(file)),
    [],
  );
});

for (const { fixture, parser, parse, encode, strict } of MESSAGES) {
  const title = `${fixture} by ${parser}`;

  test(`messages: ${title} parses frozen and encodes to the same text`, (t) => {
    const parsed = parse(readFixtureBytes(fixture));
    t.deepEqual(parsed, readFixture(fixture));
    if (!['apply-request', 'plan-request', 'rollout-start-request', 'get-reply', 'get-rest-reply'].includes(fixture))
      t.true(isFrozen(parsed));
    t.is(new TextDecoder().decode(encode(parsed)), JSON.stringify(readFixture(fixture)));
  });

  test(`messages: ${title} with any field turned to nonsense is refused`, (t) => {
    for (const path of placesOf(readFixture(fixture))) {
      const place = path.join('.');
      if (OPAQUE.test(place)) continue;
      const nonsense = PROSE.test(place) ? [-1.5, null, {}] : [-1.5, '\u0000', 'x'.repeat(300), true, '\ud800'];
      for (const value of nonsense) {
        const taken = mutate(fixture, path, (parent, last) => {
          parent[last] = value;
        });
        if (typeof readAt(readFixture(fixture), path) === 'boolean' && value === true) continue;
        t.truthy(
          refusalOf(() => parse(taken)),
          `${place} = ${JSON.stringify(value)}`,
        );
      }
    }
  });

  test(`messages: ${title} with an unknown field is ${strict ? 'refused' : 'read without it'}`, (t) => {
    const value = { ...readFixture(fixture), wishes: 1 };
    if (strict)
      t.like(
        refusalOf(() => parse(value)),
        { code: 'UNKNOWN_FIELD', path: 'wishes' },
      );
    else t.deepEqual(parse(value), readFixture(fixture));
  });

  test(`messages: ${title} of another version is refused before anything else is looked at`, (t) => {
    for (const v of [2, 0, '1', null]) {
      t.like(
        refusalOf(() => parse({ v, host: 7, hello: true })),
        { code: 'WRONG_VERSION', path: 'v' },
      );
    }
    t.like(
      refusalOf(() => parse({})),
      { code: 'MISSING_FIELD', path: 'v' },
    );
  });

  test(`messages: ${title} with bytes changed at random is refused or means what it encodes to`, (t) => {
    t.notThrows(() => parse(readFixtureBytes(fixture)));
    const original = readFixtureBytes(fixture);
    const edit = fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const bytes = Uint8Array.from(original);
        for (const [index, value] of edits) bytes[index] = value;
        let parsed: unknown;
        if (refusalOf(() => (parsed = parse(bytes))) !== undefined) return;
        t.deepEqual(parse(encode(parsed)), parsed);
      }),
      { numRuns: 200 },
    );
  });

  test(`messages: ${title} never comes from random JSON`, (t) => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, versioned) => {
        const given = versioned && typeof value === 'object' && value !== null ? { ...value, v: 1 } : value;
        if (fixture.endsWith('-request') && JSON.stringify(given) === '{"v":1}') return;
        const refusal = refusalOf(() => parse(given));
        t.true(refusal !== undefined && Object.hasOwn(CODES, refusal.code));
      }),
      { numRuns: 100 },
    );
  });
}

function readAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) here = (here as Record<string | number, unknown>)[step];
  return here;
}
