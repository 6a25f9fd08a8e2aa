/** Run by `bulk.ts` beside the bus: says, as lines of JSON, the floor of the bus, and then how far the agent is whenever that changes. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'nats';
import { encodeAskRequest, isAskError, parseStatusReply } from '../protocol/ask.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { HOST } from '../test/support/testbed.ts';
import type { Far } from './bulk-report.ts';
import { quantiles, RoundTrip } from './floors.ts';

const LOOK_MS = 250;
const FLOOR_ROUNDS = 300;
const MESSAGE_BYTES = 500;

const [url = ''] = process.argv.slice(2);
const subject = makeSubjects().ask(HOST, 'status');
const tell = (line: object): unknown => process.stdout.write(`${JSON.stringify(line)}\n`);

{
  await using trip = await RoundTrip.open(url);
  const trips: number[] = [];
  for (let round = 0; round < FLOOR_ROUNDS; round += 1) trips.push(await trip.ms(new Uint8Array(MESSAGE_BYTES)));
  tell({ roundTrip: quantiles(trips) });
}

const asker = await connect({ servers: url });
let last = '';
for (;;) {
  const reply = await asker.request(subject, encodeAskRequest({ v: 1 }), { timeout: 60_000 }).catch(() => undefined);
  const status = reply && parseStatusReply(reply.data);
  if (status !== undefined && !isAskError(status)) {
    const { stored, applied, counts, exceptions } = status;
    const far: Far = { stored, applied, counts, codes: [...new Set(exceptions.map(({ code }) => code))] };
    const now = JSON.stringify({ far });
    if (now !== last) process.stdout.write(`${now}\n`);
    last = now;
  }
  await delay(LOOK_MS);
}
