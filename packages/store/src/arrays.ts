// Arrays in PostgreSQL's binary format: the database reads them without looking at each character, as it must with literals.

/** Types by their number in the catalogue (pg_type). */
const BOOL = 16
const INT8 = 20
const TEXT = 25

const HEADER = 20
/** Shorter strings are faster to write here than through a call into Node. */
const SHORT = 32

/** An array of texts; undefined becomes NULL. */
export function textArray(values: readonly (string | undefined)[]): Buffer {
  let room = HEADER
  // UTF-8 needs three bytes at most for a unit of UTF-16.
  for (const value of values) room += 4 + 3 * (value?.length ?? 0)
  const array = Buffer.allocUnsafe(room)
  let at = header(array, TEXT, values.length)
  for (const value of values) {
    const length = value === undefined ? -1 : writeText(array, value, at + 4)
    array.writeInt32BE(length, at)
    at += 4 + Math.max(0, length)
  }
  return array.subarray(0, at)
}

export function bigintArray(values: readonly (bigint | number)[]): Buffer {
  const array = Buffer.allocUnsafe(HEADER + 12 * values.length)
  let at = header(array, INT8, values.length)
  for (const value of values) {
    array.writeInt32BE(8, at)
    array.writeBigInt64BE(BigInt(value), at + 4)
    at += 12
  }
  return array
}

export function boolArray(values: readonly boolean[]): Buffer {
  const array = Buffer.allocUnsafe(HEADER + 5 * values.length)
  let at = header(array, BOOL, values.length)
  for (const value of values) {
    array.writeInt32BE(1, at)
    array[at + 4] = value ? 1 : 0
    at += 5
  }
  return array
}

/** One dimension that begins at 1 and may hold NULLs; gives where the values begin. */
function header(array: Buffer, type: number, length: number): number {
  array.writeInt32BE(1, 0)
  array.writeInt32BE(1, 4)
  array.writeInt32BE(type, 8)
  array.writeInt32BE(length, 12)
  array.writeInt32BE(1, 16)
  return HEADER
}

/** Gives how many bytes it wrote. */
function writeText(array: Buffer, text: string, at: number): number {
  const { length } = text
  if (length > SHORT) return array.write(text, at, 'utf8')
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x80) return array.write(text, at, 'utf8')
    array[at + i] = unit
  }
  return length
}
