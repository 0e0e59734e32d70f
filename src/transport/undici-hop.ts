import type { Dispatcher } from 'undici';
import { FetchError, type FetchPhase } from './fetch-error.ts';
import type { BodySink, Hop, HopBody, HopHeaders, HopResponse } from './transport.ts';
import { fromUndici } from './undici-errors.ts';

/** Bytes kept for a body that nobody reads yet, before the socket is told to wait. Node's own measure for a socket. */
const maxWaitingBytes = 64 * 1024;

/** How a request ends for whoever sent it. */
export interface HopOutcome {
  respond(response: HopResponse): void;
  fail(error: unknown): void;
  /** Once: nothing more goes over the wire for it. */
  done(): void;
}

/**
 * One request on its way through undici, at the dispatch level: `undici.request` adds a Node stream to every
 * response, `undici.fetch` two web streams, and either costs more than all that is done here.
 */
export class UndiciHop implements Dispatcher.DispatchHandler, HopBody {
  readonly #hop: Hop;
  readonly #bodyTimeoutMs: number;
  readonly #outcome: HopOutcome;
  #controller: Dispatcher.DispatchController | undefined;
  #phase: FetchPhase = 'connect';
  #isDone = false;
  #onDone: (() => void) | undefined;
  /** Set before the request has got a controller; it is told then. */
  #reason: unknown;
  #isAborted = false;
  #sink: BodySink | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #ending: { error?: unknown } | undefined;
  #isPaused = false;
  #unreadTimer: NodeJS.Timeout | undefined;
  /** Asked when there was no connection: whether it is sent again by another way. */
  otherWay: ((error: Error) => boolean) | undefined;
  /** Asked of a head: what it says went wrong on the way, so that it is nobody's answer. */
  failureIn: ((status: number, headers: HopHeaders) => Error | undefined) | undefined;

  constructor(hop: Hop, bodyTimeoutMs: number, outcome: HopOutcome) {
    this.#hop = hop;
    this.#bodyTimeoutMs = bodyTimeoutMs;
    this.#outcome = outcome;
    hop.signal?.addEventListener('abort', this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) controller.abort(toError(this.#reason));
    else this.#phase = 'send';
  }

  onRequestSent(): void {
    if (this.#phase === 'send') this.#phase = 'headers';
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: HopHeaders,
    statusText = '',
  ): void {
    if (status < 200 || this.#isAborted) return;
    const failure = this.failureIn?.(status, headers);
    if (failure) {
      this.#controller!.abort(failure);
      return;
    }
    this.#phase = 'body';
    this.#outcome.respond({ status, statusText, headers, body: this });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isDone) return;
    if (this.#sink && !this.#isPaused) {
      this.#sink.chunk(chunk);
      return;
    }
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= maxWaitingBytes) this.#hold();
  }

  onResponseEnd(): void {
    this.#end({});
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const wasStarted = this.#phase !== 'connect';
    if (!wasStarted && !this.#isAborted && this.otherWay?.(error)) return;
    const failure = fromUndici(error, { url: this.#hop.url, phase: this.#phase, wasStarted });
    const hadResponse = this.#phase === 'body';
    this.#end({ error: failure });
    if (!hadResponse && !this.#isAborted) this.#outcome.fail(failure);
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.#flush();
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (!this.#ending) this.#hold();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#flush();
  }

  cancel(reason?: unknown): void {
    this.#sink = undefined;
    this.#waiting = [];
    this.#stop(reason ?? new Error('the body was not wanted any more'));
  }

  onDone(callback: () => void): void {
    if (this.#isDone) callback();
    else this.#onDone = callback;
  }

  /** Ends the request for a reason of our own; a body that is being read fails with it. */
  readonly #onAbort = (): void => {
    const reason = this.#hop.signal?.reason;
    const hadResponse = this.#phase === 'body';
    this.#waiting = [];
    this.#ending = { error: reason };
    this.#stop(reason);
    if (hadResponse) this.#settleSink();
    else this.#outcome.fail(reason);
  };

  #stop(reason: unknown): void {
    if (this.#isDone) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#controller?.abort(toError(reason));
    this.#finish();
  }

  #end(ending: { error?: unknown }): void {
    this.#finish();
    this.#ending ??= ending;
    if (this.#sink && !this.#isPaused) this.#flush();
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    clearTimeout(this.#unreadTimer);
    this.#hop.signal?.removeEventListener('abort', this.#onAbort);
    const { body } = this.#hop;
    if (body && 'cancel' in body) body.cancel();
    this.#outcome.done();
    this.#onDone?.();
  }

  #flush(): void {
    while (this.#sink && !this.#isPaused && this.#waiting.length > 0) {
      const chunk = this.#waiting.shift()!;
      this.#waitingBytes -= chunk.length;
      this.#sink.chunk(chunk);
    }
    if (!this.#sink || this.#isPaused) return;
    if (this.#ending) {
      this.#settleSink();
      return;
    }
    clearTimeout(this.#unreadTimer);
    this.#unreadTimer = undefined;
    if (this.#controller?.paused) this.#controller.resume();
  }

  #settleSink(): void {
    const sink = this.#sink;
    if (!sink || !this.#ending) return;
    this.#sink = undefined;
    if ('error' in this.#ending) sink.fail(this.#ending.error);
    else sink.end();
  }

  /**
   * Tells the socket to wait. undici's body timeout stands still meanwhile, so a response that was dropped
   * without a read would keep its connection for ever.
   */
  #hold(): void {
    this.#controller?.pause();
    if (this.#unreadTimer || this.#bodyTimeoutMs === 0) return;
    this.#unreadTimer = setTimeout(() => {
      const { url } = this.#hop;
      const cause = new Error(`nobody read the body for ${this.#bodyTimeoutMs} ms`);
      this.#ending = { error: new FetchError({ code: 'FETCH_TIMEOUT', phase: 'body', url, cause }) };
      this.#waiting = [];
      this.#stop(cause);
      this.#settleSink();
    }, this.#bodyTimeoutMs);
    this.#unreadTimer.unref();
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
