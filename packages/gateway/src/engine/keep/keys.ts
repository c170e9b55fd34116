import { randomBytes } from 'node:crypto'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'

/** A key that others are wrapped with. */
export interface MasterKey {
  readonly id: string
  readonly key: Buffer
}

const KEY_BYTES = 32
const ID_BYTES = 4

export interface KeySource {
  /** Where keys are kept; made when it is not there. */
  readonly file: string
  /** The same text, in place of the file: for where no file is to be. */
  readonly text?: string | undefined
}

/**
 * The master keys of sealed secrets: a line for each, `id base64`, the first one seals. They are not in the database, so that a copy
 * of it is of no use to anybody.
 */
export class Keyring {
  readonly #source: KeySource
  #keys: readonly MasterKey[]

  private constructor(source: KeySource, keys: readonly MasterKey[]) {
    this.#source = source
    this.#keys = keys
  }

  /**
   * @param known the id that was written down when the first secret was sealed: with it, a missing file is not made anew
   * @throws TypeError with words for the operator
   */
  static async open(source: KeySource, known?: string): Promise<Keyring> {
    const text = source.text ?? (await read(source.file))
    if (text !== undefined) return new Keyring(source, parse(text, source))
    if (known !== undefined)
      throw new TypeError(
        `${source.file}: the key of sealed secrets is missing. Copy it from where the secrets were sealed (key ${known})`,
      )
    const key = make()
    const whole = `${source.file}.${key.id}`
    await writeFile(whole, line(key), { mode: 0o600, flush: true })
    try {
      // Nobody ever reads half of it.
      await link(whole, source.file)
      return new Keyring(source, [key])
    } catch (error) {
      // Another process on the same folder was first.
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return Keyring.open(source)
      throw error
    } finally {
      await unlink(whole)
    }
  }

  get current(): MasterKey {
    return this.#keys[0]!
  }

  /** Looks into the file again, where another process may have made a new one. */
  async find(id: string): Promise<MasterKey | undefined> {
    const known = this.#keys.find(key => key.id === id)
    if (known || this.#source.text !== undefined) return known
    const text = await read(this.#source.file)
    if (text !== undefined) this.#keys = parse(text, this.#source)
    return this.#keys.find(key => key.id === id)
  }

  /** From now on a new key seals; the others still open. Where the operator gives the keys, that is up to them. */
  async renew(): Promise<void> {
    if (this.#source.text !== undefined) return
    const { file } = this.#source
    const keys = [make(), ...parse((await read(file)) ?? '', this.#source)]
    // Never half a file: without it nothing can be opened again.
    await writeFile(`${file}.new`, keys.map(line).join(''), { mode: 0o600, flush: true })
    await rename(`${file}.new`, file)
    this.#keys = keys
  }
}

function make(): MasterKey {
  return { id: randomBytes(ID_BYTES).toString('hex'), key: randomBytes(KEY_BYTES) }
}

function line({ id, key }: MasterKey): string {
  return `${id} ${key.toString('base64')}\n`
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new TypeError(`${file}: the key of sealed secrets cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function parse(text: string, source: KeySource): readonly MasterKey[] {
  const place = source.text === undefined ? source.file : 'the key of sealed secrets'
  const keys = text
    .split(/[\n,]/)
    .map(each => each.trim())
    .filter(each => each !== '')
    .map(each => {
      const [, id, base64] = /^([\w-]{1,32}) ([A-Za-z0-9+/]{43}=)$/.exec(each) ?? []
      if (id === undefined || base64 === undefined)
        throw new TypeError(`${place}: each line must be an id and 32 bytes in base64`)
      return { id, key: Buffer.from(base64, 'base64') }
    })
  if (keys.length === 0) throw new TypeError(`${place}: there is no key`)
  return keys
}
