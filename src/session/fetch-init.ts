import type { FetchInit } from '../transport/fetch.ts';

/** `fetch`'s second argument, with what a session needs to know beside the standard. */
export interface SessionFetchInit extends FetchInit {
  /**
   * `false`: the answer says nothing about the user, a subresource for example, and is not judged.
   * @default true
   */
  judge?: boolean;
}
