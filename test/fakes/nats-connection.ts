import {
  ErrorCode,
  Events,
  type Msg,
  type NatsConnection,
  NatsError,
  type Status,
  type SubscriptionOptions,
} from 'nats';

type Callback = NonNullable<SubscriptionOptions['callback']>;

/** A subscription on a connection that is not there. */
class FakeSubscription {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly callback: Callback;
  closed = false;

  constructor(subject: string, { queue, callback }: SubscriptionOptions) {
    if (callback === undefined) throw new Error(`${subject}: nobody listens`);
    this.subject = subject;
    this.queue = queue;
    this.callback = callback;
  }

  isClosed(): boolean {
    return this.closed;
  }

  unsubscribe(): void {
    this.closed = true;
  }

  async drain(): Promise<void> {
    this.closed = true;
  }
}

/** What the client makes of a connection, without a server: a test says what becomes of it. */
export class FakeConnection {
  readonly subscriptions: FakeSubscription[] = [];
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #statuses: Status[] = [];
  #more = Promise.withResolvers<void>();
  #isClosed = false;

  /** As the client has it: for whoever is handed one. */
  get asClients(): NatsConnection {
    return this as unknown as NatsConnection;
  }

  /** Subjects that are listened to now, in the order in which they were asked for. */
  get heard(): string[] {
    return this.subscriptions.filter(({ closed }) => !closed).map(({ subject }) => subject);
  }

  say(type: Events, data: string): void {
    this.#statuses.push({ type, data });
    this.#more.resolve();
  }

  /** The client gives the connection up, as after a second refusal. */
  giveUp(code: ErrorCode | undefined): void {
    this.#isClosed = true;
    for (const subscription of this.subscriptions) subscription.closed = true;
    this.#closed.resolve(code === undefined ? undefined : new NatsError(code, code));
  }

  /** The server does not let us listen; where it takes away one of a queue group, the client does not know which. */
  forbid(subject: string): void {
    const error = new NatsError('not allowed', ErrorCode.PermissionsViolation);
    for (const subscription of this.subscriptions) {
      if (subscription.subject !== subject || subscription.closed || subscription.queue !== undefined) continue;
      subscription.callback(error, {} as Msg);
      subscription.closed = true;
    }
    const permissionContext = { operation: 'subscription', subject };
    this.#statuses.push({ type: Events.Error, data: error.code, permissionContext } as Status);
    this.#more.resolve();
  }

  deliver(subject: string): void {
    for (const { callback } of this.subscriptions.filter((it) => it.subject === subject && !it.closed))
      callback(null, { subject } as Msg);
  }

  subscribe(subject: string, options: SubscriptionOptions): FakeSubscription {
    const subscription = new FakeSubscription(subject, options);
    this.subscriptions.push(subscription);
    return subscription;
  }

  async *status(): AsyncGenerator<Status> {
    for (;;) {
      yield* this.#statuses.splice(0);
      await this.#more.promise;
      this.#more = Promise.withResolvers();
    }
  }

  closed(): Promise<Error | undefined> {
    return this.#closed.promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closed.resolve(undefined);
  }

  async flush(): Promise<void> {}

  isClosed(): boolean {
    return this.#isClosed;
  }

  isDraining(): boolean {
    return false;
  }

  getServer(): string {
    return 'bus:4222';
  }
}

/** The client lost its server, and looks for it. */
export function lose(connection: FakeConnection): void {
  connection.say(Events.Disconnect, 'bus:4222');
}

/** The client found its server again. */
export function find(connection: FakeConnection): void {
  connection.say(Events.Reconnect, 'bus:4222');
}
