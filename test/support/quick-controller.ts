/** `node quick-controller.ts URL DATABASE PACE`: a controller whose rollouts take so long. It says `serving` once it does. */
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { makeSubjects } from '../../protocol/subjects.ts';

const [url = '', db = '', pace = ''] = process.argv.slice(2);
const config = { nats: [url], db, rootSubject: makeSubjects().root };
const log = pino({ level: 'warn' }, pino.destination(2));
const fatal = (error: Error): never => {
  console.error(error);
  process.exit(1);
};
await startController(config, log, fatal, makeSystemClock(), JSON.parse(pace));
console.log('serving');
