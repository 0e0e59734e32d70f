import { describe, expect, it } from 'vitest';
import { type PlaygroundOptions, startPlayground } from '../../playground/site.ts';
import { OptionError } from '../../src/errors.ts';
import { ask } from './client.ts';

describe('startPlayground', () => {
  it('listens on a free port of the loopback address', async () => {
    await using site = await startPlayground();
    expect(site.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('may be closed twice, and cuts what still waits', async () => {
    const site = await startPlayground();
    const waiting = expect(ask(`${site.url}/slow/30000`)).rejects.toThrow();
    await expect.poll(() => site.ledger.requests).toBe(1);
    await Promise.all([site.close(), site.close()]);
    await site.close();
    await waiting;
    await expect(ask(`${site.url}/plain/1`)).rejects.toThrow();
  });

  it.each<[PlaygroundOptions, string]>([
    [{ requestsPerCookie: 0 }, 'requestsPerCookie'],
    [{ windowMs: Number.NaN }, 'windowMs'],
    [{ flakyRatio: 2 }, 'flakyRatio'],
    [{ retryAfterFormat: 'weeks' as 'date' }, 'retryAfterFormat'],
  ])('refuses %j', async (options, option) => {
    await expect(startPlayground(options)).rejects.toThrow(expect.objectContaining({ option }));
  });

  it('names the nearest option for an unknown one', async () => {
    const error = await startPlayground({ flakyRation: 1 } as PlaygroundOptions).catch((reason) => reason);
    expect(error).toBeInstanceOf(OptionError);
    expect(error.message).toContain('did you mean "flakyRatio"?');
  });

  it('reports a port in use', async () => {
    await using site = await startPlayground();
    const port = Number(new URL(site.url).port);
    await expect(startPlayground({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
