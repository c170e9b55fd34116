import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { withProgram } from './programs.ts'
import { type Check, runChecks } from './slixmpp/slixmpp.ts'
import { Stage } from './stage.ts'

/** Each script with all that it has to check, so that none can be lost. */
const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  'session.py': [
    'the certificate is verified',
    'logs in with SCRAM',
    'gets the resource that it asked for',
    'logs in with its defaults, though its channel binding is not that of TLS 1.3',
    'a wrong password is refused',
    'pings the server',
    'finds an instant messaging server',
    'finds what the server can do',
    'finds its account',
    'finds the archive of its account',
    'enables stream management',
    'its messages are acknowledged',
    'resumes its session',
    'gets what it missed',
    'goes on under the same address',
  ],
  'contacts.py': [
    'begins with an empty roster',
    'is asked for a subscription',
    'is told that it was granted',
    'sees the contact online at once',
    "both are in each other's roster",
    'gives a contact a name and a group',
    'sees show, status and priority',
    'talks, with all of Unicode',
    'is answered',
    'a blocked contact sees the other leave',
    'the block list holds the contact',
    'a message of a blocked contact comes back',
    'after unblocking messages arrive',
    'sees the contact leave',
  ],
  'account.py': [
    'the other client sees what was received',
    'the other client sees what was sent',
    'pages through the whole conversation',
    'in the order of time',
    'pages backwards to a point in time',
    'publishes a vCard that others read',
    'with its photo',
    'changes its password',
    'logs in with the new password',
    'but not with the old one',
  ],
}

withProgram('slixmpp', 'slixmpp', () => {
  describe.each(Object.entries(SCRIPTS))('%s', (script, titles) => {
    let stage: Stage
    let checks: readonly Check[]

    beforeAll(async () => {
      stage = await Stage.open()
      checks = await runChecks(stage, script)
    })

    afterAll(() => stage.close())

    test.each(titles)('%s', title => {
      const found = checks.find(({ check }) => check === title)
      expect(found ?? checks.at(-1)).toEqual({ check: title, ok: true, seen: found?.seen })
    })

    test('nothing else', () => {
      expect(checks.map(({ check }) => check)).toEqual(titles)
    })
  })
})
