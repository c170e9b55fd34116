import type { History } from '../history.ts'
import type { Delivered, Promised } from './deliveries.ts'

/** P1 and P3 on the archives as they are after the run: everything once, in the order of its sender. */
export function checkArchives(
  { streams, archives }: History,
  known: Promised,
): Pick<Delivered, 'lost' | 'doubled' | 'inverted'> {
  const lost: string[] = []
  const doubled: string[] = []
  const inverted: string[] = []
  for (const { account, rows } of archives) {
    for (const { name, accounts } of streams) {
      if (!accounts.includes(account)) continue
      const seen = new Set<number>()
      const highest = new Map<string, number>()
      for (const { stream, n } of rows) {
        if (stream !== name) continue
        const text = `${name} ${n} in the archive of ${account}`
        const session = known.sent.get(name)!.get(n)?.session ?? ''
        const before = highest.get(session) ?? 0
        if (seen.has(n)) doubled.push(text)
        else if (n < before) inverted.push(`${text}, behind ${before}`)
        seen.add(n)
        highest.set(session, Math.max(before, n))
      }
      for (const n of known.streams.get(name)!) if (!seen.has(n)) lost.push(`${name} ${n} in the archive of ${account}`)
    }
  }
  return { lost, doubled, inverted }
}
