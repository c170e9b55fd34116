const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }
const BREAKS = new Set(['br', 'p', 'div', 'li', 'tr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'table', 'ul', 'ol'])
/** What is between their tags is not shown. */
const UNSEEN = new Set(['script', 'style', 'head', 'title', 'template'])
/** What others have written. */
const QUOTED = 'blockquote'

/** The words of a page: markup goes, links and pictures with it. One pass, whatever the page is. */
export function wordsOf(html: string): string {
  let text = ''
  let at = 0
  let unseen: string | undefined
  let quoted = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    const end = open === -1 ? html.length : open
    if (unseen === undefined && quoted === 0) text += html.slice(at, end).replace(/\s+/g, ' ')
    if (open === -1) break
    if (html.startsWith('<!--', open)) {
      const close = html.indexOf('-->', open + 4)
      if (close === -1) break
      at = close + 3
      continue
    }
    const close = html.indexOf('>', open)
    if (close === -1) break
    const tag = /^<(\/?)([A-Za-z][A-Za-z0-9]{0,15})/.exec(html.slice(open, open + 20))
    const name = tag?.[2]?.toLowerCase()
    const closes = tag?.[1] === '/'
    if (name !== undefined) {
      if (unseen === name && closes) unseen = undefined
      else if (unseen === undefined && UNSEEN.has(name) && !closes) unseen = name
      else if (name === QUOTED) quoted = Math.max(0, quoted + (closes ? -1 : 1))
      if (BREAKS.has(name) && unseen === undefined && quoted === 0) text += '\n'
    }
    at = close + 1
  }
  return text
    .replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, entity)
    .replace(/[ \t\u00a0]*\n[ \t\u00a0]*/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

function entity(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole
  const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal)
  return code > 0x1f && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : ' '
}
