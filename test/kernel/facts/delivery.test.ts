/** What each raw tracepoint says of packets that die after their verdict; 100 packets a burst. */
import { kernelTests } from '../../support/kernel.ts';
import { runInNamespace } from '../../support/netns.ts';

const kernel = kernelTests();
const observe = (scenario: string): Promise<unknown> =>
  runInNamespace(new URL('../delivery.scenario.ts', import.meta.url), scenario);

const sent = { SENT: 100 };

/** Native mode; an errno of `-` is none. */
const CASES: Readonly<Record<string, unknown>> = {
  delivered: { verdicts: sent, losses: {}, arrived: 100 },
  'no port': { verdicts: { NO_PORT: 100 }, losses: {}, arrived: 0 },
  'far end without GRO': { verdicts: sent, losses: { 'xdp_redirect_err out0 EOPNOTSUPP': 100 }, arrived: 0 },
  'egress down': { verdicts: sent, losses: { 'xdp_redirect_err out0 ENETDOWN': 100 }, arrived: 0 },
  'larger than the egress takes': { verdicts: sent, losses: { 'xdp_redirect_err out0 EMSGSIZE': 100 }, arrived: 0 },
  'far end down': { verdicts: sent, losses: { 'xdp_devmap_xmit out0 ENXIO': 100 }, arrived: 0 },
  'larger than the far end takes': { verdicts: sent, losses: { 'xdp_devmap_xmit out0 -': 100 }, arrived: 0 },
  'sent back': { verdicts: { SENT_BACK: 100 }, losses: { 'xdp_bulk_tx in0 ENXIO': 100 }, arrived: 0 },
  'sent back to a far end with GRO alone': { verdicts: { SENT_BACK: 100 }, losses: {}, arrived: 0 },
};

for (const [says, expected] of Object.entries(CASES)) {
  kernel(`fact lost-after-verdict: ${says}`, async (t) => {
    t.deepEqual(await observe(says), expected);
  });
}

kernel(
  'fact lost-in-generic: generic mode tells of an egress that is down or too small, and not of a far end that is down',
  async (t) => {
    t.deepEqual(await observe('generic'), {
      delivered: { verdicts: sent, losses: {}, arrived: 100 },
      large: { verdicts: sent, losses: { 'xdp_redirect_err out0 EMSGSIZE': 100 }, arrived: 0 },
      farDown: { verdicts: sent, losses: {}, arrived: 0 },
      down: { verdicts: sent, losses: { 'xdp_redirect_err out0 ENETDOWN': 100 }, arrived: 0 },
    });
  },
);

kernel("fact lost-after-verdict: what somebody else's program loses on the same egress is not counted", async (t) => {
  t.deepEqual(await observe('foreign'), { verdicts: {}, losses: {}, arrived: 0, redirected: 100 });
});

kernel('fact lost-after-verdict: an exception counts for the program that is ours, without an errno', async (t) => {
  t.deepEqual(await observe('exception'), { others: {}, losses: { 'xdp_exception in2 -': 100 } });
});
