// The members that the bench uses of packages without types.

declare module 'hyperdht' {
  export interface NodeAddress { readonly host: string, readonly port: number }
  export interface Reply { readonly token: Uint8Array, readonly from: NodeAddress & { readonly id: Uint8Array }, readonly error: number, readonly value: Uint8Array | null }
  export interface KeyPair { readonly publicKey: Uint8Array, readonly secretKey: Uint8Array }
  export type Sign = (...args: never[]) => Promise<Uint8Array>

  export default class HyperDHT {
    static bootstrapper (port: number, host: string, options: object): HyperDHT
    static keyPair (): KeyPair
    /** An empty list of bootstrap nodes is none; `false` would be the public ones. */
    constructor (options: { readonly bootstrap: readonly never[], readonly host: string, readonly ephemeral: boolean, readonly firewalled: boolean, readonly maxWindow: number })
    readonly defaultKeyPair: KeyPair
    fullyBootstrapped (): Promise<void>
    addNode (node: NodeAddress): void
    address (): NodeAddress
    request (message: { readonly command: number, readonly target: Uint8Array }, to: NodeAddress): Promise<Reply>
    _requestAnnounce (keyPair: KeyPair, dht: HyperDHT, target: Uint8Array, token: Uint8Array, to: Reply['from'], relays: readonly never[], sign: Sign, bump: number): Promise<Reply>
    destroy (): Promise<void>
  }
}

declare module 'hyperdht/lib/persistent.js' {
  import type { Sign } from 'hyperdht'
  const Persistent: { readonly signAnnounce: Sign }
  export default Persistent
}

declare module 'bittorrent-dht' {
  export interface Answer { readonly r: { readonly token: Uint8Array, readonly values?: readonly Uint8Array[] } }
  type Listening = (err?: Error) => void

  export class Client {
    constructor (options: { readonly bootstrap: false, readonly host: string, readonly maxPeers?: number, readonly concurrency?: number })
    readonly nodeId: Uint8Array
    readonly _rpc: { query (to: { readonly host: string, readonly port: number }, message: object, done: (err: Error | null, answer: Answer) => void): void }
    listen (port: number, host: string, done: Listening): void
    address (): { readonly port: number }
    addNode (node: { readonly host: string, readonly port: number, readonly id: Uint8Array }): void
    destroy (): void
  }
}
