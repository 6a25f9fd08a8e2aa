import { CAN } from '../../../agent/model/can.ts';
import { serve } from '../../../agent/serve.ts';
import type { Log } from '../../../daemon/log.ts';
import type { Change } from '../../../protocol/intent.ts';
import { keyOf } from '../../../protocol/key.ts';
import { parseMatch } from '../../../protocol/match.ts';
import { encodePage, parseSyncRequest } from '../../../protocol/page.ts';
import { makeSubjects } from '../../../protocol/subjects.ts';
import { encodeUpdate, type Update } from '../../../protocol/update.ts';
import { MemoryBus } from '../../fakes/memory-bus.ts';
import { MemoryController, type Wish } from '../../fakes/memory-controller.ts';
import { SeededClock } from '../seeded-clock.ts';
import { HOST, Machine } from './machine.ts';
import { type Act, NAMES, type Target } from './schedule.ts';

/** Longer than any time that a change has, with the minute after which a log is asked anew, and with retries. */
const QUIET_MS = 200_000;
/** Between two looks at what stands. */
const LOOK_MS = 250;
const MESSAGE_MS = 2;
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface Played {
  readonly wrong: readonly string[];
  readonly events: number;
  readonly fired: readonly string[];
}

/** Plays a schedule: a controller that is made up, and one host with all of its agent. */
export async function play(acts: readonly Act[], seed: number): Promise<Played> {
  const game = new Game(seed);
  return await game.play(acts);
}

class Game {
  readonly #clock: SeededClock;
  readonly #bus: MemoryBus;
  readonly #log: MemoryController;
  readonly #machine: Machine;
  #confirmed = 0;
  /** Messages of a hundred that are lost. */
  #lost = 0;
  #events = 0;
  readonly #fired = new Set<string>();

  constructor(seed: number) {
    this.#clock = new SeededClock(seed);
    this.#bus = new MemoryBus(this.#clock, makeSubjects('shunt'));
    this.#log = new MemoryController(HOST, this.#clock);
    this.#machine = new Machine(
      this.#clock,
      this.#bus,
      (parts, signal) => serve({ ...parts, log: SILENT }, signal),
      CAN,
    );
    this.#bus.carry = ({ data }) => {
      this.#events += 1;
      return this.#clock.random() * 100 < this.#lost ? [] : [{ afterMs: MESSAGE_MS, data }];
    };
    this.#bus.subscribe(this.#bus.subjects.sync(HOST), ({ data, replyTo }) => {
      const page = this.#log.page(parseSyncRequest(data, HOST));
      const marks = page.standing === 'ok' || page.standing === 'superseded' ? this.#marks : {};
      this.#bus.publish(replyTo, encodePage({ ...page, ...marks }));
    });
  }

  get #marks(): { readonly confirmed: number; readonly permit: number } {
    return { confirmed: this.#confirmed, permit: this.#log.head.rev };
  }

  async play(acts: readonly Act[]): Promise<Played> {
    this.#machine.start();
    for (const act of acts) {
      await this.#pass(act.afterMs);
      this.#fired.add(act.act);
      this.#events += 1;
      this.#do(act);
      if (this.#machine.wrong.length > 0) break;
    }
    if (this.#machine.wrong.length === 0) await this.#quiet();
    const wrong = this.#machine.wrong.slice(0, 3);
    this.#machine.end();
    return { wrong, events: this.#events, fired: [...this.#fired] };
  }

  /** Nothing disturbs it any more, and every time is over. */
  async #quiet(): Promise<void> {
    this.#lost = 0;
    this.#machine.calm();
    this.#machine.start();
    await this.#pass(QUIET_MS);
    this.#machine.checkQuiet();
  }

  async #pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= LOOK_MS) {
      await this.#clock.pass(Math.min(left, LOOK_MS));
      this.#machine.look();
    }
    await this.#clock.pass(0);
  }

  #do(act: Act): void {
    const machine = this.#machine;
    switch (act.act) {
      case 'put':
        this.#write(putOf(act.name, act.to, act.withinMs));
        break;
      case 'delete':
        if (this.#log.set.has(matchOf(act.name).key)) this.#write(deleteOf(act.name, act.withinMs));
        break;
      case 'confirm':
        this.#confirmed += Math.ceil(((this.#log.head.rev - this.#confirmed) * act.share) / 100);
        this.#send(this.#log.hint());
        break;
      case 'kill':
        machine.kill(act.waits);
        break;
      case 'start':
        machine.start();
        break;
      case 'reboot':
        machine.reboot(act.offMs);
        break;
      case 'weather':
        this.#lost = act.lost;
        break;
      case 'neighbour':
        machine.neighbour(act.is);
        break;
      case 'program':
        machine.program(act.attached);
        break;
      case 'refuse commits':
        machine.refuse(act.times);
        break;
      case 'refuse op':
        machine.kernel.failNext(act.op, 'EBUSY');
        break;
      case 'wall clock':
        machine.aheadMs = act.aheadMs;
        break;
      case 'trim':
        this.#log.trim();
        break;
      case 'recover':
        this.#log.recover();
        break;
    }
  }

  #write(wish: Wish): void {
    const before = this.#log.head.rev;
    this.#log.write([wish]);
    this.#send(this.#log.update(before));
  }

  #send(update: Update): void {
    this.#bus.publish(this.#bus.subjects.live(HOST), encodeUpdate({ ...update, ...this.#marks }));
  }
}

function matchOf(name: number) {
  const match = parseMatch({ dst: `10.0.0.${1 + (name % NAMES)}` });
  return { key: keyOf(match), match };
}

function wanting(withinMs: number): Pick<Change, 'confirm'> {
  return withinMs === 0 ? {} : { confirm: { withinMs } };
}

function putOf(name: number, to: Target, withinMs: number): Wish {
  const action = to === 'c' ? { nexthop: '192.0.2.7', interface: 'eth1' } : to;
  return (rev) => ({ op: 'put', rev, ...matchOf(name), name: `r${name}`, to: action, ...wanting(withinMs) });
}

function deleteOf(name: number, withinMs: number): Wish {
  const { key } = matchOf(name);
  return (rev) => ({ op: 'delete', rev, key, ...wanting(withinMs) });
}
