#!/usr/bin/env node
// Nothing but this may be loaded before the version is known: the rest needs modules that an older Node lacks, and
// its complaint about them would help nobody.
import { nodeProblem } from './node-version.ts';

const problem = nodeProblem(process.versions.node);
if (problem === undefined) {
  const { runCli } = await import('./program.ts');
  process.exitCode = await runCli(process.argv.slice(2));
} else {
  process.stderr.write(`troupe: ${problem}\n`);
  process.exitCode = 2;
}
