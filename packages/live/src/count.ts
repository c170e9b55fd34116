/** Counts of stanzas wrap at 2³² on the wire (XEP-0198 §4). */
const WRAP = 2 ** 32

/**
 * The number of packets that the client means by `h` when it has acknowledged `ack` of the `out` that were sent; undefined
 * where it means more than were sent. A smaller `h` than before is one that has gone round, so too large.
 */
export function countOf({ ack, out }: { readonly ack: number; readonly out: number }, h: number): number | undefined {
  const count = ack + ((h - (ack % WRAP) + WRAP) % WRAP)
  return count <= out ? count : undefined
}
