import { readChangeId } from './change-id.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { list, object, optional, readCount, readTime } from './read.ts';

/** A redirect that was deleted, and of whose hosts some have not confirmed that yet: packets may still be sent on there. */
export interface Deleting {
  readonly name: string;
  readonly change: string;
  readonly made: number;
  /** On how many hosts it stood, and how many of them confirmed that it is gone. */
  readonly total: number;
  readonly confirmed: number;
  /** How many of the others took the delete back: it stands there as before. Absent where none did. */
  readonly reverted?: number;
  /** The first MAX_DELETING_HOSTS of the others. */
  readonly hosts: readonly string[];
}

/** The most redirects and hosts that a reply names of those that are being deleted. */
export const MAX_DELETING = 100;
export const MAX_DELETING_HOSTS = 16;

export const readDeleting = list(
  object<Deleting>(
    {
      name: readName,
      change: readChangeId,
      made: readTime,
      total: readCount,
      confirmed: readCount,
      reverted: optional(readCount),
      hosts: list(readHost, MAX_DELETING_HOSTS),
    },
    'ignored',
  ),
  MAX_DELETING,
);
