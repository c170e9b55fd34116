const ESCAPE = /\x1b\[[#0-9a-z;]{0,16}m/gi
/** Tags that programs of the time sent; other brackets are words. */
const TAGS = /<\/?(?:font|fade|alt)(?:[ #][^<>]{0,200})?>/gi
const BUZZ = '<ding>'

/** The words of a message, without colours and fonts. */
export function plain(message: string): string {
  return message.replace(ESCAPE, '').replace(TAGS, '')
}

export const isBuzz = (message: string) => plain(message).trim().toLowerCase() === BUZZ

export const buzz = BUZZ

/** Words that would be a buzz there stay words. */
export const words = (text: string) => (isBuzz(text) ? text.replace('<', '< ') : text)
