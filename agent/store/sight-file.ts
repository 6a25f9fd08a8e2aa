import { join } from 'node:path';
import { object, optional, pattern, readCount, readWord, record } from '../../protocol/read.ts';
import type { Seeing, SeenSince } from '../model/seeing.ts';
import { AidFile } from './aid-file.ts';

const MAX_INTERFACES = 64;

const readSeenSince = object<SeenSince>({
  blinds: readWord,
  anywhere: optional(readCount),
  interfaces: record(
    pattern(/^[^/\s]{1,15}$/, 'the name of an interface'),
    object<Seeing>({ ifindex: readCount, carrierDowns: readCount, since: readCount }),
    MAX_INTERFACES,
  ),
});

/** A SightStore in the state directory. */
export class SightFile extends AidFile<SeenSince> {
  constructor(directory: string) {
    super(join(directory, 'sight.json'), readSeenSince);
  }
}
