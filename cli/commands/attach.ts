import type { ChosenOptions, ChosenProspect, ChosenReport } from '../../agent/attach/attach-chosen.ts';
import type { Ended } from '../../agent/attach/attach-unless-lost.ts';
import type { AttachedInterface } from '../../agent/attach/loader.ts';
import type { Replaced } from '../../agent/attach/succession.ts';
import type { Kept } from '../../agent/attach/unconfirmed.ts';
import { command } from '../line/command.ts';
import { EXIT, type Exit, usage } from '../line/failure.ts';
import type { Options } from '../line/options.ts';
import { parseOwner } from '../line/owner.ts';
import { stopSignal } from '../line/signals.ts';
import { bytesText, spanText } from '../show/format.ts';
import type { Terminal } from '../show/terminal.ts';

export const attach = command({
  synopsis: '--interface IF... --owner USER[:GROUP]',
  about: `Loads the program, pins its maps for their owner, and attaches it to the
interfaces. Needs root. Done twice it changes nothing. A program of another
build is replaced by this one's, and maps of another layout or size by new ones
that an agent fills first; packets go on meanwhile, and so do counts. A program
of somebody else never is. Native mode is fast and needs the driver's support;
auto takes it where packets will get through and the driver does not refuse,
else generic, and says why. Offloads of drivers that hide VLAN tags are switched
off. Refuses mounts that go with this command (ip netns exec, a container),
where the program would go too. In front of the maps stands a table, which
packets look into first; --table off does without.

IF may be a pattern, such as 'eth*'. By a pattern or --all-ethernet, what is no Ethernet, a tap, a port of a bridge, a
member of a bond, or has a program of somebody else is left alone, and why is said. 15 interfaces at most.

With --watch it goes on as long as it is let, for a service to run: an interface that is not there yet is attached to when
it comes, and one that is made anew, or moved away and back, again; one that is renamed keeps the program. What happens
is logged. SIGTERM ends it and detaches nothing.

With --confirm it stays, and after TIME detaches what it has just attached, unless Enter is pressed or shunt attach --keep is
said elsewhere by then: who is cut off by it comes back. A terminal that is gone is no answer; SIGINT and SIGTERM are a no. An
interface that had the program before keeps it. Only kill -9 of it leaves all attached.`,
  examples: [
    'shunt attach --interface eth0 --interface eth1 --owner shunt',
    "shunt attach --watch --interface 'eth*' --owner shunt",
    'shunt attach --interface eth0 --max-redirects 65536 --dry-run',
    'shunt attach --interface eth0 --owner shunt --confirm 60s',
  ],
  options: [
    'interface',
    'all-ethernet',
    'watch',
    'confirm',
    'keep',
    'owner',
    'mode',
    'pin-root',
    'max-redirects',
    'table',
    'deadline',
    'dry-run',
    'accept-hidden-tags',
    'accept-private-pins',
    'output',
  ],
  helps: { confirm: 'detach it again unless it is kept so soon' },
  async run({ options, terminal, stdin }) {
    if (options.keep) return keep(options, terminal);
    if (options.interface.length === 0 && !options['all-ethernet'])
      throw usage('name at least one interface: --interface IF, or take --all-ethernet');
    const owner = options.owner === undefined ? undefined : parseOwner(options.owner);
    const max = options['max-redirects'];
    const asked = {
      wanted: { interfaces: [...new Set(options.interface)], allEthernet: options['all-ethernet'] },
      ...(owner !== undefined && { owner }),
      mode: options.mode,
      pinRoot: options['pin-root'],
      ...(max !== undefined && { maxRedirects: max }),
      ...(options.table !== undefined && { table: options.table }),
      acceptHiddenTags: options['accept-hidden-tags'],
      acceptPrivatePins: options['accept-private-pins'],
      waitMs: options.deadline,
      tell: (line: string) => terminal.note(line),
    };
    if (options.watch && options['dry-run'])
      throw usage('--dry-run says what would be done once, and --watch goes on: leave one out');
    if (options.confirm !== undefined && (options.watch || options['dry-run']))
      throw usage('--confirm goes with neither --watch nor --dry-run: leave one out');
    if (options.watch) return watch(asked, options.output === 'json');
    const [{ attachChosen, prospectChosen }, { loadNative }] = await Promise.all([
      import('../../agent/attach/attach-chosen.ts'),
      import('../../native/index.ts'),
    ]);
    if (options['dry-run']) {
      const prospect = prospectChosen(loadNative(), asked);
      terminal.print(options.output === 'json' ? JSON.stringify(prospect) : foretell(prospect));
      return EXIT.done;
    }
    const tell = (report: ChosenReport): void =>
      terminal.print(options.output === 'json' ? jsonOf(report) : describe(report));
    if (options.confirm !== undefined) {
      const { attachUnlessLost } = await import('../../agent/attach/attach-unless-lost.ts');
      const ended = await attachUnlessLost(loadNative(), asked, {
        ...surroundings(terminal, stdin, tell),
        withinMs: options.confirm,
      });
      terminal.print(options.output === 'json' ? JSON.stringify(ended) : endText(ended));
      return ended.kept ? EXIT.done : EXIT.refused;
    }
    tell(attachChosen(loadNative(), asked));
    return EXIT.done;
  },
});

