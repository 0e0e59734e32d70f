export interface TunnelTarget {
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

export interface TunnelConditions {
  /** Aborts when time is up, or nobody wants it any more. */
  readonly signal: AbortSignal;
  /** Whom to trust where the proxy itself speaks TLS. */
  readonly tls?: Readonly<Record<string, unknown>> | undefined;
}
