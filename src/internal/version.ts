import { readFileSync } from 'node:fs';

const file = new URL('../../package.json', import.meta.url);

/** This package's version, as package.json says it. */
export const VERSION: string = (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
