import { hash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FetchRequest } from './request-line.ts';

const EXTENSIONS: Record<string, string> = {
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'text/plain': 'txt',
  'text/css': 'css',
  'text/csv': 'csv',
  'text/xml': 'xml',
  'text/javascript': 'js',
  'application/javascript': 'js',
  'application/json': 'json',
  'application/xml': 'xml',
  'application/rss+xml': 'xml',
  'application/atom+xml': 'xml',
  'application/pdf': 'pdf',
  'application/zip': 'zip',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/svg+xml': 'svg',
};

/**
 * Saves bodies in a folder, a file each. The name is made of the request, so that a URL has the same file in every
 * run, and never of words of the site, which could lead out of the folder.
 */
export class BodyFiles {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async in(folder: string): Promise<BodyFiles> {
    await mkdir(folder, { recursive: true });
    return new BodyFiles(folder);
  }

  /** Answers the file's name within the folder. */
  async save(request: FetchRequest, contentType: string | null, body: Uint8Array): Promise<string> {
    const name = `${nameOf(request)}.${extensionOf(contentType)}`;
    await writeFile(join(this.#folder, name), body);
    return name;
  }
}

function nameOf({ url, line }: FetchRequest): string {
  return hash('sha256', line === null ? url : `${line} ${url}`).slice(0, 40);
}

function extensionOf(contentType: string | null): string {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (Object.hasOwn(EXTENSIONS, type)) return EXTENSIONS[type]!;
  return type.endsWith('+json') ? 'json' : 'bin';
}
