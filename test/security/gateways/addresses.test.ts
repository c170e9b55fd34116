import { expect, test } from '@jest/globals'
import { Addresses } from '@parley/gateway'
import { Jid } from '@parley/jid'

/** The same numbers at each run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0
    yield state
  }
}

// What addresses are mistaken by: codes and halves of them, case, signs that look alike or write from right to left.
const PIECES = [
  ...['\\', '40', '5c', '\\40', '\\5c', '20', '2f', '@', '/', ' ', '"', '&', "'", ':', '<', '>', '=', '=61', '%', '#'],
  ...['a', 'A', 'ä', 'a\u0308', 'Ä', 'ß', 'ı', 'İ', 'K', 'ﬀ', 'Ａ', 'א', 'ب', '\u202e', '\u200d', '🐱', '\u0661', 'Ω'],
]

function* ids(count: number, seed: number): Generator<string> {
  const random = numbers(seed)
  for (let n = 0; n < count; n++) {
    const length = 1 + (random.next().value % 8)
    yield Array.from({ length }, () => PIECES[random.next().value % PIECES.length]!).join('')
  }
}

const NETWORKS: readonly (readonly [string, (id: string) => string | undefined])[] = [
  ['any text', id => (id === '' ? undefined : id)],
  ['names without case and spaces', id => id.replaceAll(' ', '').toLowerCase().replaceAll(' ', '') || undefined],
  ['addresses of mail', id => (/^[^@]+@[^@]+$/.test(id) ? id : undefined)],
]

test.each(NETWORKS)('threat 154: two ids are never one address, nor two addresses one id: %s', (_name, canonical) => {
  const addresses = new Addresses('net.a.test', canonical)
  const seen = new Map<string, string>()
  for (const text of ids(20_000, 7)) {
    const id = canonical(text)
    if (id === undefined || canonical(id) !== id) continue
    const jid = addresses.of(id)
    if (!jid) continue
    expect(addresses.idOf(jid)).toBe(id)
    // As it comes from a client that writes it in its own way.
    expect(Jid.parse(jid.text).text).toBe(jid.text)
    expect(seen.get(jid.text) ?? id).toBe(id)
    seen.set(jid.text, id)
  }
  expect(seen.size).toBeGreaterThan(1000)
})

test('threat 154: whatever local part a client sends, it stands for one id that has no other address', () => {
  const addresses = new Addresses('net.a.test', id => (id === '' ? undefined : id))
  const seen = new Map<string, string>()
  for (const text of ids(20_000, 11)) {
    const jid = Jid.tryParse(`${text.replaceAll(/["&'/:<>@ ]/g, '')}@net.a.test`)
    const id = jid && addresses.idOf(jid)
    if (!jid || id === undefined) continue
    expect(addresses.of(id)?.text).toBe(jid.text)
    expect(seen.get(id) ?? jid.text).toBe(jid.text)
    seen.set(id, jid.text)
  }
  expect(seen.size).toBeGreaterThan(1000)
})
