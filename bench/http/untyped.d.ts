// The members that the bench uses of packages without types.

declare module 'autocannon' {
  interface Result {
    readonly requests: { readonly total: number }
    /** Whole milliseconds. */
    readonly latency: { readonly p50: number, readonly p99: number }
    /** Seconds. */
    readonly duration: number
    readonly errors: number
    readonly '2xx': number
  }
  export default function autocannon (options: { readonly url: string, readonly connections: number, readonly duration: number, readonly headers: Readonly<Record<string, string>> }): Promise<Result>
}
