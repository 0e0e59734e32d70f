import { readProxySource } from '../../proxies/proxy-source.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { Interruption } from '../interruption.ts';
import { print, printJson } from '../print.ts';
import { Progress } from '../progress.ts';
import { widthOf } from '../terminal.ts';
import { checkOne, type ProxyReport } from './check-one.ts';
import { nameAll, reportTable } from './report.ts';

export interface ProxyCheck {
  readonly file: string;
  /** What is fetched through each; `undefined`: nothing. */
  readonly url: URL | undefined;
  readonly tries: number;
  readonly concurrency: number;
  /** Of each try. */
  readonly timeoutMs: number;
  readonly asJson: boolean;
  readonly showsProgress: boolean;
}

/** Checks every proxy of a file, and prints what came of it in the order of the file. */
export async function checkProxies(check: ProxyCheck): Promise<ExitCode> {
  const proxies = await readProxySource(check.file);
  const names = nameAll(proxies);
  const reports: ProxyReport[] = [];
  const progress = new Progress(process.stderr);
  using end = new Interruption();
  // Nothing of a check is worth waiting for.
  const stopped = AbortSignal.any([end.signal, whenAsked(end)]);
  if (check.showsProgress) progress.start(async () => standing(reports, proxies.length));
  try {
    let next = 0;
    const work = async () => {
      while (next < proxies.length && !end.isAsked) {
        const index = next++;
        const report = await checkOne(proxies[index]!, names[index]!, { ...check, stopped });
        if (report) reports[index] = report;
      }
    };
    await Promise.all(Array.from({ length: Math.min(check.concurrency, proxies.length) }, work));
  } finally {
    progress.stop();
  }
  const done = reports.filter(Boolean);
  if (check.asJson) await printJson(done);
  else {
    const shape = { hasExits: check.url !== undefined, total: proxies.length };
    await print(reportTable(done, shape, widthOf(process.stdout)));
  }
  if (end.isBySignal) return EXIT.interrupted;
  return done.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
}

function standing(reports: readonly (ProxyReport | undefined)[], total: number) {
  const done = reports.filter((report) => report !== undefined);
  const good = done.filter(({ ok }) => ok).length;
  return {
    done: done.length,
    total,
    finished: done.length,
    details: [`${good} good`, `${done.length - good} bad`],
  };
}

function whenAsked(end: Interruption): AbortSignal {
  const abort = new AbortController();
  void end.asked.then(() => abort.abort());
  return abort.signal;
}
