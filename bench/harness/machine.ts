import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** What it was measured on, without names of the machine. */
export function machineLines(): string[] {
  const model = cpus()[0]?.model.trim() || 'unknown CPU';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB of memory`;
  return [
    `- Machine: ${model}, ${availableParallelism()} cores, ${memory}`,
    `- System: ${type()} ${release()} ${arch()}, Node ${process.versions.node} (V8 ${process.versions.v8}, SQLite ${process.versions.sqlite})`,
  ];
}

/** The sources are TypeScript, and the stores need `node:sqlite` as Node 24 has it. */
export function demandNode24(): void {
  const major = Number.parseInt(process.versions.node, 10);
  if (major >= 24) return;
  console.error(
    `The benchmarks need Node 24 or newer; this is ${process.versions.node}. Run "npm install" and then "npm run bench" in the root of the repository: its own Node comes first there.`,
  );
  process.exit(1);
}
