import { illFormed, overLimit, restricted, XmlStreamError } from './errors.ts'
import { SaxesBase, State } from './saxes.ts'
import { requireName, Tag } from './tag.ts'

export interface TokenHandlers {
  open(tag: Tag): void
  /** Between two tags there may be several texts. */
  text(text: string): void
  close(tag: Tag): void
  maxAttributes(): number
}

const LT = 0x3c
const GT = 0x3e
const AMP = 0x26
const SLASH = 0x2f
const EQUALS = 0x3d
const BRACKET = 0x5d
const SEMICOLON = 0x3b
const HASH = 0x23
const SURROGATES = 0xd800
/** Nothing of `]]>` has been read. */
const NO_BRACKETS = 0

let stateTable: Tokenizer['stateTable'] | undefined

/**
 * Saxes, made as strict as a stream needs and faster where stanzas spend their time.
 *
 * Its state functions are overridden where XMPP forbids a construct, so that the error comes with the first characters
 * of it; where the usual case needs no more than a scan for its end; and where it works out namespaces ({@link Tag}).
 * Handlers are assigned as properties, because `on()` makes V8 keep the parser as a dictionary, three times slower.
 */
export class Tokenizer extends SaxesBase {
  readonly #handlers: TokenHandlers

  constructor(handlers: TokenHandlers) {
    super({ xmlns: true, position: false })
    this.#handlers = handlers
    // Saxes makes one for each parser; they are all the same, and each idle stream would keep its own.
    stateTable ??= this.stateTable
    this.stateTable = stateTable
    this.openTagHandler = tag => handlers.open(tag)
    this.closeTagHandler = tag => handlers.close(tag)
    this.textHandler = text => handlers.text(text)
    this.cdataHandler = this.textHandler
    this.xmldeclHandler = checkDeclaration
    this.errorHandler = refuse
  }

  /** Whether all that has been read since the last tag is character data. */
  get inText(): boolean {
    return this.state === State.text
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

  sOpenTag(): void {
    const end = this.captureNameChars()
    if (end < 0) return
    if (this.closedRoot) throw illFormed('a second root element')
    this.tag = new Tag(this.name, this.tags[this.tags.length - 1])
    this.name = ''
    this.sawRoot = true
    if (end === GT) this.openTag()
    else if (end === SLASH) this.state = State.slash
    else if (isSpace(end)) this.state = State.attribute
    else throw illFormed('disallowed character in a tag name')
  }

  pushAttribNS(name: string, value: string): void {
    const tag = this.tag!
    const limit = this.#handlers.maxAttributes()
    if (tag.count >= limit) throw overLimit('attributes in one element', limit)
    tag.attribute(name, value)
  }

  processAttribsNS(): void {
    this.tag!.resolve()
  }

  override captureNameChars(): number {
    const { chunk, i: start } = this
    if (this.name === '') {
      for (let i = start; i < chunk.length; i++) {
        const c = chunk.charCodeAt(i)
        if (isPlainNameChar(c)) continue
        if (c !== GT && c !== EQUALS && c !== 0x20 && c !== SLASH) break
        this.name = chunk.slice(start, i)
        this.i = i + 1
        return c
      }
    }
    const end = super.captureNameChars()
    if (end >= 0) requireName(this.name)
    return end
  }

  override sCloseTag(): void {
    const open = this.tags[this.tags.length - 1]
    if (open !== undefined && this.name === '') {
      const end = this.i + open.name.length
      if (this.chunk.charCodeAt(end) === GT && this.chunk.startsWith(open.name, this.i)) {
        this.i = end + 1
        this.name = open.name
        this.closeTag()
        return
      }
    }
    super.sCloseTag()
  }

  /** Saxes would look for the semicolon in all that follows. */
  override sEntity(): void {
    for (let i = this.i; i < this.chunk.length; i++) {
      const c = this.chunk.charCodeAt(i)
      if (c === SEMICOLON) break
      if (!isPlainNameChar(c) && c !== HASH && c !== 0x2e && c !== 0x5f && c < 0x80)
        throw illFormed('an ampersand that begins no reference')
    }
    super.sEntity()
  }

  /** Saxes would report the element first and the wrong name afterwards. */
  override closeTag(): void {
    if (this.tags[this.tags.length - 1]?.name !== this.name)
      throw illFormed(`unexpected end tag ${this.name.slice(0, 64)}`)
    super.closeTag()
  }

  override sAttribValueQuoted(): void {
    const { chunk, i: start, q } = this
    for (let i = start; i < chunk.length; i++) {
      const c = chunk.charCodeAt(i)
      if (c === q) {
        const value = chunk.slice(start, i)
        this.i = i + 1
        this.q = null
        this.state = State.attributeClosed
        this.pushAttribNS(this.name, this.text === '' ? value : this.text + value)
        this.name = ''
        this.text = ''
        return
      }
      if (c < 0x20 || c === AMP || c === LT || c >= SURROGATES) break
    }
    super.sAttribValueQuoted()
  }

  override handleTextInRoot(): void {
    const { chunk, i: start } = this
    if (this.forbiddenState === NO_BRACKETS) {
      for (let i = start; i < chunk.length; i++) {
        const c = chunk.charCodeAt(i)
        if (c === LT) {
          this.i = i + 1
          this.state = State.openWaka
          const text = this.text + chunk.slice(start, i)
          this.text = ''
          if (text !== '') this.textHandler(text)
          return
        }
        if ((c < 0x20 && c !== 0x0a && c !== 0x09) || c === AMP || c === BRACKET || c >= SURROGATES) break
      }
    }
    super.handleTextInRoot()
  }
}

function isPlainNameChar(c: number): boolean {
  return (c >= 0x61 && c <= 0x7a) || c === 0x2d || c === 0x3a || (c >= 0x41 && c <= 0x5a) || (c >= 0x30 && c <= 0x39)
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09
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
  if (error.message.includes('doctype')) throw restricted('document type declarations')
  throw illFormed(error.message.slice(0, 100))
}
