/**
 * Says when a message with changes for a host crosses the bus: `node bus-watch.ts NATS-URL HOST`. One line a message: its
 * time on the system's monotonic clock, in ms.
 */
import { connect } from 'nats';
import { makeSubjects } from '../protocol/subjects.ts';
import { nowMs } from '../test/support/traffic.ts';

const [url = '', host = ''] = process.argv.slice(2);
const bus = await connect({ servers: url });
const messages = bus.subscribe(makeSubjects().live(host));
await bus.flush();
console.log('ready');
for await (const _ of messages) console.log(nowMs());
