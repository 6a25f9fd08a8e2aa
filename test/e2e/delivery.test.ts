import test from 'ava';
import type { Stats } from '../../protocol/stats.ts';
import type { Status } from '../../protocol/status.ts';
import { CONVERGE_MS, type Operator, serviceRedirect, startProduct } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { HOST, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const DATAGRAMS = 200;
const NAME = 'steered';

/** Waits until status lists a loss that fits. */
async function listed(
  operator: Operator,
  fits: (one: NonNullable<Status['undelivered']>[number]) => boolean,
): Promise<Status> {
  return await until('the loss is listed', CONVERGE_MS, async () => {
    const status = await operator.status();
    return status?.undelivered?.some(fits) && status;
  });
}

test.serial(
  'delivery: a redirect whose packets die stays installed, and is named with interface and errno',
  async (t) => {
    await using bed = await Testbed.make();
    const { agent, operator } = await startProduct(bed, '--mode', 'native');
    const [c, asker] = [await Echo.start(bed, 'c'), await Asker.start(bed)];
    const { rev } = await operator.apply(serviceRedirect(NAME, 'v4'));
    t.false('undelivered' in (await operator.applied(rev)));

    // C takes small frames only, which B cannot know.
    await bed.must('c', ['ip', 'link', 'set', 'to-b', 'mtu', '68']);
    await asker.burst(DATAGRAMS);
    const stats = (await bed.ask('stats', '--host', HOST)) as Stats;
    const arrived = (await c.counted()).datagrams;
    t.is(Number(stats.verdicts.SENT), DATAGRAMS);
    t.is(Number(stats.lost), DATAGRAMS - arrived, 'what did not arrive is counted, to the packet');
    t.true(arrived < DATAGRAMS);
    t.like(stats.losses, [{ interface: 'to-c', tracepoint: 'xdp_devmap_xmit' }]);
    t.deepEqual(stats.unwatched, []);
    const small = await listed(operator, ({ packets }) => packets === stats.lost);
    t.like(small.undelivered, [{ interface: 'to-c', redirects: [NAME], redirectsTotal: 1 }]);
    t.false('errno' in (small.undelivered?.[0] ?? {}), 'a veth gives none for this');
    t.like(small, { counts: { installed: 1, blocked: 0, failed: 0 }, exceptionsTotal: 0 });

    // Without GRO its veth takes no redirected frame at all. An agent that runs sees that within milliseconds, maybe
    // before the first frame is lost; this one sees both at once.
    agent.signal('SIGSTOP');
    await bed.must('c', ['ethtool', '-K', 'to-b', 'gro', 'off']);
    await asker.burst(DATAGRAMS);
    agent.signal('SIGCONT');
    const deaf = await listed(operator, ({ errno }) => errno === 'EOPNOTSUPP');
    const [of] = deaf.undelivered?.filter(({ errno }) => errno === 'EOPNOTSUPP') ?? [];
    t.like(of, { interface: 'to-c', redirects: [NAME] });
    await until('the redirect is blocked', CONVERGE_MS, async () => {
      return (await operator.status())?.exceptions[0]?.code === 'NO_XDP_PATH';
    });
    const shown = await bed.shunt('bus', 'status', '--host', HOST, '--nats', 'nats://10.99.0.1:4222');
    t.regex(shown.stdout, /^to-c +EOPNOTSUPP +\d+ +\w+ +steered$/m);
  },
);
