import type { AnyCommand } from './command.ts';

/** A command by its name: what `shunt help` says of it, and its module, which is loaded only when it is called. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<AnyCommand>;
}

export const COMMANDS: Readonly<Record<string, Entry>> = Object.freeze({
  apply: { summary: 'create or change redirects', load: async () => (await import('./apply.ts')).apply },
  plan: { summary: 'show what an apply or delete would do', load: async () => (await import('./plan.ts')).plan },
  delete: { summary: 'delete redirects by name', load: async () => (await import('./delete.ts')).remove },
  get: { summary: 'show redirects and where they win', load: async () => (await import('./get.ts')).get },
  hosts: { summary: 'show hosts and how far they are', load: async () => (await import('./hosts.ts')).hosts },
  status: { summary: 'ask a host for its status', load: async () => (await import('./status.ts')).status },
  dump: { summary: 'ask a host for its entries and counters', load: async () => (await import('./dump.ts')).dump },
  explain: {
    summary: 'ask a host why a redirect is as it is',
    load: async () => (await import('./explain.ts')).explain,
  },
  stats: { summary: 'ask a host what became of packets', load: async () => (await import('./stats.ts')).stats },
  events: {
    summary: 'show what happened on a host, and happens',
    load: async () => (await import('./events.ts')).events,
  },
  attach: { summary: 'load the program and attach it (root)', load: async () => (await import('./attach.ts')).attach },
  detach: { summary: 'detach the program (root)', load: async () => (await import('./detach.ts')).detach },
  doctor: {
    summary: 'look for what is wrong, and how to mend it',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  bypass: { summary: 'pass every packet of this host', load: async () => (await import('./bypass.ts')).bypass },
  agent: { summary: 'run the agent of a host', load: async () => (await import('./agent.ts')).agent },
  controller: { summary: 'run the controller', load: async () => (await import('./controller.ts')).controller },
  completion: {
    summary: 'write a completion script for a shell',
    load: async () => (await import('./completion.ts')).completion,
  },
});
