import test from 'ava';
import fc from 'fast-check';
import { prepareSpecs } from '../../../../cli/specs/prepare.ts';
import { writeYaml } from '../../../../cli/specs/write-yaml.ts';
import type { JsonObject } from '../../../../protocol/json.ts';
import { judgeSpec, specToJson } from '../../../../protocol/spec.ts';
import { action, match } from '../../protocol/arbitraries.ts';

async function readBack(text: string) {
  return prepareSpecs([{ name: 'x.yaml', bytes: Buffer.from(text) }], { nowMs: 0 });
}

const SPEC: JsonObject = {
  name: 'drain-web-2',
  hosts: { role: 'edge' },
  enabled: true,
  match: { in: 'eth0', src: '198.51.100.0/24', dst: '203.0.113.10/32', proto: 'udp', dport: 443 },
  to: { nexthop: '10.0.0.7' },
  idle: { after: 600_000, rearm: 'revision' },
  expires: 1_798_675_200_000,
  priority: 0,
  description: 'until web-2 is back: # or so',
};

test('yaml: a redirect is written as people write it', async (t) => {
  const text = writeYaml([
    { spec: SPEC, set: 'web' },
    { spec: { ...SPEC, name: 'off', hosts: ['b', 'c'], enabled: false, to: 'drop', priority: -7 } },
  ]);
  t.is(
    text,
    `redirects:
  # of the set web
  - name: drain-web-2
    hosts: { role: edge }
    match: { in: eth0, src: 198.51.100.0/24, dst: 203.0.113.10/32, proto: udp, dport: 443 }
    to: { nexthop: 10.0.0.7 }
    idle: { after: 10m }
    expires: 2026-12-31T00:00:00Z
    description: "until web-2 is back: # or so"
  - name: off
    hosts: [ b, c ]
    enabled: false
    match: { in: eth0, src: 198.51.100.0/24, dst: 203.0.113.10/32, proto: udp, dport: 443 }
    to: drop
    idle: { after: 10m }
    expires: 2026-12-31T00:00:00Z
    priority: -7
    description: "until web-2 is back: # or so"`,
  );
  const { specs, problems } = await readBack(text);
  t.deepEqual(problems, []);
  t.deepEqual(specs[0]?.json, SPEC);
});

test('yaml: no redirects are a list without any, and what a newer controller says besides is kept', (t) => {
  t.is(writeYaml([]), 'redirects: []');
  t.regex(writeYaml([{ spec: { ...SPEC, weight: { a: 1 } } }]), /\n {4}weight: \{ a: 1 \}$/);
});

const name = fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?$/);
const label = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/).filter((text) => text !== '__proto__');
const host = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?$/);
const selector = fc.oneof(
  fc.constant('all'),
  fc.uniqueArray(host, { minLength: 1, maxLength: 40 }),
  fc.dictionary(label, label, { minKeys: 1, maxKeys: 5 }),
);
/** Whatever an operator may write; what is refused for another reason is not of interest here. */
const written = match.chain((of) =>
  fc.record(
    {
      name,
      hosts: selector,
      enabled: fc.boolean(),
      match: fc.constant(of),
      to: action(of),
      idle: fc.record({
        after: fc.oneof(
          fc.integer({ min: 1000, max: 366 * 86_400_000 }),
          fc.integer({ min: 1, max: 366 }).map((d) => `${d}d`),
        ),
        rearm: fc.constantFrom('revision', 'never'),
      }),
      expires: fc.oneof(
        fc.integer({ min: Date.UTC(2000), max: Date.UTC(9999) }),
        fc.integer({ min: 0, max: 2_000_000_000 }).map((s) => s * 1000),
      ),
      priority: fc.integer({ min: -1_000_000, max: 1_000_000 }),
      description: fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }),
    },
    { requiredKeys: ['name', 'hosts', 'match', 'to'] },
  ),
);

test('yaml: whatever is stored reads back as the same, several in one file', async (t) => {
  let seen = 0;
  const specs = fc.array(written, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(specs, async (many) => {
      const sound = many.flatMap((one) => judgeSpec(one).spec ?? []).map(specToJson);
      const unique = [...new Map(sound.map((one) => [one.name, one])).values()];
      if (unique.length === 0) return;
      seen += unique.length;
      const { specs: read, problems } = await readBack(writeYaml(unique.map((spec) => ({ spec, set: 'web' }))));
      t.deepEqual(problems, []);
      t.deepEqual(
        read.map(({ json }) => json),
        unique,
      );
    }),
    { numRuns: 400 },
  );
  t.true(seen > 100, `${seen} redirects`);
});
