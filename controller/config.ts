import type { BusAccess } from '../bus/access.ts';
import { makeSubjects } from '../protocol/subjects.ts';

export interface ControllerConfig extends BusAccess {
  /** Addresses of one cluster: `nats://host:port`, or `tls://host:port`, which asks for TLS everywhere. */
  readonly nats: readonly string[];
  /** Path of the database file; made when it is not there, its folder must be. */
  readonly db: string;
  readonly rootSubject: string;
}

const DEFAULTS: ControllerConfig = {
  nats: ['nats://127.0.0.1:4222'],
  db: '/var/lib/shunt/controller.db',
  rootSubject: 'shunt.v1',
};

/** Fills in defaults and freezes. Errors: Refused, when a subject cannot be made of the root. */
export function makeControllerConfig(given: Partial<ControllerConfig> = {}): ControllerConfig {
  const config = { ...DEFAULTS, ...given };
  makeSubjects(config.rootSubject);
  return Object.freeze({ ...config, nats: Object.freeze([...config.nats]) });
}
