import { type Element, type ParserOptions, StreamParser, XmlStreamError } from '@parley/xml'

export const HEADER =
  "<?xml version='1.0'?><stream:stream to='example.net' version='1.0' xmlns='jabber:client' " +
  "xmlns:stream='http://etherx.jabber.org/streams'>"

export interface Outcome {
  /** What ended the stream, or 'none'. */
  readonly condition: string
  readonly stanzas: readonly Element[]
  readonly opened: boolean
  readonly closed: boolean
}

/** Reads bytes as a client's stream, in pieces of `size` bytes. */
export function readStream(input: string | Buffer, options: ParserOptions = {}, size = 1460): Outcome {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input
  const stanzas: Element[] = []
  let opened = false
  let closed = false
  const parser = new StreamParser(
    {
      opened() {
        opened = true
      },
      stanza(element) {
        stanzas.push(element)
      },
      closed() {
        closed = true
      },
    },
    options,
  )
  let condition = 'none'
  try {
    for (let i = 0; i < bytes.length; i += size) parser.write(bytes.subarray(i, i + size))
  } catch (error) {
    if (!(error instanceof XmlStreamError)) throw error
    condition = error.condition
  }
  return { condition, stanzas, opened, closed }
}

/** The same for what stands inside an open stream. */
export function readInside(xml: string | Buffer, options: ParserOptions = {}, size = 1460): Outcome {
  return readStream(
    Buffer.concat([Buffer.from(HEADER), typeof xml === 'string' ? Buffer.from(xml) : xml]),
    options,
    size,
  )
}
