import { type AddressInfo, createServer } from 'node:net';

/** What a TLS client tells before anything is encrypted (RFC 8446 §4.1.2), GREASE (RFC 8701) apart. */
export interface ClientHello {
  ciphers: number[];
  extensions: number[];
  alpn: string[];
  hasGrease: boolean;
}

const isGrease = (value: number) => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);

export function readClientHello(record: Buffer): ClientHello {
  // Record header 5, handshake header 4, version 2, random 32.
  let at = 43;
  at += 1 + record[at]!;
  const list = (from: number, length: number) =>
    Array.from({ length: length / 2 }, (_, index) => record.readUInt16BE(from + 2 * index));
  const cipherBytes = record.readUInt16BE(at);
  const ciphers = list(at + 2, cipherBytes);
  at += 2 + cipherBytes;
  at += 1 + record[at]!;
  const end = at + 2 + record.readUInt16BE(at);
  at += 2;
  const extensions: number[] = [];
  const alpn: string[] = [];
  while (at < end) {
    const type = record.readUInt16BE(at);
    const length = record.readUInt16BE(at + 2);
    if (type === 16) {
      for (let name = at + 6; name < at + 4 + length; name += 1 + record[name]!) {
        alpn.push(record.subarray(name + 1, name + 1 + record[name]!).toString());
      }
    }
    extensions.push(type);
    at += 4 + length;
  }
  return {
    ciphers: ciphers.filter((cipher) => !isGrease(cipher)),
    extensions: extensions.filter((type) => !isGrease(type)),
    alpn,
    hasGrease: [...ciphers, ...extensions].some(isGrease),
  };
}

/** The hello of whoever `visit` sends to a server that answers nothing. */
export async function clientHelloOf(visit: (url: string) => Promise<unknown>): Promise<ClientHello> {
  const hello = Promise.withResolvers<ClientHello>();
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      if (received.length < 5 || received.length < 5 + received.readUInt16BE(3)) return;
      hello.resolve(readClientHello(received));
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const visited = visit(`https://localhost:${(server.address() as AddressInfo).port}/`).catch(() => {});
    return await Promise.race([hello.promise, visited.then(() => hello.promise)]);
  } finally {
    server.close();
  }
}
