import { encodeApplyRequest, isApiError, parseApplyReply } from '../../protocol/api.ts';
import { type AskError, encodeAskRequest } from '../../protocol/ask.ts';
import { encodeDeleteRequest, parseDeleteReply } from '../../protocol/delete.ts';
import { encodeForgetRequest } from '../../protocol/forget.ts';
import { encodeRearmRequest } from '../../protocol/rearm.ts';
import { encodeRecoverRequest, parseRecoverReply } from '../../protocol/recover.ts';
import { parseResyncReply, type ResyncReply } from '../../protocol/resync.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { type Oracle, written } from './oracle.ts';
import type { Errand, Wish } from './schedule.ts';
import type { World } from './world.ts';

/** The size gate lets by whatever a schedule asks for: it is about people. */
const TERMS = { allowShrink: true, allowGrowth: true, reason: 'simulated' } as const;

/** Asks controllers for redirects, as commands do, and has an oracle know what was asked and what became of it. */
export class Operator {
  readonly #world: World;
  readonly #oracle: Oracle;
  #uploads = 0;

  constructor(world: World, oracle: Oracle) {
    this.#world = world;
    this.#oracle = oracle;
  }

  apply(wishes: readonly Wish[]): void {
    const specs = this.#written(wishes);
    const reply = this.#world.api('apply', this.#upload(specs));
    this.#note(reply.then(parseApplyReply), specs, []);
  }

  /** Asks a controller of somebody else's. */
  applyAt(subjects: Subjects, wishes: readonly Wish[]): void {
    this.#world.api('apply', this.#upload(this.#written(wishes)), subjects).catch(() => {}); // it is theirs to care
  }

  delete(names: readonly string[]): void {
    const reply = this.#world.api('delete', encodeDeleteRequest({ v: 1, names: [...new Set(names)], ...TERMS }));
    this.#note(reply.then(parseDeleteReply), [], names);
  }

  /** What comes of it shows. */
  run(errand: Exclude<Errand, { readonly act: 'resync' }>): void {
    switch (errand.act) {
      case 'rearm':
        this.#ask(errand.host, 'rearm', encodeRearmRequest({ v: 1, names: errand.names })).catch(() => {});
        break;
      case 'forget':
        this.#order('forget', encodeForgetRequest({ v: 1, host: errand.host, force: true }));
        if (errand.names.length > 0) this.delete(errand.names);
        break;
      case 'recover':
        this.#order('recover', encodeRecoverRequest({ v: 1 }));
        break;
    }
  }

  /** Begins the history anew. Errors: those of the bus; Error where the controller refuses it. */
  async recover(): Promise<void> {
    const reply = parseRecoverReply(await this.#world.api('recover', encodeRecoverRequest({ v: 1 })));
    if (isApiError(reply)) throw new Error(reply.error.message);
  }

  /** Has a host take its whole set anew; what becomes of it shows. Answers what it says; undefined where nothing is heard of that. */
  resync(host: string): Promise<ResyncReply | AskError | undefined> {
    const reply = this.#ask(host, 'resync', encodeAskRequest({ v: 1 }));
    return reply.then((bytes) => parseResyncReply(bytes)).catch(() => undefined);
  }

  /** Has a host do what its brake withholds; what becomes of it shows. */
  release(host: string): void {
    this.#ask(host, 'release', encodeAskRequest({ v: 1 })).catch(() => {});
  }

  #ask(host: string, verb: 'rearm' | 'resync' | 'release', request: Uint8Array): Promise<Uint8Array> {
    const { bus } = this.#world;
    return bus.request(bus.subjects.ask(host, verb), request, '_INBOX.operator');
  }

  #order(verb: string, request: Uint8Array): void {
    this.#world.api(verb, request).catch(() => {}); // nobody was there
  }

  #written(wishes: readonly Wish[]): readonly object[] {
    return uniquely(wishes.map((wish) => written(wish, this.#world.clock.nowMs())));
  }

  #upload(specs: readonly object[]): Uint8Array {
    this.#uploads += 1;
    return encodeApplyRequest({ v: 1, upload: `u${this.#uploads}`, part: 0, parts: 1, specs, ...TERMS });
  }

  #note(reply: Promise<object>, specs: readonly object[], deleted: readonly string[]): void {
    const became = this.#oracle.asked(specs, deleted);
    reply.then(
      (answer) => became(isApiError(answer) ? 'refused' : 'done'),
      () => became('unknown'),
    );
  }
}

/** The last of each name. */
function uniquely(specs: readonly object[]): readonly object[] {
  return [...new Map(specs.map((spec) => [(spec as { readonly name: string }).name, spec])).values()];
}
