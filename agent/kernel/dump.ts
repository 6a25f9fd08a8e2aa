import type { List } from '../../native/index.ts';
import { isErrno } from './errno.ts';

/** So often is asked again for what changed while it was told; on a host that starts containers that happens. */
const TRIES = 100;

/** What rtnetlink or generic netlink lists, as it was at one moment; or why not. */
export function whole<T>(dump: () => List<T>): List<T> {
  let heard = dump();
  for (let tries = 1; isErrno(heard.rc, 'EINTR') && tries < TRIES; tries += 1) heard = dump();
  return heard;
}
