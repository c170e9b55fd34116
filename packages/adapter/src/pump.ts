import type { Connection } from './context.ts'
import { AdapterError } from './errors.ts'

/**
 * Feeds what arrives to `take`, and tells once how it ended. What `take` throws ends the connection, and is told as it is.
 */
export function pump(connection: Connection, take: (chunk: Uint8Array) => void, ended: (error: Error) => void): void {
  let over = false
  const end = (error: Error) => {
    if (over) return
    over = true
    connection.destroy()
    ended(error)
  }
  const { stream } = connection
  stream.on('data', (chunk: Uint8Array) => {
    if (over) return
    try {
      take(chunk)
    } catch (error) {
      end(error instanceof Error ? error : new Error(String(error)))
    }
  })
  stream.on('error', () => end(new AdapterError('transient', 'The connection to the network broke')))
  stream.on('end', () => end(new AdapterError('transient', 'The network has closed the connection')))
  stream.on('close', () => end(new AdapterError('transient', 'The network has closed the connection')))
}
