import { type Fields, fieldsOf, textOf } from './json.ts'

const FILES: Readonly<Record<string, string>> = {
  'm.image': 'picture',
  'm.audio': 'sound',
  'm.video': 'video',
  'm.file': 'file',
}

/** What a message says; undefined: nothing that can be shown. */
export function wordsOf(content: Fields): string | undefined {
  const kind = textOf(content['msgtype'])
  const body = clean(textOf(content['body']) ?? '')
  if (kind === undefined || body === '') return undefined
  if (kind === 'm.emote') return `/me ${body}`
  if (kind === 'm.location') return textOf(content['geo_uri'])?.slice(0, 200) ?? body
  const file = FILES[kind]
  return file === undefined
    ? withoutFallback(content, body)
    : `[${file} ${body.slice(0, 200)}: this gateway does not pass it on]`
}

/** Older clients put what they answer before their answer, each line with `> `. */
function withoutFallback(content: Fields, body: string): string {
  if (answered(content) === undefined || !body.startsWith('> ')) return body
  const lines = body.split('\n')
  let at = 0
  while (lines[at]?.startsWith('> ')) at++
  return lines.slice(at).join('\n').trim() || body
}

/** The id of what a message answers. */
export function answered(content: Fields): string | undefined {
  const relation = fieldsOf(content['m.relates_to'])
  return eventId(fieldsOf(relation?.['m.in_reply_to'])?.['event_id'])
}

export function eventId(value: unknown): string | undefined {
  const text = textOf(value)
  return text !== undefined && /^\$[!-~]{1,254}$/.test(text) ? text : undefined
}

/** Without control characters but line breaks. */
export function clean(text: string): string {
  return text
    .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
    .replace(/\p{Cs}/gu, '\ufffd')
    .trim()
}

export function message(text: string, replyTo?: string): Fields {
  const emote = text.startsWith('/me ')
  return {
    msgtype: emote ? 'm.emote' : 'm.text',
    body: emote ? text.slice(4) : text,
    ...(replyTo === undefined ? {} : { 'm.relates_to': { 'm.in_reply_to': { event_id: replyTo } } }),
  }
}
