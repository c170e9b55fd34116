import { createHash } from 'node:crypto'
import { DataForm, NS } from '@parley/stanza'
import type { Element } from '@parley/xml'

const HASHES: Readonly<Record<string, string>> = { 'sha-1': 'sha1', 'sha-256': 'sha256', 'sha-512': 'sha512' }

/** The algorithm behind a name of XEP-0300, where it is one that proves something. */
export function hashOf(name: string): string | undefined {
  return Object.hasOwn(HASHES, name) ? HASHES[name] : undefined
}

/** XEP-0115 §5.1: the hash of a disco#info answer; undefined where §5.4 calls the answer ill-formed. */
export function verificationString(query: Element, algorithm: string): string | undefined {
  const identities = query
    .childrenNamed('identity')
    .map(({ attrs }) =>
      [attrs['category'], attrs['type'], attrs['xml:lang'], attrs['name']].map(part => part ?? '').join('/'),
    )
  const features = query.childrenNamed('feature').map(({ attrs }) => attrs['var'] ?? '')
  const forms = query
    .childrenNamed('x', NS.dataForms)
    .map(x => DataForm.read(x))
    // §5.4: a form that does not say what it is does not count.
    .filter(form => form.field('FORM_TYPE')?.type === 'hidden')
  const parts = [...identities.sort(byOctets), ...features.sort(byOctets)]
  // §5.4: the same thing twice.
  if (new Set(parts).size !== parts.length) return undefined
  const types = forms.map(form => form.formType!)
  if (new Set(types).size !== types.length || forms.some(form => new Set(form.values('FORM_TYPE')).size > 1))
    return undefined
  for (const form of [...forms].sort((a, b) => byOctets(a.formType!, b.formType!))) {
    parts.push(form.formType!)
    const fields = form.fields.filter(({ name }) => name !== 'FORM_TYPE' && name !== '')
    for (const field of [...fields].sort((a, b) => byOctets(a.name, b.name))) {
      parts.push(field.name, ...[...field.values].sort(byOctets))
    }
  }
  // What holds the delimiter could stand for something else with the same hash (§9.3).
  if (parts.some(part => part.includes('<'))) return undefined
  return createHash(algorithm)
    .update(parts.map(part => `${part}<`).join(''))
    .digest('base64')
}

/** i;octet (RFC 4790 §9.3). */
function byOctets(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
