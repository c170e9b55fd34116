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

/** Where it is written down which key seals, for all processes. */
export interface KeyRecord {
  known(): Promise<string | undefined>
  /** Writes it down unless another one is; gives the one that is. */
  claim(id: string): Promise<string>
  replace(id: string): Promise<void>
}

/**
 * The master keys of sealed secrets: a line for each, `id base64`, the first one seals. They are not in the database, so that a copy
 * of it is of no use to anybody. The first key is made when the first secret is sealed: a process that seals none needs none.
 */
export class Keyring {
  readonly #source: KeySource
  readonly #record: KeyRecord
  #keys: readonly MasterKey[] = []
  #isOurs = false
  #beginning: Promise<void> | undefined

  constructor(source: KeySource, record: KeyRecord) {
    this.#source = source
    this.#record = record
  }

  /** @throws TypeError with words for the operator, where the keys are none, or the one that seals is missing */
  async check(): Promise<void> {
    this.#keys = (await this.#read()) ?? []
    const known = await this.#record.known()
    if (known !== undefined) this.#need(known)
  }

  /** The key that seals. @throws TypeError as {@link check} does */
  async current(): Promise<MasterKey> {
    if (!this.#isOurs) {
      this.#beginning ??= this.#begin().finally(() => {
        this.#beginning = undefined
      })
      await this.#beginning
    }
    return this.#keys[0]!
  }

  /** Looks into the file again, where another process may have made a new one. */
  async find(id: string): Promise<MasterKey | undefined> {
    const known = this.#keys.find(key => key.id === id)
    if (known) return known
    this.#keys = (await this.#read()) ?? this.#keys
    return this.#keys.find(key => key.id === id)
  }

  /** From now on a new key seals; the others still open. Where the operator gives the keys, that is up to them. */
  async renew(): Promise<void> {
    await this.current()
    const { file, text } = this.#source
    if (text === undefined) {
      const keys = [make(), ...((await this.#read()) ?? this.#keys)]
      // Never half a file: without it nothing can be opened again.
      await writeFile(`${file}.new`, keys.map(line).join(''), { mode: 0o600, flush: true })
      await rename(`${file}.new`, file)
      this.#keys = keys
    }
    await this.#record.replace(this.#keys[0]!.id)
  }

  async #begin(): Promise<void> {
    await this.check()
    const isNew = this.#keys.length === 0 && (await this.#make())
    const id = await this.#record.claim(this.#keys[0]!.id)
    // Another process was first, and has another file.
    if (isNew && !this.#keys.some(key => key.id === id)) await unlink(this.#source.file)
    this.#need(id)
    this.#isOurs = true
  }

  /** False: another process on the same folder was first. */
  async #make(): Promise<boolean> {
    const { file } = this.#source
    const key = make()
    const whole = `${file}.${key.id}`
    await writeFile(whole, line(key), { mode: 0o600, flush: true })
    try {
      // Nobody ever reads half of it.
      await link(whole, file)
      this.#keys = [key]
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      await this.check()
      return false
    } finally {
      await unlink(whole)
    }
  }

  #need(id: string): void {
    if (this.#keys.some(key => key.id === id)) return
    const { file, text } = this.#source
    const place = text === undefined ? `${file}: ` : ''
    throw new TypeError(
      `${place}the key of sealed secrets is missing. Copy it from where the secrets were sealed (key ${id})`,
    )
  }

  async #read(): Promise<readonly MasterKey[] | undefined> {
    const text = this.#source.text ?? (await read(this.#source.file))
    return text === undefined ? undefined : parse(text, this.#source)
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
