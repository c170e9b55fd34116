/** The one spelling of a chat: its number. Those of groups are negative (Bot API, `Chat`: at most 52 bits). */
export function canonical(id: string): string | undefined {
  return /^-?[1-9]\d{0,15}$/.test(id) && Number.isSafeInteger(Number(id)) ? id : undefined
}

export function isRoom(id: string): boolean {
  return id.startsWith('-')
}

/** Numbers of messages are those of their chat: ours name both. */
export function messageId(chat: string, message: number): string {
  return `${chat}/${message}`
}

/** Undefined: not a message of this chat. */
export function messageNumber(chat: string, id: string): number | undefined {
  const number = id.startsWith(`${chat}/`) ? id.slice(chat.length + 1) : ''
  return /^[1-9]\d{0,14}$/.test(number) ? Number(number) : undefined
}
