import type { Outlet, Packet, Replaced } from '../live.ts'

/** What a session's owner was told to write. */
export class Client implements Outlet {
  readonly written: [n: number, xml: string][] = []
  replacements = 0
  why: Replaced | undefined

  write(n: number, { xml }: Packet): void {
    this.written.push([n, xml])
  }
  replaced(why: Replaced): void {
    this.why = why
    this.replacements++
  }
  get xml(): string {
    return this.written.map(([, xml]) => xml).join('')
  }
}
