import test from 'ava';
import type { Bus } from '../../../../cli/client.ts';
import { EXIT, Failure } from '../../../../cli/line/failure.ts';
import { prepareSpecs } from '../../../../cli/specs/prepare.ts';
import { applyOn, upload } from '../../../../cli/specs/upload.ts';
import { UploadAhead } from '../../../../cli/specs/upload-ahead.ts';
import { type ApplyRequest, encodeApplyReply, parseApplyRequest } from '../../../../protocol/api.ts';
import { KeptTerminal } from '../session.ts';

const COUNT = 16_000;
const line = (index: number, more: object = {}): string =>
  `${JSON.stringify({ name: `r-${index}`, hosts: ['edge-1'], match: { dst: '203.0.113.10' }, to: 'drop', ...more })}\n`;
const text = (count = COUNT, more: (index: number) => object = () => ({})): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, index) => line(index, more(index))).join(''));

/** A controller that keeps the parts it gets; `fails` is asked before each. */
class FakeBus implements Pick<Bus, 'api' | 'maxPayloadBytes'>, AsyncDisposable {
  readonly parts: ApplyRequest[] = [];
  readonly maxPayloadBytes = 65_536;
  open = true;
  readonly #fails: (part: ApplyRequest) => boolean;

  constructor(fails: (part: ApplyRequest) => boolean = () => false) {
    this.#fails = fails;
  }

  api: Bus['api'] = async (_verb, request, parse) => {
    const part = parseApplyRequest(request);
    if (this.#fails(part)) throw new Failure(EXIT.unreachable, 'NO_BUS', 'lost it');
    this.parts.push(part);
    const { upload: id } = part;
    const isLast = part.part === part.parts - 1;
    const created = this.of(id).reduce((sum, { specs }) => sum + specs.length, 0);
    const done = { v: 1, upload: id, created, changed: 0, unchanged: 0, hosts: 1, rev: 12 } as const;
    return parse(encodeApplyReply(isLast ? done : { v: 1, upload: id, part: part.part })) as never;
  };

  of(id: string | undefined): readonly ApplyRequest[] {
    return this.parts.filter((part) => part.upload === id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.open = false;
  }
}

async function applied(bus: FakeBus, bytes: Buffer) {
  await using ahead = new UploadAhead(async () => bus, []);
  const { specs, problems } = await prepareSpecs([{ name: 'bulk.jsonl', bytes }], { nowMs: 0 }, ahead);
  const before = bus.parts.length;
  if (problems.length > 0) return { before, problems, ahead };
  const terminal = new KeptTerminal();
  const reply = await upload(specs, bus, terminal, {
    ...applyOn({ reason: 'test', allowGrowth: true }),
    ahead: await ahead.sent(),
  });
  return { before, reply, specs, terminal };
}

/** That one upload has every redirect once, in order and in whole parts, and its terms in the last. */
function isWhole(parts: readonly ApplyRequest[], names: readonly string[]): boolean {
  const found = parts.flatMap(({ specs }) => specs.map((spec) => (spec as { name: string }).name));
  const [last] = parts.slice(-1);
  const inOrder = parts.every(({ part, parts: all }, at) => part === at && all === parts.length);
  return inOrder && last?.reason === 'test' && found.join() === names.join();
}

test('upload ahead: parts are on their way before the file is read, and count with the last', async (t) => {
  const bus = new FakeBus();
  const { before, reply, specs, terminal } = await applied(bus, text());
  t.true(before > 3, `${before} parts`);
  t.is(reply?.created, COUNT);
  t.is(new Set(bus.parts.map((part) => part.upload)).size, 1);
  t.true(isWhole(bus.parts, specs?.map(({ name }) => name) ?? []));
  t.is(terminal?.shown.at(-2), `sending part ${bus.parts.length} of ${bus.parts.length}`);
  t.false(bus.open);
});

test('upload ahead: what is wrong ends it, and no part follows', async (t) => {
  const bus = new FakeBus();
  const { problems, ahead } = await applied(
    bus,
    text(COUNT, (index) => (index === 6000 ? { priority: 'high' } : {})),
  );
  t.is(problems?.length, 1);
  t.true(ahead?.begun);
  t.true(bus.parts.length > 0);
  t.true(bus.parts.every(({ part, parts }) => part < parts - 1));
});

test('upload ahead: a short file is sent once it is read', async (t) => {
  const bus = new FakeBus();
  const { before, reply } = await applied(bus, text(2000));
  t.is(before, 0);
  t.is(reply?.created, 2000);
});

test('upload ahead: where there are more than the first let expect, all are sent anew', async (t) => {
  const bus = new FakeBus();
  const wide = Array.from({ length: 1000 }, (_, index) =>
    line(COUNT + index)
      .trimEnd()
      .padEnd(400),
  ).join('\n');
  const { reply, specs } = await applied(bus, Buffer.concat([Buffer.from(wide), Buffer.from('\n'), text()]));
  const id = bus.parts.at(-1)?.upload;
  t.not(bus.parts[0]?.upload, id);
  t.true(isWhole(bus.of(id), specs?.map(({ name }) => name) ?? []));
  t.is(reply?.created, COUNT + 1000);
});

test('upload ahead: what did not arrive is sent anew with all else', async (t) => {
  let lost = 0;
  const bus = new FakeBus(({ part }) => part === 2 && lost++ === 0);
  const { reply, specs } = await applied(bus, text());
  t.is(lost, 2);
  const id = bus.parts.at(-1)?.upload;
  t.not(bus.parts[0]?.upload, id);
  t.true(isWhole(bus.of(id), specs?.map(({ name }) => name) ?? []));
  t.is(reply?.created, COUNT);
});

test('upload ahead: without a bus the files are read all the same', async (t) => {
  await using ahead = new UploadAhead(async () => {
    throw new Failure(EXIT.unreachable, 'NO_BUS', 'nobody there');
  }, []);
  const { specs } = await prepareSpecs([{ name: 'bulk.jsonl', bytes: text() }], { nowMs: 0 }, ahead);
  t.is(specs.length, COUNT);
  t.false(ahead.begun);
  t.is(await ahead.sent(), undefined);
});
