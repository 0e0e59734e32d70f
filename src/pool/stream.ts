import type { SessionLease } from './lease.ts';

/**
 * The same answer, holding its lease until the body ended, failed, was cancelled, or nobody read it for `idleMs`: a
 * stream that is forgotten must not hold a user for ever.
 */
export async function leaseUntilRead(
  response: Response,
  lease: SessionLease,
  idleMs: number,
): Promise<Response> {
  // Loaded with the fetch that the answer came by.
  const { withBody } = await import('../transport/response.ts');
  const reader = response.body!.getReader();
  let timer: NodeJS.Timeout | undefined;
  const end = async () => {
    clearTimeout(timer);
    // Lost or given back before: the stream itself is fine.
    await lease.release().catch(() => {});
  };
  const watch = (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
    timer = setTimeout(() => {
      const error = new TypeError(`the body was not read for ${idleMs} ms, and its session was given back`);
      controller.error(error);
      void reader.cancel(error).catch(() => {});
      void end();
    }, idleMs);
    timer.unref();
  };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start: watch,
      async pull(controller) {
        clearTimeout(timer);
        try {
          const { done, value } = await reader.read();
          if (done) {
            await end();
            controller.close();
            return;
          }
          controller.enqueue(value);
          watch(controller);
        } catch (error) {
          await end();
          controller.error(error);
        }
      },
      async cancel(reason) {
        await reader.cancel(reason).catch(() => {});
        await end();
      },
    },
    { highWaterMark: 0 },
  );
  return withBody(response, body);
}
