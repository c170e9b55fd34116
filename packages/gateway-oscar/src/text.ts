import { textOf } from './bytes.ts'

export const CHARSET = { ascii: 0, ucs2: 2, latin1: 3 } as const

export function decode(bytes: Buffer, charset: number): string {
  if (charset === CHARSET.ucs2) return swapped(bytes).toString('utf16le')
  return charset === CHARSET.latin1 ? bytes.toString('latin1') : textOf(bytes)
}

/** ASCII where that will do: every program reads it. */
export function encode(text: string): { readonly charset: number; readonly bytes: Buffer } {
  if (/^[\0-\x7f]*$/.test(text)) return { charset: CHARSET.ascii, bytes: Buffer.from(text, 'latin1') }
  return { charset: CHARSET.ucs2, bytes: swapped(Buffer.from(text, 'utf16le')) }
}

function swapped(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16()
}

/** AIM speaks HTML. */
export function toHtml(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return escaped.replace(/\r?\n/g, '<BR>')
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ' }

/** The words, and where lines end; everything else of HTML is dropped. */
export function fromHtml(html: string): string {
  return html
    .replace(/[\r\n]+/g, ' ')
    .replace(/<br[^<>]{0,40}>/gi, '\n')
    .replace(/<\/?[a-z!][^<>]{0,1000}>/gi, '')
    .replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,5}));/gi, (all, decimal, hex, name) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? all
      const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return code >= 0x20 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
    })
}

export const isHtml = (text: string) => /^\s*<html/i.test(text)
