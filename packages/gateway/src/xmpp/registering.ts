import { DataForm, formField, NS, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type Asked, type IqRoute, iqGet, iqSet, type Request } from '@xmpp/server-core'
import type { Registration } from './registration.ts'

export const REGISTER = 'jabber:iq:register'
/** Fields that have a name of their own (XEP-0077 §14.1). */
const NAMED: ReadonlySet<string> = new Set([
  'username',
  'nick',
  'password',
  'name',
  'first',
  'last',
  'email',
  'phone',
  'url',
  'key',
])

/** Registration with the network's own address (XEP-0077, XEP-0100 §4.1). */
export function registering(registration: Registration): IqRoute[] {
  async function show({ from }: Request): Promise<Element> {
    const user = from.bare
    const current = await registration.current(user)
    if (!current) await registration.check(user)
    const named = registration.fields.filter(({ name }) => NAMED.has(name))
    return el(
      'query',
      REGISTER,
      null,
      el('instructions', REGISTER, null, registration.instructions),
      current && el('registered', REGISTER),
      named.map(({ name }) => el(name, REGISTER, null, current?.[name])),
      loginForm(registration, current).toElement(),
    )
  }

  async function change({ from, payload }: Request, { after }: Asked): Promise<undefined> {
    const user = from.bare
    if (payload.child('remove')) {
      await registration.current(user).then(current => {
        if (!current) throw new StanzaError('registration-required', 'There is no login of yours to take back')
      })
      // The answer comes before the end (XEP-0100 §4.3).
      after(() => registration.unregister(user))
      return undefined
    }
    await registration.register(user, valuesOf(payload))
    return undefined
  }

  return [iqGet('host', REGISTER, 'query', show), iqSet('host', REGISTER, 'query', change)]
}

/** What was filled in: a form, where there is one, or fields by their names. */
function valuesOf(payload: Element): (name: string) => string | undefined {
  const x = payload.child('x', NS.dataForms)
  if (x) return valuesIn(x)
  return name => payload.textOf(name)
}

export function valuesIn(x: Element): (name: string) => string | undefined {
  const form = DataForm.read(x)
  return name => form.value(name)
}

/** The form that asks for a login; secrets are never shown. */
export function loginForm(registration: Registration, current: Readonly<Record<string, string>> | undefined): DataForm {
  return new DataForm({
    type: 'form',
    title: registration.instructions,
    fields: [
      formField('FORM_TYPE', 'hidden', REGISTER),
      ...registration.fields.map(({ name, label, type, required }) =>
        formField(name, type === 'secret' ? 'text-private' : 'text-single', current?.[name], {
          label,
          ...(required && { required: true }),
        }),
      ),
    ],
  })
}
