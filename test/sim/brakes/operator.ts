import { encodeApplyRequest, parseApplyReply } from '../../../protocol/api.ts';
import { encodeAskRequest } from '../../../protocol/ask.ts';
import { encodeDeleteRequest, parseDeleteReply } from '../../../protocol/delete.ts';
import type { World } from '../world.ts';
import { REDIRECTS, ROLES } from './schedule.ts';

const ALLOWED = { allowShrink: true, allowGrowth: true, reason: 'simulated' } as const;
const GROWS = { allowGrowth: true, reason: 'simulated' } as const;

/** Asks controllers for redirects as commands do. What was allowed and done has to be permitted. */
export class Operator {
  readonly wrong: string[] = [];
  readonly #world: World;
  #uploads = 0;

  constructor(world: World) {
    this.#world = world;
  }

  put(which: readonly number[], to: string, allowed: boolean): void {
    this.#uploads += 1;
    const specs = which.map((number) => specOf(number, to));
    const upload = { v: 1, upload: `u${this.#uploads}`, part: 0, parts: 1, specs } as const;
    const reply = this.#world.api('apply', encodeApplyRequest({ ...upload, ...(allowed ? ALLOWED : GROWS) }));
    this.#look(reply.then(parseApplyReply), allowed);
  }

  delete(which: readonly number[], allowed: boolean): void {
    const names = [...new Set(which.map(nameOf))];
    const request = encodeDeleteRequest({ v: 1, names, ...(allowed && ALLOWED) });
    this.#look(this.#world.api('delete', request).then(parseDeleteReply), allowed);
  }

  ask(host: string, verb: 'release' | 'resync'): void {
    const { bus } = this.#world;
    bus.request(bus.subjects.ask(host, verb), encodeAskRequest({ v: 1 }), '_INBOX.operator').catch(() => {});
  }

  #look(reply: Promise<object>, allowed: boolean): void {
    const look = (answer: { readonly hosts?: number; readonly rev?: number }): void => {
      const { hosts = 0, rev = 0 } = answer;
      if (!allowed || hosts === 0) return;
      const marks = 'select heads.rev as rev, coalesce(permit, 0) as permit from heads';
      const rows = this.#world.database.rows(`${marks} left join marks on marks.host = heads.host`) as readonly {
        readonly rev: number;
        readonly permit: number;
      }[];
      const known = rows.filter((row) => row.rev > rev || row.permit >= row.rev).length;
      if (known < hosts) this.wrong.push(`${hosts} hosts were allowed to shrink, and ${known} are permitted to`);
    };
    reply.then(look, () => {}); // nobody was there
  }
}

function nameOf(number: number): string {
  return `r${number}`;
}

function specOf(number: number, to: string): object {
  const role = ROLES[Math.floor(number / REDIRECTS)] ?? 'edge';
  return { name: nameOf(number), hosts: { role }, match: { dst: `203.0.113.${number}` }, to };
}
