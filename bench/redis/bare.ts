import { createClient } from 'redis';
import { leaseArguments, releaseArguments } from '../../src/stores/redis/arguments.ts';
import { keysOf } from '../../src/stores/redis/keys.ts';
import { type Script, scripts } from '../../src/stores/redis/scripts.ts';
import { answerWith } from '../harness/contender.ts';
import { type LoadParams, type LoadRun, runLoad, timed } from '../harness/load.ts';
import { verify } from '../harness/subject.ts';

/*
 * The server's ceiling through the same client: the store's own scripts called with nothing around them, and the same
 * number of scripts that do next to nothing.
 */

interface ScriptsParams extends LoadParams {
  readonly pool: string;
  /** Leases, and then releases, that one call carries. */
  readonly together: number;
}

let client: ReturnType<typeof createClient>;
let trivial: string[];
let tokens = 0;

answerWith({
  async open({ url }: { url: string }): Promise<void> {
    client = createClient({ url, RESP: 2 });
    await client.connect();
    const sha = await client.scriptLoad(`return redis.call('GET', KEYS[1]) or ARGV[1]`);
    trivial = ['EVALSHA', sha, '1', 'trivial', '1'];
    for (const { text } of [scripts.lease, scripts.release]) await client.scriptLoad(text);
  },

  /** Two scripts a pair, one key and one argument each. */
  async trivial(params: LoadParams): Promise<LoadRun> {
    return await runLoad(async (took) => {
      await timed(took, () => client.sendCommand(trivial));
      await timed(took, () => client.sendCommand(trivial));
    }, params);
  },

  /** Of the answers no more is read than the releases need. */
  async scripts({ pool, together, concurrent, ...params }: ScriptsParams): Promise<LoadRun> {
    const head = ({ sha }: Script) => ['EVALSHA', sha, String(keysOf(pool).length), ...keysOf(pool), ''];
    const request = { rotation: 'round-robin', fill: 'on-demand', leaseMs: 60_000, holder: 'bench' } as const;
    const lease = [...head(scripts.lease), ...leaseArguments(request)];
    const release = [...head(scripts.release), ''];
    const run = await runLoad(
      async (took) => {
        const mine = Array.from({ length: together }, () => `token-${++tokens}`);
        const leased = await timed(took, () => client.sendCommand<[string, string][]>([...lease, ...mine]));
        const releases = leased.flatMap(([text], index) => {
          const [, fence, uses, , , , , , id] = JSON.parse(text) as [...number[], string] & number[];
          const change = { usageCount: uses! + 1, errorScore: 0, status: 'usable' } as const;
          return releaseArguments({
            lease: { id: `${id}`, token: mine[index]!, fence: fence! },
            change,
            isRepeat: false,
          });
        });
        const released = await timed(took, () => client.sendCommand<number[]>([...release, ...releases]));
        verify(
          released.length === together && released.every((answer) => answer === 1),
          'a release was lost',
        );
      },
      { ...params, concurrent: concurrent / together },
    );
    return { ...run, pairs: run.pairs * together, perSecond: run.perSecond * together };
  },

  close(): void {
    client.destroy();
  },
});
