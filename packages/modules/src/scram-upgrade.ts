import {
  decodePayload,
  keysFromSaltedPassword,
  newScramParameters,
  SaslError,
  type ScramMechanism,
  scramMechanisms,
  upgradeTask,
} from '@parley/sasl'
import { type Element, el } from '@parley/xml'
import { defineModule } from '@xmpp/server-core'
import authentication from './authentication.ts'
import sasl2 from './sasl2.ts'
import type { Login, Task } from './sasl2-extension.ts'

const UPGRADE = 'urn:xmpp:sasl:upgrade:0'
const SCRAM_UPGRADE = 'urn:xmpp:scram-upgrade:0'

/** Keys for further SCRAM mechanisms, made with the client's help (XEP-0480): for accounts that came without them. */
export default defineModule({
  name: 'scram-upgrade',
  xeps: [{ number: 480, version: '0.2.0' }],
  uses: { authentication, sasl2 },
  setup({ uses: { authentication, sasl2 }, accounts, domain }) {
    const { enabled, iterations } = authentication.policy
    const possible = scramMechanisms.filter(name => enabled.includes(name) || enabled.includes(`${name}-PLUS`))

    async function tasks({ request, mechanism, success }: Login): Promise<readonly Task[]> {
      const names = request.childrenNamed('upgrade', UPGRADE).map(upgrade => upgrade.text())
      const wanted = possible.filter(name => names.includes(upgradeTask(name)))
      // Who came with a token or a certificate has not shown the password, and must not set one.
      const knowsPassword = mechanism === 'PLAIN' || mechanism.startsWith('SCRAM-')
      if (wanted.length === 0 || !knowsPassword || !success) return []
      const owner = `${success.success.user}@${domain.domain}`
      const present = await accounts.store.mechanisms(owner)
      return wanted.filter(name => !present.includes(name)).map(name => task(name, owner))
    }

    function task(mechanism: ScramMechanism, owner: string): Task {
      const parameters = newScramParameters(mechanism, iterations[mechanism])
      const salt = parameters.salt.toString('base64')
      return {
        name: upgradeTask(mechanism),
        begin: () => el('salt', SCRAM_UPGRADE, { iterations: parameters.iterations }, salt),
        async take(data) {
          const hash = data.textOf('hash', SCRAM_UPGRADE)
          if (!hash) throw new SaslError('malformed-request', 'the salted password is missing')
          await accounts.store.addKeys(owner, [keysFromSaltedPassword(parameters, decodePayload(hash.trim()))])
          return undefined
        },
      }
    }

    sasl2.extend({
      order: 'last',
      // The same for every account, so that it tells nothing of any (XEP-0388 §3).
      advertise: (): Element[] => possible.map(name => el('upgrade', UPGRADE, null, upgradeTask(name))),
      tasks,
    })
    return {}
  },
})
