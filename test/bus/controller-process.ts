/** A controller in a process of its own: its server, its database, and how many times as fast rollouts go. */
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';

const [server = '', db = '', timeScale = '1'] = process.argv.slice(2);
const log = pino({ level: process.env.SHUNT_TEST_LOG ?? 'silent' });
const config = { nats: [server], db, rootSubject: 'shunt.v1', timeScale: Number(timeScale) };
await startController(config, log, (error) => {
  throw error;
});
process.stdout.write('serving\n');
