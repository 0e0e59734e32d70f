import { newTally, type Tally } from './limit.ts';

/** What the site knows of one address that its visitors come from. */
export interface Address extends Tally {
  readonly ip: string;
  isBanned: boolean;
}

// Far more than one machine's loopback has in use; the oldest make room.
const maxAddresses = 100_000;

/** The addresses the site has seen, each with its limit and its ban. */
export class Addresses {
  readonly #byIp = new Map<string, Address>();

  at(ip: string): Address {
    let address = this.#byIp.get(ip);
    if (!address) {
      if (this.#byIp.size >= maxAddresses) this.#byIp.delete(this.#byIp.keys().next().value!);
      address = { ip, ...newTally(), isBanned: false };
      this.#byIp.set(ip, address);
    }
    return address;
  }
}
