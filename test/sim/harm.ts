import { CAN } from '../../agent/model/can.ts';
import type { Host, Kept } from './host.ts';
import type { Act, Errand, HostName } from './schedule.ts';

type Harm = Exclude<Extract<Act, { readonly host: HostName }>, Errand>;

/** What every agent can that has a brake: who is not told what is allowed withholds it for ever. */
const BRAKES = ['permit'];

/** What happens to a host that its agent has not asked for. Answers false where there was nothing to do. */
export function harm(act: Harm, host: Host, kept: Map<HostName, Kept>): unknown {
  const done = strike(act, host, kept);
  if ('starts' in act && act.starts) restart(host);
  return done;
}

function strike(act: Harm, host: Host, kept: Map<HostName, Kept>): unknown {
  const { kernel } = host;
  switch (act.act) {
    case 'lose store':
      replace(host, undefined);
      break;
    case 'keep store':
      kept.set(act.host, host.keepStore());
      break;
    case 'restore store': {
      const store = kept.get(act.host);
      if (store === undefined) return false;
      replace(host, store);
      break;
    }
    case 'set back host':
      replace(host, act.copy ? kept.get(act.host) : undefined);
      host.reboot();
      break;
    case 'damage store':
      host.kill();
      host.bury();
      return host.flipRow(0);
    case 'flip row':
      return host.flipRow(act.which);
    case 'reboot':
      host.reboot();
      break;
    case 'wall clock':
      host.aheadMs = act.aheadMs;
      break;
    case 'uproot': {
      const ids = [...kernel.peek().entries.keys()];
      if (ids.length === 0) return false;
      host.tampered = true;
      kernel.uproot(ids[act.which % ids.length] ?? '');
      break;
    }
    case 'plant': {
      const [entry] = kernel.peek().entries.values();
      if (entry === undefined) return false;
      host.tampered = true;
      kernel.plant(entry.key, { ...entry.value, action: 'drop', rev: 1 }, act.which === 0);
      break;
    }
    case 'link':
      host.link(act.of, act.up);
      break;
    case 'flap':
      for (const up of [false, true]) kernel.netdev(act.of, { up });
      host.link(act.of, true);
      if (act.of === 'eth0') host.silence.blind();
      break;
    case 'program':
      host.program(act.attached, act.told);
      break;
    case 'fight': {
      const ids = [...kernel.peek().entries.keys()];
      if (ids.length === 0) return false;
      host.tampered = true;
      host.rival.begin(ids[act.which % ids.length] ?? '', act.times);
      break;
    }
    case 'neighbour':
      host.nextHops.say(kernel, act.of, act.answer);
      break;
    case 'remake pins':
      host.remakePins();
      break;
    case 'lose row':
      return host.loseRow(act.which);
    case 'refuse commits':
      host.refuse(act.times, act.which);
      break;
    case 'refuse op':
      kernel.failNext(act.op, 'ENOMEM');
      break;
    case 'hit':
      return host.hit(act.which);
    case 'bypass':
      host.bypass(act.on);
      break;
    case 'version':
      host.can = { older: BRAKES, ours: CAN, newer: [...CAN, 'later'] }[act.is];
      restart(host);
      break;
    case 'labels':
      host.labels = { role: act.role };
      restart(host);
      break;
  }
}

function restart(host: Host): void {
  host.kill();
  host.bury();
  host.start();
}

function replace(host: Host, kept: Kept | undefined): void {
  host.kill();
  host.bury();
  host.loseStore(kept);
}
