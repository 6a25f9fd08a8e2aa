/** Run by `restart.ts` in the place of a controller: whoever asks is told that there is nothing new. */
import { connect } from 'nats';
import { encodePage, parseSyncRequest } from '../protocol/page.ts';
import { makeSubjects } from '../protocol/subjects.ts';

const [url = '', host = '', epoch = '', revText = '', digest = ''] = process.argv.slice(2);
const rev = Number(revText);
const bus = await connect({ servers: url });
for await (const message of bus.subscribe(makeSubjects().sync(host))) {
  const { have, from } = parseSyncRequest(message.data);
  const at = Date.now();
  const asked = { v: 1, host, have, from, at } as const;
  const log = { standing: 'ok', epoch, prev: from.rev, rev, head: rev, floor: 0, digest } as const;
  message.respond(encodePage({ ...asked, ...log, changes: [], more: false }));
}
