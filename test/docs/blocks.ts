import { readdirSync, readFileSync } from 'node:fs';

/** The repository's root. */
export const root = new URL('../../', import.meta.url);

/** A fenced block of a page. */
export interface Block {
  /** `docs/pools.md:42`, where its first fence is. */
  readonly name: string;
  readonly language: string;
  /** What stands behind the language: `output`, or the name of a file. */
  readonly label: string;
  readonly code: string;
  /** What it must print: the `text output` block that follows. */
  output?: string;
}

/** A page of the documentation: the README or a guide. */
export interface Page {
  /** From the root: `docs/pools.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export function readPages(): Page[] {
  const guides = readdirSync(new URL('docs/', root)).filter((file) => file.endsWith('.md'));
  return ['README.md', ...guides.sort().map((file) => `docs/${file}`)].map((path) => {
    const text = readFileSync(new URL(path, root), 'utf8');
    return { path, text, blocks: readBlocks(path, text) };
  });
}

function readBlocks(path: string, text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const fence = /^(`{3,})(\S*) *(.*)$/.exec(lines[index]!);
    if (!fence) continue;
    const end = lines.indexOf(fence[1]!, index + 1);
    if (end < 0) throw new Error(`${path}:${index + 1}: the block has no end`);
    const code = `${lines.slice(index + 1, end).join('\n')}\n`;
    const block = { name: `${path}:${index + 1}`, language: fence[2]!, label: fence[3]!, code };
    if (block.label === 'output') {
      const before = blocks.at(-1);
      if (!before || before.output !== undefined) throw new Error(`${block.name}: the output of what?`);
      before.output = code;
    } else blocks.push(block);
    index = end;
  }
  return blocks;
}

/** The text outside of blocks, for links and headings. */
export function prose(text: string): string {
  return text.replace(/^(`{3,}).*\n[\s\S]*?^\1$/gm, '');
}
