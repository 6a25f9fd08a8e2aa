import type { AttachReport } from '../../agent/attach/attach.ts';
import type { AttachedInterface } from '../../agent/attach/loader.ts';
import type { Replaced } from '../../agent/attach/succession.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { parseOwner } from '../line/owner.ts';
import { bytesText } from '../show/format.ts';

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
where the program would go too.`,
  examples: ['shunt attach --interface eth0 --interface eth1 --owner shunt'],
  options: [
    'interface',
    'owner',
    'mode',
    'pin-root',
    'max-redirects',
    'deadline',
    'accept-hidden-tags',
    'accept-private-pins',
    'output',
  ],
  async run({ options, terminal }) {
    if (options.interface.length === 0) throw usage('name at least one interface: --interface IF');
    const owner = options.owner === undefined ? undefined : parseOwner(options.owner);
    const [attaching, { loadNative }] = await Promise.all([
      import('../../agent/attach/attach.ts'),
      import('../../native/index.ts'),
    ]);
    const max = options['max-redirects'];
    const report = attaching.attach(loadNative(), {
      interfaces: [...new Set(options.interface)],
      ...(owner !== undefined && { owner }),
      mode: options.mode,
      pinRoot: options['pin-root'],
      ...(max !== undefined && { maxRedirects: max }),
      acceptHiddenTags: options['accept-hidden-tags'],
      acceptPrivatePins: options['accept-private-pins'],
      waitMs: options.deadline,
      tell: (line) => terminal.note(line),
    });
    terminal.print(options.output === 'json' ? JSON.stringify(report) : describe(report));
    return EXIT.done;
  },
});

/** In lines and not a table: why a mode was taken is a sentence, and is not to be cut. */
function describe(report: AttachReport): string {
  const { interfaces, maxRedirects, pinRoot, memoryBytes, owner, unwatched, advice, shortfall } = report;
  const lines = interfaces.map(
    ({ name, mode, changed, why }) => `${name}: ${changed ? 'attached' : 'unchanged'}, ${mode} mode: ${why}`,
  );
  const blind = unwatched.map(({ tracepoint, why }) => `warning: losses at ${tracepoint} are not counted: ${why}`);
  const maps = `maps for ${maxRedirects} redirects at ${pinRoot}, about ${bytesText(memoryBytes)}, owned by ${owner.uid}:${owner.gid}`;
  const notes = advice.map(({ interface: name, why, mend }) => `note: ${name}: ${why}; ${mend}`);
  const kernel = shortfall === undefined ? [] : [`warning: ${shortfall.why}; ${shortfall.mend}`];
  return [
    ...lines,
    programLine(report),
    ...report.replaced.map(replacedLine),
    ...interfaces.flatMap(tagLines),
    maps,
    ...kernel,
    ...blind,
    ...notes,
  ].join('\n');
}

function programLine({ program: { version, tag, before, switched } }: AttachReport): string {
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
