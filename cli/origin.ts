import { hostname, userInfo } from 'node:os';
import { encodeOrigin, MAX_SOURCES } from '../protocol/origin.ts';

/** The header that says who asks, as far as this machine knows, and from which files. */
export function originHeader(files: readonly string[] = []): string {
  const sources = [...new Set(files)].slice(0, MAX_SOURCES).map((file) => (file === '-' ? 'standard input' : file));
  return encodeOrigin({ actor: `${userName()}@${hostname()}`, ...(sources.length > 0 && { sources }) });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`; // there is no such user, as in a container
  }
}
