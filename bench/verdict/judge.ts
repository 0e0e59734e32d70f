import { HeaderReader } from '../../src/transport/header-reader.ts';
import { judge } from '../../src/verdict/judge.ts';
import { signatures } from '../../src/verdict/signatures.ts';
import { answerWith } from '../harness/contender.ts';
import { verify } from '../harness/subject.ts';
import { bodies } from './bodies.ts';

const all = bodies();
const literals = [...new Set(signatures.flatMap(({ body = [] }) => body.map(({ find }) => find)))];
const context = { isBlockedStatus: (status: number) => status === 403 };

/** Microseconds of processor time a call: it neither waits for anything nor is anybody else's work counted in. */
function time(calls: number, work: () => void): number {
  const before = process.threadCpuUsage();
  for (let call = 0; call < calls; call++) work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / calls;
}

answerWith({
  /** The whole judgement of an answer with that body. */
  judge({ body, calls }: { body: number; calls: number }): number {
    const { bytes, contentType, verdict } = all[body]!;
    const headers = new HeaderReader({
      'content-type': contentType,
      server: 'nginx',
      'set-cookie': 'id=1; Path=/',
    });
    const answer = { status: 200, headers, url: 'https://shop.example/list', redirected: false, body: bytes };
    let judged = '';
    const micros = time(calls, () => {
      judged = judge(answer, context).verdict;
    });
    verify(judged === verdict, `${all[body]!.title} was judged ${judged}`);
    return micros;
  },

  /** Only a look for the same literals, one after the other. */
  oneByOne({ body, calls }: { body: number; calls: number }): number {
    const { bytes } = all[body]!;
    let found = 0;
    const micros = time(calls, () => {
      const text = bytes.toString('latin1', 0, 65_536);
      found = literals.filter((literal) => text.includes(literal)).length;
    });
    verify(found <= literals.length, `${found} literals were found`);
    return micros;
  },
});
