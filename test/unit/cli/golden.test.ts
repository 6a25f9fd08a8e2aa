import test from 'ava';
import { endedOtherwise } from './golden.ts';

const GET = '$ shunt get\n[stdout]\nNAME\n[exit] 0\n';
const HOSTS = '$ shunt hosts a\n[stderr]\nshunt hosts: too many words\n[exit] 2\n';
const LATE = '$ shunt get\n[stderr]\nshunt get: the controller did not answer\n[exit] 3\n';

test('golden: what ended alike, or is new, is kept', (t) => {
  t.is(endedOtherwise('', GET), undefined);
  t.is(endedOtherwise(GET, GET.replace('NAME', 'REDIRECT')), undefined);
  t.is(endedOtherwise(GET, `${HOSTS}\n${GET}`), undefined);
  t.is(endedOtherwise(`${HOSTS}\n${GET}`, GET), undefined);
});

test('golden: what ended otherwise is not kept, alone or among others', (t) => {
  const why = "'shunt get' ended with 3, and with 0 before";
  t.is(endedOtherwise(GET, LATE), why);
  t.is(endedOtherwise(`${HOSTS}\n${GET}`, `${HOSTS}\n${LATE}`), why);
});
