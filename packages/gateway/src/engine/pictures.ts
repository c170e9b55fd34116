import { createHash } from 'node:crypto'

interface Picture {
  readonly bytes: Uint8Array
  readonly type: string
}

/** Bytes of all that is kept. */
const ALL = 33_554_432

/** Pictures that adapters have fetched, until somebody has taken them: by their SHA-1, the oldest make room. */
export class Pictures {
  readonly #pictures = new Map<string, Picture>()
  #bytes = 0

  put(bytes: Uint8Array, type: string): string {
    const id = createHash('sha1').update(bytes).digest('hex')
    this.#drop(id)
    this.#pictures.set(id, { bytes, type: type.slice(0, 100) })
    this.#bytes += bytes.length
    for (const oldest of this.#pictures.keys()) {
      if (this.#bytes <= ALL) break
      this.#drop(oldest)
    }
    return id
  }

  get(id: string): Picture | undefined {
    return this.#pictures.get(id)
  }

  #drop(id: string): void {
    this.#bytes -= this.#pictures.get(id)?.bytes.length ?? 0
    this.#pictures.delete(id)
  }
}
