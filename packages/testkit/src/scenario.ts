import { afterAll, expect, test } from '@jest/globals'
import { type Condition, StanzaError } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { closeStore } from './database.ts'
import { Stage } from './stage.ts'

afterAll(closeStore)

/** One behaviour as a play. The title begins with document and section: `RFC 6121 § 3.1: …`, `XEP-0191 § 3.3: …`. */
export function scenario(title: string, play: (stage: Stage) => Promise<void>): void {
  test(title, async () => {
    const stage = new Stage()
    let failed = true
    try {
      await play(stage)
      failed = false
    } finally {
      await stage.close(failed)
    }
  })
}

/** The request is refused with that condition, and, where given, with that text. */
export async function refused(answer: Promise<Element>, condition: Condition, text?: string): Promise<void> {
  const error = await answer.then(
    payload => new Error(`Not refused: ${payload}`),
    (reason: unknown) => reason,
  )
  if (!(error instanceof StanzaError)) throw error
  expect(error.condition).toBe(condition)
  if (text !== undefined) expect(error.text).toBe(text)
}
