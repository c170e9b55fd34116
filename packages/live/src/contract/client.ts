import type { Outlet, Packet } from '../live.ts'

/** What a session's owner was told to write. */
export class Client implements Outlet {
  readonly written: [n: number, xml: string][] = []
  replacements = 0
  why: 'taken' | 'lost' | undefined

  write(n: number, { xml }: Packet): void {
    this.written.push([n, xml])
  }
  replaced(why: 'taken' | 'lost'): void {
    this.why = why
    this.replacements++
  }
  get xml(): string {
    return this.written.map(([, xml]) => xml).join('')
  }
}
