/** What the tests use of xmpp.js, which has no types. */
declare module '@xmpp/client' {
  interface Address {
    bare(): Address
    toString(): string
  }
  interface Client {
    on(event: 'error', listener: (error: Error) => void): void
    start(): Promise<Address>
    stop(): Promise<void>
  }
  export function client(options: {
    readonly service: string
    readonly domain: string
    readonly username: string
    readonly password: string
  }): Client
}
