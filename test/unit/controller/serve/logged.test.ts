import test from 'ava';
import { ApiService } from '../../../../controller/serve/api-service.ts';
import { Traffic } from '../../../../controller/serve/traffic.ts';
import { encodeApplyRequest } from '../../../../protocol/api.ts';
import { type DeleteReply, encodeDeleteRequest } from '../../../../protocol/delete.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { NO_COUNTING } from '../../../fakes/no-counting.ts';
import { Folder, openStore, spec } from '../fleet.ts';

const subjects = makeSubjects();

test('logged: what was applied and deleted is named, with the revision that it led to, and not told on the wire', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const [lines, answers]: [object[], object[]] = [[], []];
  const note = (facts: object, message: string): void => void lines.push({ message, ...facts });
  const log = { debug: note, info: note, warn: note, error: note };
  const publish = (_: string, data: Uint8Array): void => void answers.push(JSON.parse(new TextDecoder().decode(data)));
  const bus = { publish, maxPayloadBytes: 1_048_576 };
  const api = new ApiService({
    desk: store.desk,
    rollouts: store.rollouts(NO_COUNTING),
    traffic: new Traffic(new ManualClock()),
    bus,
    subjects,
    clock: new ManualClock(),
    log,
    onChange: () => {},
  });
  const ask = (verb: 'apply' | 'delete', data: Uint8Array, origin = '') =>
    api.receive({ subject: subjects.api(verb), replyTo: '_INBOX.a', data, origin });
  const apply = (upload: string, origin: string, ...specs: readonly object[]) =>
    ask('apply', encodeApplyRequest({ v: 1, upload, part: 0, parts: 1, specs: specs as never }), origin);
  await apply('a', '', spec('web', 1), spec('dns', 2));
  await apply('b', '{"actor":"ann@ops-1"}', spec('web', 1, { to: 'drop' }), spec('dns', 2), spec('new', 3));
  await ask('delete', encodeDeleteRequest({ v: 1, names: ['web', 'absent'] }));
  t.deepEqual(lines, [
    {
      message: 'redirects applied',
      ...{ created: 2, changed: 0, unchanged: 0, hosts: 1, rev: 2, change: 'a' },
      named: { created: ['web', 'dns'], changed: [] },
    },
    {
      message: 'redirects applied',
      ...{ created: 1, changed: 1, unchanged: 1, hosts: 1, rev: 4, change: 'b', actor: 'ann@ops-1' },
      named: { created: ['new'], changed: ['web'] },
    },
    {
      ...{ message: 'redirects deleted', deleted: 1, absent: 1, hosts: 1, rev: 5, named: ['web'] },
      change: (answers.at(-1) as DeleteReply).change,
    },
  ]);
  t.false(answers.some((answer) => 'named' in answer));
});
