/** What SRV records are ordered by. */
export interface Weighted {
  readonly priority: number
  readonly weight: number
}

/**
 * RFC 2782 "Usage rules": lower priorities first; within one, drawn by weight, so that a record of weight 0 comes first now
 * and then, but seldom.
 *
 * @param random 0 ≤ n < 1
 */
export function inOrder<T extends Weighted>(records: readonly T[], random: () => number): T[] {
  const ordered: T[] = []
  for (const priority of [...new Set(records.map(each => each.priority))].sort((a, b) => a - b)) {
    const same = records.filter(each => each.priority === priority)
    // Those of weight 0 stand at the beginning: a draw of 0 falls on the first of them.
    const left = [...same.filter(each => each.weight === 0), ...same.filter(each => each.weight > 0)]
    while (left.length > 0) ordered.push(...left.splice(draw(left, random), 1))
  }
  return ordered
}

/** The first record whose running sum reaches a number from 0 to the sum of all weights, both included. */
function draw(records: readonly Weighted[], random: () => number): number {
  const sum = records.reduce((total, each) => total + each.weight, 0)
  const drawn = Math.floor(random() * (sum + 1))
  let running = 0
  return records.findIndex(each => {
    running += each.weight
    return running >= drawn
  })
}
