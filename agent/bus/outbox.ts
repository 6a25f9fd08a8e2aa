import { type Event, encodeEvent } from '../../protocol/event.ts';
import type { Bus, Outbox } from '../ports.ts';
import type { StatusPublisher } from './status.ts';

/**
 * Tells it on the bus. Before there is one it is dropped, here and nowhere else: a status repeats what changed, and the
 * flight recorder has the events.
 */
export class BusOutbox implements Outbox {
  #bus: Pick<Bus, 'publish'> | undefined;
  #publisher: Pick<StatusPublisher, 'changed'> | undefined;

  /** From here on what is told goes out. */
  to(bus: Pick<Bus, 'publish'>, publisher: Pick<StatusPublisher, 'changed'>): void {
    this.#bus = bus;
    this.#publisher = publisher;
  }

  changed(): void {
    this.#publisher?.changed();
  }

  event(event: Event): void {
    this.#bus?.publish(`event.${event.kind}`, encodeEvent(event));
  }
}
