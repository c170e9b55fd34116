import type { History } from '../history.ts'
import type { Delivered } from './deliveries.ts'

/** So long before its death a front end may not have heard what was delivered (ms): another server is asked twice a second. */
const UNSURE = 3000

/** What came twice, but for what was under way when a front end died, which could not write down any more that it was delivered. */
export function surelyDoubled(
  { doubled, doubledAt }: Pick<Delivered, 'doubled' | 'doubledAt'>,
  faults: History['faults'],
): readonly string[] {
  return doubled.filter((_, n) => {
    const at = doubledAt[n]
    return at === undefined || !faults.some(({ from }) => at.sent < from && at.came > from - UNSURE)
  })
}
