/** A proxy's URL, taken apart. */
export interface ProxyAddress {
  readonly scheme: 'http' | 'https' | 'socks5';
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  /** Decoded. */
  readonly credentials: { readonly user: string; readonly password: string } | undefined;
}

const PORTS = { http: 80, https: 443, socks5: 1080 } as const;

/** @param url checked already */
export function proxyAddressOf(url: string): ProxyAddress {
  const { protocol, hostname, port, username, password } = new URL(url);
  const name = protocol.slice(0, -1);
  const scheme = name.startsWith('socks') ? 'socks5' : name === 'https' ? 'https' : 'http';
  return {
    scheme,
    host: withoutBrackets(hostname),
    port: port === '' ? PORTS[scheme] : Number(port),
    credentials:
      username === '' && password === ''
        ? undefined
        : { user: decoded(username), password: decoded(password) },
  };
}

/** The value of a `Proxy-Authorization` header (RFC 7617). */
export function basicCredentials({ credentials }: ProxyAddress): string | undefined {
  if (!credentials) return undefined;
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}

export function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

/** A password with a lone % in it was meant as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
