import { existsSync } from 'node:fs';
import type { Native } from '../../native/index.ts';
import { ownBuild } from '../attach/object.ts';
import { findBuild } from '../kernel/build.ts';
import type { PinPaths } from '../kernel/pins.ts';
import { asRoot, type Finding, findings } from './finding.ts';

const RENEW = 'run shunt attach again, with the same interfaces: packets go on meanwhile';
const program = findings('program');

/** Looks whether the program in force is the one that this build would put there. */
export function examineProgram(native: Native, paths: PinPaths): Finding {
  const build = findBuild(native, paths);
  const own = ownBuild();
  if (build === undefined && existsSync(paths.build)) return program.unseen('which one is in force', asRoot());
  if (build === undefined) return program.warn('of an older release, which did not say what it put in force', RENEW);
  const text = `${build.version}, tag ${build.tag}`;
  if (own === undefined || build.object === own.object) return program.ok(text);
  const order = build.version.localeCompare(own.version, 'en', { numeric: true });
  const than = ['older than', 'of another build than', 'newer than'][order + 1];
  return program.warn(`${text}: ${than} this one, ${own.version}`, RENEW);
}
