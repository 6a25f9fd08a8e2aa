import { encodeRearmRequest, MAX_REARMED, parseRearmReply, type Rearmed } from '../../protocol/rearm.ts';
import { askHosts } from '../ask-hosts.ts';
import { Bus } from '../client.ts';
import { readRedirect } from '../fleet.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { requireName } from '../line/name.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { someText } from '../show/format.ts';
import { notice } from '../show/terminal.ts';

type Asker = Pick<Bus, 'api' | 'ask'>;
type Item = Rearmed & { readonly host: string };
export const rearm = command({
  synopsis: 'NAME...',
  about: `Has redirects that were given up in silence (\`idle\`) stand again, on every host that holds them. Where one is not idle,
nothing changes. The exit status is 3 if a host that holds one did not answer.`,
  examples: ['shunt rearm drain-web-2'],
  options: BUS_OPTIONS,
  operands: { placeholder: 'NAME', min: 1, max: Number.POSITIVE_INFINITY, asks: 'redirects' },
  async run({ options, operands, terminal }) {
    const names = [...new Set(operands)].map(requireName);
    await using bus = await Bus.open(options);
    const wanted = await hostsOf(bus, names);
    const ask = (host: string) => arm(bus, host, wanted.get(host) ?? []);
    const { answers, failed } = await askHosts([...wanted.keys()], ask, terminal);
    const items = answers.flat();
    if (options.output === 'json') terminal.print(JSON.stringify({ items, failed }));
    else terminal.print(names.map((name) => line(name, items)).join('\n'));
    for (const { host, message } of failed) notice(terminal, `${host}: ${message}`);
    return failed.length === 0 ? EXIT.done : EXIT.unfinished;
  },
});

/** The names by the hosts that hold them. Errors: Failure where there is none of a name. */
async function hostsOf(bus: Asker, names: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const byHost = new Map<string, string[]>();
  for (const name of names) {
    const { hosts } = await readRedirect(bus, name, '; nothing was changed');
    for (const host of hosts) byHost.set(host, [...(byHost.get(host) ?? []), name]);
  }
  return byHost;
}

/** One that is not there yet, or no more, is the controller's matter: the host has it with its next page. */
async function arm(bus: Asker, host: string, names: readonly string[]): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (let from = 0; from < names.length; from += MAX_REARMED) {
    const request = encodeRearmRequest({ v: 1, names: names.slice(from, from + MAX_REARMED) });
    const reply = await bus.ask(host, 'rearm', request, parseRearmReply);
    items.push(...reply.items.map((item) => ({ host, ...item })));
  }
  return items;
}

function line(name: string, items: readonly Item[]): string {
  const mine = items.filter((item) => item.name === name);
  const idle = mine.filter(({ was }) => was === 'idle');
  const parts = [...Map.groupBy(idle, ({ state, code }) => code ?? state)].map(([state, some]) => {
    const hosts = someText(some.map(({ host }) => host));
    return state === 'installed' ? `stands again on ${hosts}` : `${state} on ${hosts}`;
  });
  const others = mine.filter(({ was }) => was !== 'idle').map(({ host }) => host);
  if (others.length > 0) parts.push(`was not idle on ${someText(others)}`);
  return `${name}: ${parts.join('; ') || 'no host holds it'}`;
}
