import { isIPv4 } from 'node:net'

/**
 * The IPv4 address to which an IPv6 address leads: mapped (RFC 4291 §2.5.5.2), NAT64 (RFC 6052 §2.1) or 6to4 (RFC 3056
 * §2), however it is written; undefined for all others.
 */
export function embeddedIPv4(address: string): string | undefined {
  const words = wordsOf(address)
  const starts = (...prefix: number[]) => prefix.every((word, index) => words[index] === word)
  if (starts(0, 0, 0, 0, 0, 0xffff) || starts(0x64, 0xff9b, 0, 0, 0, 0)) return dotted(words[6]!, words[7]!)
  if (starts(0x2002)) return dotted(words[1]!, words[2]!)
  return undefined
}

/** The eight words of an IPv6 address. */
function wordsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const front = words(head)
  const back = tail === undefined ? [] : words(tail)
  return [...front, ...Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0), ...back]
}

function words(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap(word => {
    if (!isIPv4(word)) return [Number.parseInt(word, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = word.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
