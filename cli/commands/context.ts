import { command } from '../line/command.ts';
import { usage } from '../line/failure.ts';

export const context = command({
  synopsis: 'list|use NAME|show [NAME]',
  about: `Names for buses, each with its address and credentials, in ~/.config/shunt/shunt.yaml (or below XDG_CONFIG_HOME):

contexts: a map from a name to nats, creds, nkey, user, password-file, token-file, tls-ca, tls-cert, tls-key, root-subject and
timeout, as in a settings file; names of files count from where this one lies. current: the name of the context that counts
where neither --context nor SHUNT_CONTEXT names one.

An argument comes before the environment, the environment before the context, and the context before /etc/shunt/shunt.yaml. Where
a context says which bus or as whom, no variable and nothing of that file says either; --context comes before SHUNT_NATS, and
SHUNT_NATS or --nats before the current context, of which then nothing counts. Arguments such as --creds say otherwise who this
is. Without a context each option counts for itself. shunt context show says where commands go. shunt agent and shunt controller
know no contexts.`,
  examples: ['shunt context list', 'shunt context use lab', 'shunt get --context lab'],
  options: [],
  async run() {
    throw usage('say which: list, use NAME, or show; see shunt context --help');
  },
});
