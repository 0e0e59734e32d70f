import { createClient } from 'redis';
import { keysOf } from '../../src/stores/redis/keys.ts';
import { type Script, scripts } from '../../src/stores/redis/scripts.ts';
import { answerWith } from '../harness/contender.ts';
import { type LoadParams, type LoadRun, runLoad, timed } from '../harness/load.ts';
import { verify } from '../harness/subject.ts';

/*
 * The server's ceiling through the same client: the store's own scripts called with nothing around them, and the same
 * number of scripts that do next to nothing.
 */

let client: ReturnType<typeof createClient>;
let trivial: string[];
let token = 0;

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

  /** A lease and a release: of the answer no more is read than the release needs. */
  async scripts({ pool, ...params }: LoadParams & { pool: string }): Promise<LoadRun> {
    const head = ({ sha }: Script) => ['EVALSHA', sha, '8', ...keysOf(pool)];
    const [lease, release] = [head(scripts.lease), head(scripts.release)];
    return await runLoad(async (took) => {
      const mine = `${++token}`;
      const leased = await timed(took, () =>
        client.sendCommand<[string, string]>([...lease, '', '60000', mine, 'bench', 'f', '', '', '']),
      );
      const [, fence, uses, , , , , , id] = JSON.parse(leased[0]) as [number, number, number, ...unknown[]];
      const counted = [`${id}`, mine, `${fence}`, '', '', `${uses + 1}`, '0', ''];
      const released = await timed(took, () => client.sendCommand<number>([...release, '', ...counted]));
      verify(released === 1, `a release answered ${released}`);
    }, params);
  },

  close(): void {
    client.destroy();
  },
});
