import { Jid } from '@parley/jid'
import { Body, DataForm, Iq, Message, NS } from '@parley/stanza'
import { type Element, el } from '@parley/xml'

const STANZA_IDS = 'urn:xmpp:sid:0'
const SERVER_INFO = 'http://jabber.org/network/serverinfo'
const PREFIX = 'urn:xmpp:reporting:'
/** What of a report is kept: characters of a text, messages that it names. */
const TEXT = 1000
const IDS = 20

/** A report as it is kept for operators. */
export interface Report {
  readonly [key: string]: string | number | readonly string[] | undefined
  /** Milliseconds since 1970. */
  readonly at: number
  readonly by: string
  readonly about: string
  readonly reason: string
  readonly text?: string
  /** Of messages in the archive of the account (XEP-0359). */
  readonly ids: readonly string[]
  /** To whom the user agrees to send it on: `report-origin`, `third-party`. */
  readonly mayGo: readonly string[]
}

/** Reads `<report/>`; undefined where it gives no reason (XEP-0377 §3). */
export function readReport(payload: Element, known: Pick<Report, 'at' | 'by' | 'about'>): Report | undefined {
  const reason = payload.attrs['reason']
  if (!reason) return undefined
  const text = payload.textOf('text')?.trim().slice(0, TEXT)
  const ids = payload
    .childrenNamed('stanza-id', STANZA_IDS)
    .flatMap(({ attrs: { id } }) => (id ? [id.slice(0, 100)] : []))
  return {
    ...{ at: known.at, by: known.by, about: known.about },
    reason: (reason.startsWith(PREFIX) ? reason.slice(PREFIX.length) : reason).slice(0, 100),
    ...(text ? { text } : {}),
    ids: ids.slice(0, IDS),
    mayGo: ['report-origin', 'third-party'].filter(name => payload.child(name)),
  }
}

/** @throws TypeError where it is no address */
export function readService(text: string): Jid | undefined {
  if (text === '') return undefined
  const jid = Jid.tryParse(text)
  if (!jid) throw new TypeError('modules.reports.service: must be an address')
  return jid
}

/** The report for somebody elsewhere: whom it is about and what was said, and nothing of who has said it (XEP-0377 §4). */
export function forwardTo(to: Jid, from: Jid, payload: Element, about: Jid): Message {
  const reason = payload.attrs['reason'] ?? ''
  const words = payload.textOf('text')?.trim().slice(0, TEXT)
  // Ids of messages name the archive that they are in, which is the user's.
  const report = payload.withChildren(payload.childrenNamed('text'))
  const block = el('block', 'urn:xmpp:blocking', null, el('item', 'urn:xmpp:blocking', { jid: about.text }, report))
  const body = `${about} was reported: ${reason}${words ? `\n${words}` : ''}`
  return new Message({ type: 'normal', from, to }, Body.of([el('body', NS.client, null, body), block]))
}

/** Where a domain wants to hear of abuse (XEP-0157), if it says an XMPP address. */
export async function abuseAddress(domain: string, request: (iq: Iq) => Promise<Iq>): Promise<Jid | undefined> {
  const asked = new Iq({ type: 'get', to: Jid.parse(domain) }, Body.of([el('query', NS.discoInfo)]))
  const info = (await request(asked)).child('query', NS.discoInfo)
  for (const x of info?.childrenNamed('x', NS.dataForms) ?? []) {
    const form = DataForm.read(x)
    if (form.value('FORM_TYPE') !== SERVER_INFO) continue
    for (const uri of form.values('abuse-addresses'))
      if (uri.startsWith('xmpp:')) return Jid.tryParse(decodeURIComponent(uri.slice(5).split('?')[0]!))
  }
  return undefined
}
