import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether two secrets are the same, without telling by the time it takes how much of them is. */
export function sameSecret(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
