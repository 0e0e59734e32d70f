import type { SessionPoolOptions } from '../../index.ts';

/**
 * Looks whether what a pool is to use is there, so that it is told once, before anything is made, and not by each URL.
 * @throws OptionError for a list of proxies that cannot be read, naming file and line, or browsers that cannot be
 * @throws TroupeError `MISSING_PACKAGE`
 */
export async function requireMeans(options: Omit<SessionPoolOptions, 'store'>): Promise<void> {
  const { proxies, fingerprints = false, transport = 'undici' } = options;
  if (proxies !== undefined) {
    const { readProxySource } = await import('../../proxies/proxy-source.ts');
    await readProxySource(proxies);
  }
  if (transport === 'impit') {
    const { loadImpit } = await import('../../transport/impit-package.ts');
    await loadImpit();
  }
  if (fingerprints !== false) {
    const { loadMaker } = await import('../../pool/fingerprints.ts');
    await loadMaker({ fingerprints, transport });
  }
}
