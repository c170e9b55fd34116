import { NS } from '@parley/stanza'
import { type Element, escapeAttribute } from '@parley/xml'
import type { OurHeader, PeerHeader } from '@xmpp/server-core'

/** Reads `<stream:stream>` (RFC 6120 §4.7); `content` is the namespace of the stanzas that we expect. */
export function readHeader(root: Element, contentNs: string, content: string): PeerHeader {
  return {
    ...attributes(root),
    namespacesOk: root.name === 'stream' && root.ns === NS.streams && contentNs === content,
  }
}

/** Reads `<open/>` (RFC 7395 §3.3). */
export function readOpen(open: Element): PeerHeader {
  return { ...attributes(open), namespacesOk: open.is('open', NS.framing) }
}

function attributes({ attrs }: Element) {
  return { to: attrs['to'], from: attrs['from'], version: attrs['version'], lang: attrs['xml:lang'], id: attrs['id'] }
}

export function headerXml(header: OurHeader, content: string): string {
  // XEP-0114 is from before versions.
  const version = content === NS.component ? '' : ' version="1.0"'
  // XEP-0220 §2.1.1: the prefix is declared where dialback may follow, and peers write it as it is declared there.
  const dialback = content === NS.server ? ` xmlns:db="${NS.dialback}"` : ''
  return `<?xml version="1.0"?><stream:stream xmlns="${content}" xmlns:stream="${NS.streams}"${dialback}${version}${ours(header)}>`
}

export function openXml(header: OurHeader): string {
  return `<open xmlns="${NS.framing}" version="1.0"${ours(header)}/>`
}

function ours({ from, to, id, lang }: OurHeader): string {
  const named = { from, to, id, 'xml:lang': lang }
  let xml = ''
  for (const [name, value] of Object.entries(named)) {
    if (value !== undefined) xml += ` ${name}="${escapeAttribute(value)}"`
  }
  return xml
}
