import type { Commands } from './line/command.ts';

export const COMMANDS: Commands = Object.freeze({
  apply: { summary: 'create or change redirects', load: async () => (await import('./commands/apply.ts')).apply },
  plan: {
    summary: 'show what an apply or delete would do',
    load: async () => (await import('./commands/plan.ts')).plan,
  },
  rollout: {
    summary: 'change redirects in waves, judged by their packets',
    load: async () => (await import('./commands/rollout.ts')).rollout,
    verbs: {
      start: {
        summary: 'change redirects in waves',
        load: async () => (await import('./commands/rollout-start.ts')).rolloutStart,
      },
      list: {
        summary: 'list rollouts',
        load: async () => (await import('./commands/rollout-list.ts')).rolloutList,
      },
      status: {
        summary: 'show how a rollout stands',
        load: async () => (await import('./commands/rollout-status.ts')).rolloutStatus,
      },
      watch: {
        summary: 'follow a rollout until it has ended',
        load: async () => (await import('./commands/rollout-watch.ts')).rolloutWatch,
      },
      pause: {
        summary: 'hold a rollout',
        load: async () => (await import('./commands/rollout-pause.ts')).rolloutPause,
      },
      resume: {
        summary: 'have a paused rollout go on',
        load: async () => (await import('./commands/rollout-resume.ts')).rolloutResume,
      },
      abort: {
        summary: 'take a rollout back',
        load: async () => (await import('./commands/rollout-abort.ts')).rolloutAbort,
      },
      rollback: {
        summary: 'undo a rollout that is done',
        load: async () => (await import('./commands/rollout-rollback.ts')).rolloutRollback,
      },
      exclude: {
        summary: 'leave hosts out of a rollout',
        load: async () => (await import('./commands/rollout-exclude.ts')).rolloutExclude,
      },
      verdict: {
        summary: 'say what was seen from outside',
        load: async () => (await import('./commands/rollout-verdict.ts')).rolloutVerdict,
      },
    },
  },
  delete: { summary: 'delete redirects by name', load: async () => (await import('./commands/delete.ts')).remove },
  get: { summary: 'show redirects and where they win', load: async () => (await import('./commands/get.ts')).get },
  hosts: {
    summary: 'show hosts and how far they are',
    load: async () => (await import('./commands/hosts.ts')).hosts,
    verbs: {
      forget: {
        summary: 'forget hosts that are gone for good',
        load: async () => (await import('./commands/hosts-forget.ts')).hostsForget,
      },
    },
  },
  wait: {
    summary: 'wait until hosts have a change',
    load: async () => (await import('./commands/wait.ts')).wait,
  },
  history: {
    summary: 'show who changed what, and why',
    load: async () => (await import('./commands/history.ts')).history,
  },
  top: {
    summary: 'show which redirects packets meet, and how fast',
    load: async () => (await import('./commands/top.ts')).top,
  },
  rearm: {
    summary: 'have redirects that went idle stand again',
    load: async () => (await import('./commands/rearm.ts')).rearm,
  },
  status: { summary: 'ask a host for its status', load: async () => (await import('./commands/status.ts')).status },
  dump: {
    summary: 'ask a host for its entries and counters',
    load: async () => (await import('./commands/dump.ts')).dump,
  },
  explain: {
    summary: 'ask a host why a redirect is as it is',
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  stats: {
    summary: 'ask a host what became of packets',
    load: async () => (await import('./commands/stats.ts')).stats,
  },
  events: {
    summary: 'show what happened on a host, and happens',
    load: async () => (await import('./commands/events.ts')).events,
  },
  resync: {
    summary: 'have a host take its whole set anew',
    load: async () => (await import('./commands/resync.ts')).resync,
  },
  release: {
    summary: 'have a host do what its brake withholds',
    load: async () => (await import('./commands/release.ts')).release,
  },
  attach: {
    summary: 'load the program and attach it (root)',
    load: async () => (await import('./commands/attach.ts')).attach,
  },
  detach: { summary: 'detach the program (root)', load: async () => (await import('./commands/detach.ts')).detach },
  doctor: {
    summary: 'look for what is wrong, and how to mend it',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  bypass: {
    summary: 'pass every packet of this host',
    load: async () => (await import('./commands/bypass.ts')).bypass,
  },
  agent: { summary: 'run the agent of a host', load: async () => (await import('./commands/agent.ts')).agent },
  controller: {
    summary: 'run the controller',
    load: async () => (await import('./commands/controller.ts')).controller,
    verbs: {
      recover: {
        summary: 'begin the history of the controller that runs anew',
        load: async () => (await import('./commands/controller-recover.ts')).controllerRecover,
      },
    },
  },
  context: {
    summary: 'names for buses: list, use or show them',
    load: async () => (await import('./commands/context.ts')).context,
    verbs: {
      list: {
        summary: 'list the contexts of this user',
        load: async () => (await import('./commands/context-list.ts')).contextList,
      },
      use: {
        summary: 'make a context the current one',
        load: async () => (await import('./commands/context-use.ts')).contextUse,
      },
      show: {
        summary: 'show the context that counts, or another one',
        load: async () => (await import('./commands/context-show.ts')).contextShow,
      },
    },
  },
  completion: {
    summary: 'write a completion script for a shell',
    load: async () => (await import('./commands/completion.ts')).completion,
  },
});
