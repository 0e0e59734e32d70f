import type { IncomingMessage } from 'node:http';
import { RequestProblem } from './exchange.ts';

const maxBodyBytes = 1024 * 1024;

/** Reads a request's body, at most 1 MiB; more is a 413. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The default iterator would destroy the connection with the stream, and the 413 could not be sent.
  const parts: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of parts) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new RequestProblem(413, `a body may have at most ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
