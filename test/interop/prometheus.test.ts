import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Child } from './child.ts'
import { PYTHON, withProgram } from './programs.ts'
import { Stage } from './stage.ts'
import { XmppClient } from './xmpp-client/xmpp-client.ts'

/** Reads with the reference implementation and prints each family with its number of samples. */
const READ = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    print(family.type, family.name, family.unit, len(family.samples))
`

withProgram('prometheus-client', 'Prometheus', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await Stage.open()
    const client = new XmppClient(stage, 'romeo')
    await client.start()
    await client.end()
  })

  afterAll(() => stage?.close())

  test('the reference implementation of OpenMetrics reads our metrics', async () => {
    const answer = await fetch(`http://127.0.0.1:${stage.ports.http}/metrics`)
    const reader = new Child(PYTHON, ['-c', READ])
    reader.closeInput(await answer.text())
    expect([await reader.ended, reader.output]).toEqual([0, expect.stringContaining('gauge parley_sessions  1\n')])
    expect(reader.lines).toContain('gauge process_resident_memory_bytes bytes 1')
    expect(reader.lines).toContain('histogram parley_log_commit_seconds seconds 16')
    expect(reader.lines).toContain('counter parley_logins  2')
  })
})
