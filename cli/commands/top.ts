import { didYouMean, nearest } from '../../protocol/near.ts';
import { encodeTopRequest, parseTopReply, type TopReply, type TopRequest } from '../../protocol/top.ts';
import { Bus, type BusOptions } from '../client.ts';
import { readFleet } from '../fleet.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { stopSignal } from '../line/signals.ts';
import { noteText, type Terminal } from '../show/terminal.ts';
import { Source } from '../source.ts';
import { caveat, heading, rows, sums } from '../top/lay-out.ts';
import { requestOf, type View } from '../top/view.ts';
import { watch } from '../top/watch.ts';

/** Of a listing; of a screen as many as it has lines. */
const LISTED = 100;

export const top = command({
  synopsis: '[--host HOST | --by-host] [--sort ORDER] [--once]',
  about: `Shows which redirects packets meet, the most packets a second first, over all hosts, on one, or with --by-host a row for each
redirect and host: packets and bytes a second, how many of these packets could not be sent as they were, and went on to B's kernel
(passed), what is wrong with it on how many hosts, and the packets of the last five minutes. A host tells its rates about every 15 s,
of its 64 busiest redirects; - is where none is known, and a gap in the line, too. On a terminal it fills the screen and goes on until q;
keys sort (p, b, s, n), filter (/) and go from the fleet to its hosts (h). With --once, -o json or a pipe it is shown once. Above
stands what packets do on all hosts together, and how many were lost after they had been redirected.`,
  examples: ['shunt top', 'shunt top --host edge-7 --sort passed', 'shunt top --by-host -o json'],
  options: ['host', 'by-host', 'sort', 'filter', 'once', ...BUS_OPTIONS],
  async run({ options: { host, sort, filter, once, ...options }, written, terminal }) {
    const named = written.has('host');
    if (named && options['by-host']) throw usage('--host is one host, and --by-host is each: leave one of them out');
    const of = named ? 'host' : options['by-host'] ? 'each' : 'fleet';
    const view: View = { sort, filter: filter ?? '', of, ...(named && { host }) };
    await using source = new Source(options);
    const take = once || options.output === 'json' ? undefined : terminal.screen;
    const reply = await ask(source, requestOf(view, LISTED));
    if (named && reply.hosts === 0) await requireKnown(host, options, terminal);
    if (take === undefined) {
      terminal.print(options.output === 'json' ? JSON.stringify(reply) : listing(reply, view, terminal));
      return EXIT.done;
    }
    const signal = stopSignal();
    using screen = take();
    await watch(screen, (request) => ask(source, request), { view, reply, colour: terminal.colour }, signal);
    return EXIT.done;
  },
});

/** One that does not speak has no rates; one that nobody knows was not meant. Errors: Failure. */
async function requireKnown(host: string, options: BusOptions, terminal: Terminal): Promise<void> {
  await using bus = await Bus.open(options);
  const hosts = (await readFleet(bus, terminal)).items.map((item) => item.host);
  if (hosts.includes(host)) return;
  const near = nearest(host, hosts);
  const meant = near === undefined ? '' : `; ${didYouMean(near)}`;
  throw new Failure(EXIT.refused, 'UNKNOWN_HOST', `the controller knows no host ${host}${meant}; see shunt hosts`);
}

function ask(source: Source, request: TopRequest): Promise<TopReply> {
  return source.ask((bus) => bus.api('top', encodeTopRequest(request), parseTopReply, { refuse: refusal }));
}

function refusal({ code, message }: { readonly code: string; readonly message: string }): Failure {
  const older = code === 'UNKNOWN_VERB' ? 'the controller is of an older release and knows no rates: ' : '';
  return new Failure(EXIT.refused, code, `the controller refused top: ${older}${message}`);
}

function listing(reply: TopReply, view: View, terminal: Pick<Terminal, 'width' | 'colour'>): string {
  const note = caveat(reply, view);
  const table = reply.items.length === 0 ? [] : ['', rows(reply, terminal)];
  return [
    heading(reply, view),
    sums(reply),
    ...table,
    ...(note === undefined ? [] : ['', noteText(terminal, note)]),
  ].join('\n');
}
