import { beforeAll, expect, test } from '@jest/globals'
import { mechanismNames, SaslError, type Step, startExchange } from '@parley/sasl'
import { Accounts, contextOf, exporter, ScramClient } from '../test/harness.ts'

const rounds = process.env['PARLEY_FUZZ'] === 'full' ? 20_000 : 1500
const accounts = new Accounts()
beforeAll(() => accounts.add('juliet', 'pencil'))

/** mulberry32: the same sequence for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const pieces = [
  'n,,',
  'y,,',
  'p=tls-exporter,,',
  'a=',
  'n=',
  'r=',
  'c=',
  's=',
  'i=',
  'm=',
  'p=',
  'juliet',
  '\0',
  ',',
  '=',
]
  .concat([
    '=2C',
    '=3D',
    'biws',
    'example.org',
    '@',
    '/',
    'ä',
    '\u{1f511}',
    ' ',
    '\u0007',
    'A'.repeat(300),
    '1000000000',
  ])
  .map(text => Buffer.from(text))

function mutate(next: () => number, data: Buffer): Buffer {
  const at = Math.floor(next() * (data.length + 1))
  const piece = pieces[Math.floor(next() * pieces.length)]!
  switch (Math.floor(next() * 5)) {
    case 0:
      return Buffer.concat([data.subarray(0, at), piece, data.subarray(at)])
    case 1:
      return data.subarray(0, at)
    case 2:
      return Buffer.concat([data.subarray(0, at), data.subarray(at + 1 + Math.floor(next() * 8))])
    case 3:
      return Buffer.from(data.map((byte, i) => (i === at ? Math.floor(next() * 256) : byte)))
    default:
      return Buffer.concat([data, piece, data.subarray(at)])
  }
}

function mutations(next: () => number, data: Buffer): Buffer {
  let result = data
  for (let left = 1 + Math.floor(next() * 3); left > 0; left--) result = mutate(next, result)
  return result
}

function validFirst(mechanism: string): Buffer {
  if (mechanism.endsWith('-PLUS')) return Buffer.from('p=tls-exporter,a=juliet@example.org,n=juliet,r=abc')
  if (mechanism.startsWith('SCRAM-')) return Buffer.from('n,a=juliet@example.org,n=juliet,r=abc')
  if (mechanism.startsWith('HT-')) return Buffer.from('juliet\0proof')
  return Buffer.from(mechanism === 'PLAIN' ? '\0nobody\0x' : 'juliet@example.org')
}

async function outcome(step: Promise<Step>): Promise<Step | SaslError> {
  return step.catch((error: unknown) => {
    if (error instanceof SaslError && error.condition !== 'temporary-auth-failure') return error
    throw error
  })
}

test('mutated first messages of every mechanism end in a step or a SaslError', async () => {
  const next = random(20_260_101)
  const fast = { client: 'phone', earlyData: false }
  const context = contextOf(accounts, { fast, certificateAddresses: ['juliet@example.org'] })
  let answered = 0
  for (let round = 0; round < rounds; round++) {
    const mechanism = mechanismNames[round % mechanismNames.length]!
    const message = mutations(next, validFirst(mechanism))
    const result = await outcome(startExchange(mechanism, context).step(message))
    if (!(result instanceof SaslError)) answered++
  }
  // The mutations leave some messages valid, so the code behind the parser is reached too.
  expect(answered).toBeGreaterThan(rounds / 50)
})

test('no mutated final message gets in', async () => {
  const next = random(7)
  const mechanism = 'SCRAM-SHA-1-PLUS'
  const client = new ScramClient(mechanism, { gs2: 'p=tls-exporter,,', bindingData: exporter })
  const context = contextOf(accounts)
  let tried = 0
  for (let round = 0; round < rounds / 5; round++) {
    const exchange = startExchange(mechanism, context)
    const first = await exchange.step(client.first)
    if (!('challenge' in first)) throw new Error('expected a challenge')
    const final = client.final(first.challenge)
    const message = mutations(next, final)
    if (message.equals(final)) continue
    tried++
    expect(await outcome(exchange.step(message))).toBeInstanceOf(SaslError)
  }
  expect(tried).toBeGreaterThan(rounds / 10)
})
