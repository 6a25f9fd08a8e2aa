import type { Terminal } from '../show/terminal.ts';
import type { Exit } from './failure.ts';
import type { Asked } from './option.ts';
import type { Format, OptionName, Options } from './options.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command is called with. */
export interface Call<K extends OptionName> {
  readonly options: Options<K>;
  readonly operands: readonly string[];
  /** The options that stand on the command line, with all that each was given; the others are from elsewhere, or defaults. */
  readonly written: ReadonlyMap<string, readonly string[]>;
  readonly terminal: Terminal;
  /** Standard input. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** For what is not an option; options are read already. */
  readonly env: Environment;
  /** All commands of `shunt`, this one among them. */
  readonly commands: Commands;
}

export interface Operands {
  readonly placeholder: string;
  readonly min: number;
  readonly max: number;
  /** All that may be given, where that is a few words. */
  readonly values?: readonly string[];
  /** What they name, where a shell may ask for it. */
  readonly asks?: Asked;
  /** What those after the first name, or all that they may be, where that is something else. */
  readonly rest?: 'hosts' | readonly string[];
  /** They are files. */
  readonly files?: true;
}

/** One command of `shunt`: how it is written, what it takes, and what it does. */
export interface Command<K extends OptionName = OptionName> {
  /** What comes after the name, e.g. `-f FILE...`. */
  readonly synopsis: string;
  /** What it does, in full sentences. */
  readonly about: string;
  readonly examples: readonly string[];
  readonly options: readonly K[];
  readonly operands?: Operands;
  /** What `output` may be, where that is more than json and table. */
  readonly formats?: readonly Format[];
  /** Options that take no value here, though elsewhere they may. */
  readonly bare?: readonly OptionName[];
  /** What an option says in help, where it means something of its own here. */
  readonly helps?: Readonly<Partial<Record<OptionName, string>>>;
  /** Errors: Failure, or what the program that it starts throws. */
  readonly run: (call: Call<K>) => Promise<Exit>;
}

/** Declares a command; its `run` sees exactly the options that it takes. */
export function command<const K extends OptionName>(declared: Command<K>): AnyCommand {
  return declared as unknown as AnyCommand;
}

/** A command whose options are known at run time only: `readCommandLine` gives it those that it names. */
export type AnyCommand = Omit<Command, 'run'> & { readonly run: (call: Call<never>) => Promise<Exit> };

/** A command by its name: what `shunt help` says of it, and its module, which is loaded only when it is called. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<AnyCommand>;
  /** Commands of this command: `forget` of `shunt hosts forget`. */
  readonly verbs?: Commands;
}

export interface Commands {
  readonly [name: string]: Entry;
}
