/** `node quick-controller.ts URL DATABASE TIMES`: a controller whose rollouts take so many times less. It says `serving` once it does. */
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { makeSubjects } from '../../protocol/subjects.ts';

const [url = '', db = '', times = ''] = process.argv.slice(2);
const config = { nats: [url], db, rootSubject: makeSubjects().root, timeScale: Number(times) };
await startController(config, pino({ level: 'warn' }, pino.destination(2)), (error) => {
  console.error(error);
  process.exit(1);
});
console.log('serving');
