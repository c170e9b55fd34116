/** What XML cannot hold, and what begins something of its own elsewhere (threat 152): not line breaks, not tabs. */
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]|\p{Surrogate}/gu

/** Text that came from a network, as a stanza may carry it: as text, whatever it looks like (threat 158). */
export function clean(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(FORBIDDEN, '')
}