/** Keeps what another call waits with. Errors: Failure. */
async function keep(
  options: Options<'interface' | 'all-ethernet' | 'pin-root' | 'output'>,
  terminal: Terminal,
): Promise<Exit> {
  if (options.interface.length > 0 || options['all-ethernet'])
    throw usage('--keep keeps all that an attach --confirm waits with: leave the interfaces out');
  const [{ keepAttached }, { loadNative }] = await Promise.all([
    import('../../agent/attach/unconfirmed.ts'),
    import('../../native/index.ts'),
  ]);
  const is = keepAttached(loadNative(), options['pin-root']);
  terminal.print(options.output === 'json' ? JSON.stringify({ is }) : KEPT[is]);
  return is === 'nothing' ? EXIT.refused : EXIT.done;
}

const KEPT: Readonly<Record<Kept, string>> = {
  kept: 'kept: it stays attached',
  abandoned: 'the attach --confirm that waited was killed, so nothing is detached: it stays attached',
  nothing: 'no attach --confirm waits here; it was kept, or has detached by now',
};

/** Logs as the agent does; with `json` on standard output, where a program reads. */
async function watch(asked: ChosenOptions, json: boolean): Promise<Exit> {
  const [{ watchChosen }, { tellBegun }, { loadNative }, { makeLog, toStdout }, { tellReady }, { makeSystemClock }] =
    await Promise.all([
      import('../../agent/attach/watch.ts'),
      import('../../agent/attach/begun.ts'),
      import('../../native/index.ts'),
      import('../../daemon/log.ts'),
      import('../../daemon/ready.ts'),
      import('../../daemon/clock.ts'),
    ]);
  const log = json ? makeLog('info', {}, 'other', toStdout()) : makeLog('info');
  const begun = (report: ChosenReport): void => {
    tellBegun(log, report);
    tellReady();
  };
  const tell = (line: string): void => {
    log.info({ for: line }, 'waits');
    tellReady(); // the agent that is to fill them may be of a unit that waits for this one
  };
  await watchChosen(loadNative(), { ...asked, tell }, { log, clock: makeSystemClock(), begun }, stopSignal());
  return EXIT.done;
}

/** Who may press Enter, and what is shown meanwhile. */
function surroundings(terminal: Terminal, stdin: AsyncIterable<Uint8Array>, begun: (report: ChosenReport) => void) {
  const sits = terminal.confirm !== undefined;
  let isEntered = false;
  if (sits) void pressed(stdin).then((is) => (isEntered = is));
  const how = sits ? 'press Enter to keep it, or say' : 'say';
  return {
    begun: (report: ChosenReport): void => {
      begun(report);
      terminal.note(`${how} shunt attach --keep elsewhere; else it is detached again`);
    },
    isEntered: () => isEntered,
    count: (leftMs: number): void => terminal.progress(`detached again in ${spanText(leftMs)}`),
    process,
  };
}

/** Whether a line came in; the end of the input, as of a terminal that is gone, is none. */
async function pressed(stdin: AsyncIterable<Uint8Array>): Promise<boolean> {
  try {
    for await (const bytes of stdin) if (bytes.includes(0x0a)) return true;
  } catch {
    // the terminal is gone
  }
  return false;
}

function endText({ kept, why, detached }: Ended): string {
  if (why === 'unchanged') return 'nothing is to be confirmed: all was attached before';
  if (kept) return 'kept: it stays attached';
  const because = why === 'late' ? 'nobody kept it in time' : 'it was ended';
  return detached.length === 0
    ? `${because}, and nothing of it was attached any more`
    : `${because}: detached ${detached.join(', ')}`;
}

/** Where no pattern was given there is nothing to say of what patterns mean. */
function jsonOf({ waiting: _, skipped, ...report }: ChosenReport): string {
  return JSON.stringify(skipped.length === 0 ? report : { ...report, skipped });
}

