import { join } from 'node:path';
import { LIMITS } from './abi.ts';

/** The maps that are pinned. */
export const MAPS = [
  'redirect4',
  'redirect6',
  'stats',
  'ports',
  'shapes',
  'control',
  'protect',
  'passed',
  'verdicts',
  'losses',
  'rows4',
  'rows6',
  'filter4',
  'filter6',
  'about',
] as const;
export type MapName = (typeof MAPS)[number];

/** The name of a map in the object, and the kernel's: global data of the program is named by its section. bpffs refuses dots. */
export function objectName(map: MapName): string {
  return map === 'control' || map === 'shapes' ? `.data.${map}` : map;
}

/** The folder of the maps that packets meet, where this build made them. */
export const STANDING = `v${LIMITS.SHUNT_LAYOUT}`;
/** The folder of those that are to take their place, of whatever layout; it gets the other name once they do. */
export const COMING = 'next';

/** Where everything is pinned. Only root may enter `rootOnly`: a program that can be opened can be attached. */
export function pinPaths(pinRoot: string, folder: string = STANDING) {
  const layout = join(pinRoot, folder);
  const rootOnly = join(layout, 'root');
  return {
    /** The folder that the agent locks, whatever its layout. */
    claim: join(pinRoot, 'agent'),
    layout,
    rootOnly,
    map: (name: MapName): string => join(layout, name),
    clock: join(layout, 'clock'),
    program: join(rootOnly, 'program'),
    /** What takes the place of the pin of that name in a moment. */
    next: (pin: string): string => `${pin}_next`,
    /** Maps that the loader alone writes, and no program reads; they may be absent. */
    tags: join(layout, 'tags'),
    build: join(layout, 'build'),
    zones: join(layout, 'zones'),
    /** The link of the program that watches a tracepoint. */
    tracepoint: (name: string): string => join(rootOnly, `tp_${name}`),
    /** bpffs refuses dots in names (kernel/bpf/inode.c, bpf_lookup). */
    link: (ifname: string): string => join(rootOnly, `link_${ifname.replaceAll('%', '%25').replaceAll('.', '%2e')}`),
    ifnameOf: (pin: string): string | undefined =>
      pin.startsWith('link_') ? pin.slice(5).replaceAll('%2e', '.').replaceAll('%25', '%') : undefined,
  };
}
export type PinPaths = ReturnType<typeof pinPaths>;
