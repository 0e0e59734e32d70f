import { FingerprintGenerator } from 'fingerprint-generator';
import { FingerprintMaker } from '../../src/fingerprints/fingerprint-maker.ts';
import { loadImpit } from '../../src/transport/impit-package.ts';
import { impitCanAppearAs } from '../../src/transport/impit-profiles.ts';
import { answerWith } from '../harness/contender.ts';
import { verify } from '../harness/subject.ts';

const COUNTRIES = ['DE', 'FR', 'US', 'BR', 'JP', undefined];
let maker: FingerprintMaker | undefined;
let generator: FingerprintGenerator | undefined;

/** Microseconds of processor time a call. */
function time(calls: number, work: (call: number) => void): number {
  const before = process.threadCpuUsage();
  for (let call = 0; call < calls; call++) work(call);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / calls;
}

answerWith({
  /** The first identity of a process that impit sends, with all that is loaded for it. */
  async first(): Promise<number> {
    const before = process.threadCpuUsage();
    const { profiles } = await loadImpit();
    maker = await FingerprintMaker.load({}, (kind) => impitCanAppearAs(profiles, kind));
    maker.make();
    const { user, system } = process.threadCpuUsage(before);
    return user + system;
  },

  make({ calls }: { calls: number }): number {
    const agents = new Set<string>();
    const micros = time(calls, (call) => {
      agents.add(maker!.make(COUNTRIES[call % COUNTRIES.length]).userAgent);
    });
    verify(calls < 100 || agents.size > 1, 'all identities were the same browser');
    return micros;
  },

  /** What Apify's generator gives by itself: neither checked for contradictions nor limited to what a transport knows. */
  peer({ calls }: { calls: number }): number {
    generator ??= new FingerprintGenerator();
    let made = 0;
    const micros = time(calls, () => {
      if (generator!.getFingerprint().headers) made += 1;
    });
    verify(made === calls, 'a fingerprint had no headers');
    return micros;
  },
});
