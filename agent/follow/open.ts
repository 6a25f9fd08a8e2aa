import type { JsonObject } from '../../protocol/json.ts';
import { type PageReply, parsePageReply } from '../../protocol/page.ts';
import { parseUpdate, type Update } from '../../protocol/update.ts';

// The one door for what moves desired state. Whoever is to be trusted is known here, before anything is read; what
// comes out is complete, normalised and of this host.

/** Opens a message of the live subject. Errors: Refused. */
export function openUpdate(bytes: Uint8Array, host: string): Update {
  return parseUpdate(bytes, host);
}

/** Opens the answer to a sync request, decoded. Errors: Refused. */
export function openPage(value: JsonObject, host: string): PageReply {
  return parsePageReply(value, host);
}
