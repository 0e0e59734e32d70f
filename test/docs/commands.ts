import { readFileSync } from 'node:fs';
import { root } from './blocks.ts';

const { name, scripts, dependencies, devDependencies } = JSON.parse(
  readFileSync(new URL('package.json', root), 'utf8'),
) as Record<'scripts' | 'dependencies' | 'devDependencies', Record<string, string>> & { name: string };

/** A line of an `sh` block, understood. */
export type Command =
  | { readonly kind: 'nothing' }
  /** To be run; `exitCode` is what a comment at its end promises: `# exits 1`. */
  | { readonly kind: 'run'; readonly line: string; readonly exitCode: number }
  /** Runs beside the lines that follow, until Ctrl-C at the end of the page: `# in a terminal of its own`, `# in another`. */
  | { readonly kind: 'start'; readonly line: string }
  /** Sets a variable for all lines that follow on the page; its value is the shell's to work out. */
  | { readonly kind: 'export'; readonly name: string; readonly value: string }
  /** npm's own: that its names are right is all that can be seen without leaving the house. */
  | { readonly kind: 'npm'; readonly scripts: readonly string[] };

/** Lines of an `sh` block, with those joined that a backslash continues. */
export function commandLines(code: string): string[] {
  return code.replace(/ *\\\n\s*/g, ' ').split('\n');
}

/** @throws Error for a line that no test could vouch for */
export function readCommand(line: string): Command {
  const [command, comment] = line.split(/\s+# /, 2) as [string, string | undefined];
  if (/^\s*(#.*)?$/.test(line)) return { kind: 'nothing' };
  if (/^(troupe|node [\w-]+\.ts)( |$)/.test(command)) {
    if (/^in (a terminal of its own|another)/.test(comment ?? '')) return { kind: 'start', line: command };
    const exitCode = Number(/^exits (\d+)/.exec(comment ?? '')?.[1] ?? 0);
    return { kind: 'run', line: command, exitCode };
  }
  const variable = /^export (TROUPE_[A-Z]+)=(.+)$/.exec(line);
  if (variable) return { kind: 'export', name: variable[1]!, value: variable[2]! };
  const steps = command.split(' && ').map((step) => step.trim());
  if (steps.every((step) => step.startsWith('npm '))) return { kind: 'npm', scripts: steps.flatMap(readNpm) };
  throw new Error(`no test knows how to vouch for this line: ${line}`);
}

/** The scripts that a step of npm's runs. */
function readNpm(step: string): string[] {
  const [, verb, ...rest] = step.split(/\s+/);
  if (verb === 'install') {
    for (const wanted of rest) {
      const isKnown = wanted === name || wanted in dependencies || wanted in devDependencies;
      if (!isKnown) throw new Error(`nothing here has to do with the package ${wanted}`);
    }
    return [];
  }
  const script = verb === 'run' ? rest[0]! : verb!;
  if (!(script in scripts)) throw new Error(`package.json has no script "${script}"`);
  return [script];
}
