import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../client.ts'
import { loginAll } from '../clients.ts'
import { befriend } from '../contacts.ts'
import { feed } from '../feed.ts'
import type { Figures, Job } from '../job.ts'
import { measure } from '../measure.ts'

const TUNE = 'http://jabber.org/protocol/tune'
const DISCO = 'http://jabber.org/protocol/disco#info'
const NODE = 'https://parley.example/load'
const FEATURES = [DISCO, TUNE, `${TUNE}+notify`].sort()
/** XEP-0115 §5.1: by this the server knows what a client wants to hear of. */
const VER = createHash('sha1')
  .update(['client/pc//Load', ...FEATURES].map(part => `${part}<`).join(''))
  .digest('base64')
const CAPABILITIES = `<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='${NODE}' ver='${VER}'/></presence>`
const QUESTION = /<iq\s(?=[^>]*type=['"]get['"])[^>]*>\s*<query[^>]*disco#info[^>]*>/g
const TAKEN = /<iq\s(?=[^>]*type=['"]result['"])[^>]*>/g
/** Longest beginning of what is looked for that is kept until the rest of it comes. */
const MAX_REST = 4096
/** The server asks the clients before it tells them anything. */
const PATIENCE_MS = 30_000

/**
 * Some publish what they listen to (XEP-0118) as soon as the server has taken the last publication, and contacts who are
 * interested hear of it. A unit is a notification that arrived.
 */
export async function pep(job: Job): Promise<Figures> {
  const clients = await loginAll(job)
  await befriend(clients, job)
  const publishers = clients.slice(0, job.senders)
  const contacts = clients.slice(job.senders)
  let arrived = 0
  const hearing = new Set<Client>()
  for (const contact of contacts) {
    contact.onChunk = both(
      answer(contact),
      feed({
        end: '</message>',
        onStanzas: count => {
          arrived += count
          hearing.add(contact)
        },
      }),
    )
    contact.write(CAPABILITIES)
  }

  let tunes = 0
  const publish = (publisher: Client) => publisher.write(publication(++tunes))
  for (const publisher of publishers) {
    publisher.onChunk = each(TAKEN, () => publish(publisher))
  }
  for (const publisher of publishers) publish(publisher)
  for (const end = Date.now() + PATIENCE_MS; hearing.size < contacts.length; await sleep(100)) {
    if (Date.now() > end) throw new Error(`${contacts.length - hearing.size} contacts are told nothing`)
  }
  return { contacts: contacts.length, ...(await measure(job, () => arrived)) }
}

function publication(n: number): string {
  const tune = `<tune xmlns='${TUNE}'><artist>Yes</artist><length>686</length><source>Yessongs</source><title>Heart of the Sunrise ${n}</title></tune>`
  return `<iq type='set' id='p${n}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${TUNE}'><item id='current'>${tune}</item></publish></pubsub></iq>`
}

/** Tells the server what the client can do, whenever it asks. */
function answer(client: Client): (chunk: Buffer) => void {
  return each(QUESTION, question => {
    const attribute = (name: string) => new RegExp(`\\s${name}=['"]([^'"]*)`).exec(question)?.[1] ?? ''
    const features = FEATURES.map(feature => `<feature var='${feature}'/>`).join('')
    client.write(
      `<iq type='result' id='${attribute('id')}' to='${attribute('from')}'><query xmlns='${DISCO}' node='${NODE}#${VER}'><identity category='client' type='pc' name='Load'/>${features}</query></iq>`,
    )
  })
}

/** Calls with each part of what arrives that matches, however it is cut into chunks. */
function each(pattern: RegExp, found: (part: string) => void): (chunk: Buffer) => void {
  let rest = ''
  return chunk => {
    rest += chunk.toString('latin1')
    let at = 0
    for (const match of rest.matchAll(pattern)) {
      at = match.index + match[0].length
      found(match[0])
    }
    rest = rest.slice(Math.max(at, rest.length - MAX_REST))
  }
}

function both(...readers: readonly ((chunk: Buffer) => void)[]): (chunk: Buffer) => void {
  return chunk => {
    for (const reader of readers) reader(chunk)
  }
}
