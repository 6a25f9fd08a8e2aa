import { type PageReply, parsePageReply } from '../../protocol/page.ts';
import { parseUpdate, type Update } from '../../protocol/update.ts';

// The one door for bytes that move desired state. Whoever is to be trusted is known here, before anything is read; what
// comes out is complete, normalised and of this host.

/** Opens a message of the live subject. Errors: Refused. */
export function openUpdate(bytes: Uint8Array, host: string): Update {
  return parseUpdate(bytes, host);
}

/** Opens the answer to a sync request. Errors: Refused. */
export function openPage(bytes: Uint8Array, host: string): PageReply {
  return parsePageReply(bytes, host);
}
