import type { Family, Labels } from './openmetrics.ts'

/** The families of several processes as one: each sample says in its label `worker` whose it is. */
export function mergeFamilies(byWorker: ReadonlyMap<string, readonly Family[]>): Family[] {
  const merged = new Map<string, Family>()
  for (const [worker, families] of byWorker) {
    for (const family of families) {
      const samples = (family.samples as readonly { readonly labels?: Labels }[]).map(sample => ({
        ...sample,
        labels: { ...sample.labels, worker },
      }))
      const before = merged.get(family.name)
      merged.set(family.name, { ...family, samples: [...(before?.samples ?? []), ...samples] } as Family)
    }
  }
  return [...merged.values()]
}
