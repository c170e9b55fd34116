import type { Socket } from 'node:net'

/** Bytes on connections with other servers, those that are over included. */
export class Traffic {
  readonly #open = new Set<Socket>()
  #received = 0
  #sent = 0

  watch(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => {
      this.#open.delete(socket)
      this.#received += socket.bytesRead
      this.#sent += socket.bytesWritten
    })
  }

  get total(): { readonly received: number; readonly sent: number } {
    let received = this.#received
    let sent = this.#sent
    for (const { bytesRead, bytesWritten } of this.#open) {
      received += bytesRead
      sent += bytesWritten
    }
    return { received, sent }
  }
}