const TABLES: Readonly<Record<ChosenReport['table'], string>> = {
  on: '',
  off: ' without a table',
  short: ' without a table, for which RAM is short,',
};

/** In lines and not a table: why a mode was taken is a sentence, and is not to be cut. */
function describe(report: ChosenReport): string {
  const { interfaces, maxRedirects, table, pinRoot, memoryBytes, owner, unwatched, advice, shortfall, skipped } =
    report;
  const lines = interfaces.map(
    ({ name, mode, changed, why }) => `${name}: ${changed ? 'attached' : 'unchanged'}, ${mode} mode: ${why}`,
  );
  const alone = skipped.map(({ name, why }) => `${name}: left alone: ${why}`);
  const blind = unwatched.map(({ tracepoint, why }) => `warning: losses at ${tracepoint} are not counted: ${why}`);
  const size = `maps for ${maxRedirects} redirects${TABLES[table]}`;
  const maps = `${size} at ${pinRoot}, about ${bytesText(memoryBytes)}, owned by ${owner.uid}:${owner.gid}`;
  const notes = advice.map(({ interface: name, why, mend }) => `note: ${name}: ${why}; ${mend}`);
  const kernel = shortfall === undefined ? [] : [`warning: ${shortfall.why}; ${shortfall.mend}`];
  return [
    ...lines,
    ...alone,
    programLine(report),
    ...report.replaced.map(replacedLine),
    ...interfaces.flatMap(tagLines),
    maps,
    ...kernel,
    ...blind,
    ...notes,
  ].join('\n');
}

/** What `attach` would do, in the same order. */
function foretell({ interfaces, skipped, program, maps, pinRoot, memoryBytes }: ChosenProspect): string {
  const lines = interfaces.map(
    ({ name, change, mode, why }) =>
      `${name}: ${change === 'attach' ? 'would attach' : 'unchanged'}, ${mode} mode: ${why}`,
  );
  const alone = skipped.map(({ name, why }) => `${name}: would be left alone: ${why}`);
  const { from, to, switches } = program;
  const on = switches.length === 0 ? 'unchanged' : `would be replaced on ${switches.join(', ')}`;
  const now = `program ${from === undefined ? '' : `${from.version}, tag ${from.tag} → `}${to.version}`;
  return [
    ...lines,
    ...alone,
    `${now}: ${maps.from === undefined ? 'would be loaded' : on}`,
    `${mapsText(maps)} at ${pinRoot}, about ${bytesText(memoryBytes)}`,
    'nothing was changed',
  ].join('\n');
}

function mapsText({ from, to, replaced }: ChosenProspect['maps']): string {
  const name = ({ layout, slots, table }: typeof to): string =>
    `layout ${layout} with room for ${slots} redirects${table === false ? ', without a table' : ''}`;
  if (from === undefined) return `maps: would be made, of ${name(to)}`;
  if (!replaced) return `maps: unchanged, of ${name(to)}`;
  return `maps: would be replaced once an agent has filled new ones: ${name(from)} → ${name(to)}`;
}

function programLine({ program: { version, tag, before, switched } }: ChosenReport): string {
  const now = `${version}, tag ${tag}`;
  const on = switched.length === 0 ? '' : ` on ${switched.join(', ')}`;
  if (before === undefined) return `program ${now}${on}`;
  return `program ${before.version ?? 'of an older release'}, tag ${before.tag} → ${now}${on}`;
}

/** Packets went on meanwhile. */
function replacedLine({ from, to, switched, counts }: Replaced): string {
  const what = [
    ...(from.layout === to.layout ? [] : [`layout ${from.layout} → ${to.layout}`]),
    ...(from.slots === to.slots ? [] : [`${from.slots} → ${to.slots} redirects`]),
    ...(from.table === undefined || from.table === to.table ? [] : [to.table ? 'with a table' : 'without a table']),
  ].join(', ');
  const on = switched.length === 0 ? '' : ` on ${switched.join(', ')}`;
  return `maps ${what}${on}; ${counts ? 'counts go on' : 'counts begin anew'}`;
}

/** What the program sees of VLAN tags, where that is not simply all of them. */
function tagLines({ name, tags }: AttachedInterface): readonly string[] {
  const { state, switchedOff, why, mend = 'accepted' } = tags;
  const off = switchedOff.map((what) => `${name}: switched ${what} off, to see VLAN tags; detach puts it back`);
  if (state === 'seen') return off;
  const found = state === 'hidden' ? `warning: ${name}: ${why}` : `note: cannot see ${why}`;
  return [...off, `${found}: ${mend}`];
}
