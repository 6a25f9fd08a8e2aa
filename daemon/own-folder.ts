import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { shellWord } from '../protocol/plain.ts';

/** As many as Linux follows on one path (path_resolution(7)). */
const MAX_LINKS = 40;
const STICKY = 0o1000;

/**
 * Says who else than this user and root could put files of theirs into a folder, or another folder in its place, and what to
 * do about it; undefined where nobody could. Each part of the path counts, and so does what a symbolic link on it leads
 * through. What is not there yet is judged by the folder that it would be made in.
 */
export function whoElseCouldExchange(folder: string, us = process.geteuid?.() ?? 0): string | undefined {
  let [at, rest] = ['/', partsOf(resolve(folder))];
  for (let links = 0; links <= MAX_LINKS; ) {
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (stat === undefined || !(stat.isDirectory() || stat.isSymbolicLink())) return undefined; // others say so
    const stranger = strangerOf(at, stat, us) ?? openness(at, stat, rest.length === 0);
    if (stranger !== undefined) return stranger;
    if (stat.isSymbolicLink()) {
      rest = [...partsOf(resolve(dirname(at), readlinkSync(at))), ...rest];
      at = '/';
      links += 1;
    } else {
      const [next, ...others] = rest;
      if (next === undefined) return undefined;
      at = join(at, next);
      rest = others;
    }
  }
  return `its path leads through more than ${MAX_LINKS} symbolic links; name the folder that is meant`;
}

/** Says whose a file is if neither this user's nor root's, and what else it is if no file; undefined where it is ours, or absent. */
export function whyNotOurFile(path: string, us = process.geteuid?.() ?? 0): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) return `${path} is a symbolic link; name the file that is meant, or remove the link`;
  if (!stat.isFile()) return `${path} is no regular file; remove it, or name another`;
  return strangerOf(path, stat, us);
}

function partsOf(path: string): string[] {
  return path.split(sep).filter((part) => part !== '');
}

function strangerOf(path: string, { uid }: Stats, us: number): string | undefined {
  if (uid === us || uid === 0) return undefined;
  return `${path} is of user ${uid}, who could exchange it; run this as user ${uid}, or chown it to user ${us}`;
}

/** In a sticky folder others can move nothing of ours, but can make what is not there yet. */
function openness(path: string, stat: Stats, isLast: boolean): string | undefined {
  const sticky = (stat.mode & STICKY) !== 0;
  if (stat.isSymbolicLink() || (stat.mode & 0o022) === 0 || (sticky && !isLast)) return undefined;
  const how = sticky ? 'make a folder of its own there, mode 700, and name that' : `chmod go-w ${shellWord(path)}`;
  return `${path} can be written to by others (mode ${(stat.mode & 0o7777).toString(8)}); ${how}`;
}
