const SENTENCE = 'The quick brown fox jumps over the lazy dog while the server counts what it carries, '

/** A chat message as clients send it: with a chat state (XEP-0085) and a request for a receipt (XEP-0184). */
export function chat(to: string, id: string, bytes: number): string {
  const body = SENTENCE.repeat(Math.ceil(bytes / SENTENCE.length)).slice(0, bytes)
  return `<message to='${to}' type='chat' id='${id}'><body>${body}</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/></message>`
}
