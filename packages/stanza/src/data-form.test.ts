import { describe, expect, test } from '@jest/globals'
import { type Element, el, parseElement } from '@parley/xml'
import { DataForm, formField, formOf, readSubmission } from './data-form.ts'
import { StanzaError } from './error.ts'

const form = (xml: string, type = 'submit') => parseElement(`<x xmlns="jabber:x:data" type="${type}">${xml}</x>`)
const text = (name: string, value: string) => `<field var="${name}"><value>${value}</value></field>`

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof StanzaError) return error.message
    throw error
  }
  throw new Error('Not refused')
}

describe('reading a form', () => {
  test('values, in the order they were written', () => {
    const read = DataForm.read(form('<field var="a" type="list-multi"><value>1</value><value>2</value></field>'))
    expect(read.values('a')).toEqual(['1', '2'])
    expect(read.value('a')).toBe('1')
    expect(read.fields[0]?.type).toBe('list-multi')
  })

  test('a field without value is empty, a field that is not there is undefined', () => {
    const read = DataForm.read(form('<field var="a"/>'))
    expect([read.value('a'), read.value('b'), read.values('b')]).toEqual(['', undefined, []])
  })

  test.each([
    ['1', true],
    ['true', true],
    ['0', false],
    ['false', false],
    ['', undefined],
  ])('the boolean %j is %s', (value, meant) => {
    expect(DataForm.read(form(text('a', value))).flag('a')).toBe(meant)
  })

  test('anything else is no boolean', () => {
    const read = DataForm.read(form(text('a', 'yes')))
    expect(refusal(() => read.flag('a'))).toBe('bad-request: A boolean field is true or false')
  })

  test.each([
    ['<field><value>1</value></field>', 'bad-request: A form field needs a name'],
    [text('a', '1') + text('a', '2'), 'bad-request: A form field is there twice'],
    [`<item>${text('a', '1')}${text('a', '2')}</item>`, 'bad-request: A form field is there twice'],
  ])('%s is refused', (xml, why) => {
    expect(refusal(() => DataForm.read(form(xml)))).toBe(why)
  })

  test('names of the prototype are names like others', () => {
    const read = DataForm.read(form(text('__proto__', '1') + text('constructor', '2')))
    expect([read.value('__proto__'), read.value('constructor'), read.value('toString')]).toEqual(['1', '2', undefined])
  })

  test('an unknown type of field is one line of text, an unknown type of form is refused', () => {
    expect(DataForm.read(form('<field var="a" type="colour"/>')).fields[0]?.type).toBe('text-single')
    expect(refusal(() => DataForm.read(form('', 'maybe')))).toBe('bad-request: A form needs a type that is known')
  })

  test('fixed fields need no name', () => {
    expect(DataForm.read(form('<field type="fixed"><value>Hi</value></field>'.repeat(2))).fields).toHaveLength(2)
  })
})

describe('a submission', () => {
  const inside = (x: Element) => el('query', 'urn:x', null, x)
  const typed = (type: string) => `<field var="FORM_TYPE"><value>${type}</value></field>`

  test('is found in the request', () => {
    expect(readSubmission(inside(form(typed('urn:x') + text('a', '1'))), 'urn:x')?.value('a')).toBe('1')
    expect(readSubmission(el('query', 'urn:x'), 'urn:x')).toBeUndefined()
  })

  test('needs no form type, but must not have another', () => {
    expect(readSubmission(inside(form(text('a', '1'))), 'urn:x')?.value('a')).toBe('1')
    expect(refusal(() => readSubmission(inside(form(typed('urn:y'))), 'urn:x'))).toMatch('for something else')
  })

  test('may be cancelled, but is neither form nor result', () => {
    expect(readSubmission(inside(form('', 'cancel')), 'urn:x')?.type).toBe('cancel')
    expect(refusal(() => readSubmission(inside(form('', 'result')), 'urn:x'))).toMatch('must be a submission')
  })
})

test('what is written is read as the same', () => {
  const written = formOf('form', 'urn:x', {
    title: 'T',
    instructions: ['one', 'two'],
    fields: [
      formField('flag', 'boolean', true, { label: 'L', description: 'D', required: true }),
      formField('pick', 'list-single', 'a', { options: [{ value: 'a', label: 'A' }, { value: 'b' }] }),
      formField('many', 'text-multi', ['x', '<y>']),
      formField('open', 'list-multi', undefined, { extra: [el('validate', 'urn:v')] }),
      formField('n', 'text-single', 7),
    ],
  })
  expect(DataForm.read(parseElement(written.toElement().toString()))).toEqual(written)
})

test('a table of results is read as written', () => {
  const table = formOf('result', 'urn:x', {
    fields: [],
    reported: [formField('jid', 'jid-single', undefined, { label: 'Address' })],
    items: [[formField('jid', 'jid-single', 'a@b')], [formField('jid', 'jid-single', 'c@d')]],
  })
  const read = DataForm.read(parseElement(table.toElement().toString()))
  expect(read.items.map(item => item[0]?.values)).toEqual([['a@b'], ['c@d']])
  expect(read.reported[0]?.label).toBe('Address')
})
