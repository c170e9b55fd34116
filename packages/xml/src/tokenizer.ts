import { SaxesParser } from 'saxes'
import { illFormed, restricted, XmlStreamError } from './errors.ts'

export interface Attribute {
  readonly name: string
  readonly prefix: string
  readonly value: string
  readonly uri: string
}

export interface Tag {
  readonly name: string
  readonly local: string
  readonly uri: string
  /** The declarations of this tag alone, by prefix; '' is the default namespace. */
  readonly ns: { readonly [prefix: string]: string }
  readonly attributes: { readonly [name: string]: Attribute }
}

export interface TokenHandlers {
  open(tag: Tag): void
  /** Between two tags there may be several texts. */
  text(text: string): void
  close(tag: Tag): void
  maxAttributes(): number
}

/** What saxes keeps to itself and we rely upon; its version is pinned for that reason. */
interface Saxes {
  /** Text of which the end has not been seen. */
  text: string
  chunk: string
  i: number
  state: number
  /** A final CR waits for the chunk that may begin with LF. */
  carriedFromPrevious: string | undefined
  xmlDeclPossible: boolean
  readonly attribList: readonly unknown[]
  openTagHandler: (tag: Tag) => void
  closeTagHandler: (tag: Tag) => void
  textHandler: (text: string) => void
  cdataHandler: (text: string) => void
  attributeHandler: (attribute: Attribute) => void
  xmldeclHandler: (declaration: { version?: string; encoding?: string }) => void
  errorHandler: (error: Error) => void
  _init(): void
  write(text: string): unknown
  close(): unknown
  sBegin(): void
  sPIFirstChar(): void
  sPIRest(): void
}

const Base = SaxesParser as unknown as new (options: { xmlns: true; position: false }) => Saxes

/** The state in which saxes reads character data: that of a fragment parser before its first character. */
const IN_TEXT = (new SaxesParser({ fragment: true }) as unknown as Saxes).state

/**
 * Saxes, made as strict as a stream needs. Its state functions are overridden where XMPP forbids the construct, so that
 * the error comes with the first characters of it and not with its end. Handlers are assigned as properties, because
 * `on()` makes V8 keep the parser as a dictionary, three times slower.
 */
export class Tokenizer extends Base {
  constructor(handlers: TokenHandlers) {
    super({ xmlns: true, position: false })
    this.openTagHandler = tag => handlers.open(tag)
    this.closeTagHandler = tag => handlers.close(tag)
    this.textHandler = text => handlers.text(text)
    this.cdataHandler = this.textHandler
    this.attributeHandler = attribute => {
      if (this.attribList.length > handlers.maxAttributes()) {
        throw new XmlStreamError('policy-violation', `more than ${handlers.maxAttributes()} attributes in one element`)
      }
      // Saxes trims namespace names, and others do not: one reading only.
      if (isDeclaration(attribute) && attribute.value !== attribute.value.trim()) {
        throw illFormed('a namespace name begins or ends with white space')
      }
    }
    this.xmldeclHandler = checkDeclaration
    this.errorHandler = refuse
  }

  /** Whether all that has been read since the last tag is character data. */
  get inText(): boolean {
    return this.state === IN_TEXT
  }

  /** Callable from a handler: takes back what follows in the chunk being read. */
  takeRest(): string {
    const rest = this.chunk.slice(this.i) + (this.carriedFromPrevious ?? '')
    this.i = this.chunk.length
    this.carriedFromPrevious = undefined
    return rest
  }

  override sBegin(): void {
    // RFC 6120 §11.6: U+FEFF is a character everywhere, and no byte order mark.
    if (this.chunk.charCodeAt(0) === 0xfeff) throw illFormed('text before the root element')
    super.sBegin()
  }

  override sPIFirstChar(): void {
    if (!this.xmlDeclPossible) throw restricted('processing instructions')
    super.sPIFirstChar()
  }

  sPIBody(): never {
    throw restricted('processing instructions')
  }

  sPIEnding(): never {
    throw restricted('processing instructions')
  }

  sComment(): never {
    throw restricted('comments')
  }

  sDoctype(): never {
    throw restricted('document type declarations')
  }
}

function isDeclaration(attribute: Attribute): boolean {
  return attribute.prefix === 'xmlns' || attribute.name === 'xmlns'
}

function checkDeclaration({ version, encoding }: { version?: string; encoding?: string }): void {
  if (version !== '1.0') throw illFormed('only XML 1.0 is understood')
  // RFC 6120 §11.6.
  if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') {
    throw new XmlStreamError('unsupported-encoding', 'only UTF-8 is understood')
  }
}

function refuse(error: Error): never {
  // RFC 6120 §4.9.3.18 counts references to entities that are not predefined among the restricted features.
  if (error.message.startsWith('undefined entity')) throw restricted('entities')
  throw illFormed(error.message.slice(0, 100))
}
