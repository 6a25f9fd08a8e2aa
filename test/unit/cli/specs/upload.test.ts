import test from 'ava';
import type { Bus } from '../../../../cli/client.ts';
import { type Prepared, prepareSpecs } from '../../../../cli/specs/prepare.ts';
import { applyOn, patienceFor, split, upload } from '../../../../cli/specs/upload.ts';
import {
  type ApiError,
  type ApplyRequest,
  encodeApiError,
  encodeApplyReply,
  isApiError,
  parseApplyRequest,
} from '../../../../protocol/api.ts';
import { KeptTerminal } from '../session.ts';

async function prepared(count: number): Promise<readonly Prepared[]> {
  const line = (index: number) =>
    `{"name":"r-${index}","hosts":"all","match":{"dst":"203.0.113.10"},"to":"drop","priority":${index}}\n`;
  const text = Array.from({ length: count }, (_, index) => line(index)).join('');
  const { specs } = await prepareSpecs([{ name: 'bulk.jsonl', bytes: Buffer.from(text) }], { nowMs: 0 });
  return specs;
}

/** A controller that keeps the parts it gets, and answers the last one with `last`, or as a controller does. */
class FakeBus implements Pick<Bus, 'api' | 'maxPayloadBytes'> {
  readonly parts: ApplyRequest[] = [];
  readonly maxPayloadBytes: number;
  readonly #last: ApiError | undefined;

  constructor(maxPayloadBytes: number, last?: ApiError) {
    this.maxPayloadBytes = maxPayloadBytes;
    this.#last = last;
  }

  api: Bus['api'] = async (_verb, request, parse, asking) => {
    const part = parseApplyRequest(request);
    this.parts.push(part);
    const reply = parse(this.#answer(part));
    if (isApiError(reply)) throw asking?.refuse?.(reply.error);
    return reply;
  };

  #answer({ upload, part, parts }: ApplyRequest): Uint8Array {
    if (part < parts - 1) return encodeApplyReply({ v: 1, upload, part });
    if (this.#last !== undefined) return encodeApiError(this.#last);
    const created = this.parts.reduce((sum, { specs }) => sum + specs.length, 0);
    return encodeApplyReply({ v: 1, upload, created, changed: 0, unchanged: 0, hosts: 1, rev: 12 });
  }
}

test('upload: one part when it fits, without a line of progress', async (t) => {
  const bus = new FakeBus(1_048_576);
  const terminal = new KeptTerminal();
  const reply = await upload(await prepared(3), bus, terminal, applyOn({}));
  t.is(reply.created, 3);
  t.is(bus.parts.length, 1);
  t.deepEqual(terminal.shown, ['']);
});

test('upload: parts that fit the bus, in order, under one id, with progress', async (t) => {
  const bus = new FakeBus(8192);
  const terminal = new KeptTerminal();
  const specs = await prepared(100);
  const reply = await upload(specs, bus, terminal, applyOn({}));
  t.is(reply.created, 100);
  t.true(bus.parts.length > 1);
  t.deepEqual(
    bus.parts.map(({ part }) => part),
    bus.parts.map((_, index) => index),
  );
  t.is(new Set(bus.parts.map((part) => part.upload)).size, 1);
  t.deepEqual(
    bus.parts.flatMap((part) => part.specs),
    specs.map(({ json }) => json),
  );
  t.is(terminal.shown[0], `sending part 1 of ${bus.parts.length}`);
  t.is(terminal.shown.at(-1), '');
});

test('upload: patience with a controller that does not say that it works grows with the work', (t) => {
  const specs = (count: number, hosts: unknown) => Array.from({ length: count }, () => ({ json: { hosts } }));
  const list = Array.from({ length: 1333 }, (_, at) => `edge-${at}`);
  t.true(patienceFor(specs(1, ['edge-1'])) < 10);
  t.true(patienceFor(specs(50, list)) >= 6000);
  t.true(patienceFor(specs(50, { role: 'edge' })) >= 5000);
  t.true(patienceFor(specs(400_000, ['edge-1'])) >= 400_000);
  t.true(patienceFor(specs(400_000, 'all')) <= 700_000);
});

test('upload: nothing at all is one empty part', (t) => {
  t.deepEqual(split([], 1000), [[]]);
});

test('upload: a part holds at most 10,000 redirects', async (t) => {
  const parts = split(await prepared(10_001), 100_000_000);
  t.deepEqual(
    parts.map((part) => part.length),
    [10_000, 1],
  );
});

test('upload: the last part has room for what it has beside redirects', async (t) => {
  const specs = await prepared(3);
  t.deepEqual(split(specs, 10_000, 9000), [specs]);
  t.deepEqual(split(specs, 10_000, 9990), [specs, []]);
  t.like(
    t.throws(() => split(specs, 10_000, 10_001)),
    { code: 'TOO_LARGE', exit: 1 },
  );
});

test('upload: a redirect longer than any message is named with its line', async (t) => {
  const hosts = Array.from({ length: 500 }, (_, index) => `edge-${index}`);
  const line = JSON.stringify({ name: 'long', hosts, match: { dst: '203.0.113.10' }, to: 'drop' });
  const { specs } = await prepareSpecs([{ name: 'x.jsonl', bytes: Buffer.from(`\n${line}\n`) }], { nowMs: 0 });
  const error = await t.throwsAsync(upload(specs, new FakeBus(8192), new KeptTerminal(), applyOn({})));
  t.like(error, { code: 'TOO_LARGE', exit: 1, problems: [{ file: 'x.jsonl', line: 2, name: 'long' }] });
});

test('upload: problems of the controller are named by file and line, counted over all parts', async (t) => {
  const problems = [
    { index: 70, name: 'r-70', code: 'BAD_TARGET', path: 'to.nexthop', message: 'to.nexthop: not from here' },
  ];
  const bus = new FakeBus(8192, { v: 1, error: { code: 'BAD_REQUEST', message: '1 redirect is refused', problems } });
  const error = await t.throwsAsync(upload(await prepared(100), bus, new KeptTerminal(), applyOn({})));
  t.like(error, {
    exit: 1,
    code: 'BAD_REQUEST',
    message: 'the controller refused it whole: 1 redirect is refused',
    problems: [
      { file: 'bulk.jsonl', line: 71, name: 'r-70', code: 'BAD_TARGET', path: 'to.nexthop', message: 'not from here' },
    ],
  });
});
