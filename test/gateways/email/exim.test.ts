import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import PostalMime from 'postal-mime'
import { freePort } from '../../ports.ts'
import { Kept } from '../irc/context.ts'
import { Exim, installed, swaks } from './exim.ts'
import { type EmailStand, gateway, mail, ROMEO } from './stand.ts'

const JULIET = 'juliet@verona.test'

if (!installed) test.todo('mail with Exim: needs exim4 and swaks, and to be root')
else
  describe('Exim', () => {
    let exim: Exim
    let ours: number
    const kept = new Kept()
    const stands: EmailStand[] = []

    beforeAll(async () => {
      ours = await freePort()
      exim = await Exim.open(ours)
    })
    afterEach(async () => {
      for (const stand of stands.splice(0)) await stand.end()
    })
    afterAll(async () => {
      await exim?.close()
    })

    const open = async (settings: object = {}) => {
      const stand = gateway(exim.port, { kept, settings: { listenPort: ours, ...settings } })
      stands.push(stand)
      await stand.session.start()
      return stand
    }
    const parsed = async () => await PostalMime.parse(await exim.mail())
    const addressOf = (email: Awaited<ReturnType<typeof parsed>>) => (email.from as { address: string }).address

    test('lets in who has the right password, and not who has not', async () => {
      await open({ username: 'parley', password: 'a-good-secret' })
      const wrong = open({ username: 'parley', password: 'a-bad-secret' })
      const error = await wrong.then(
        () => undefined,
        (thrown: Error) => thrown,
      )
      expect(error).toMatchObject({ failure: 'credentials' })
      expect(`${error?.stack}${stands.map(stand => stand.logged.join())}`).not.toContain('a-bad-secret')
    })

    test.each([
      ['plain', 'But, soft! What light?\n.\n.hidden\nFrom here'],
      ['of every kind', '💡👩‍👩‍👧 שלום e\u0301'],
      ['long', 'Ω'.repeat(30_000)],
      ['one line of 5,000 signs', 'x'.repeat(5000)],
    ])('a text that is %s arrives as it is', async (_, text) => {
      const stand = await open()
      const ack = await stand.session.send!(mail(JULIET, text))
      const email = await parsed()
      expect(email.text?.trimEnd()).toBe(text)
      expect(email).toMatchObject({
        messageId: ack.id,
        subject: 'Message from romeo@example.org',
        to: [{ address: JULIET }],
      })
      expect(addressOf(email)).toMatch(/^romeo\+[a-z2-7]{16}@email\.example\.org$/)
    })

    test('an answer comes to the right user, without what it quotes; the next mail belongs to it', async () => {
      const stand = await open()
      const { id } = await stand.session.send!(mail(JULIET, 'Shall I hear more?', { subject: 'The balcony – tonight' }))
      const email = await parsed()
      expect(email.subject).toBe('The balcony – tonight')
      const body = 'Wherefore art thou?\n\nOn Mon, Romeo wrote:\n> Shall I hear more?\n\n-- \nJuliet Capulet'
      const fields = [
        'Subject: Re: The balcony',
        `In-Reply-To: ${id}`,
        `References: ${id}`,
        'Message-Id: <answer@verona.test>',
      ]
      expect(
        await swaks(exim.port, JULIET, addressOf(email), '--body', body, ...fields.flatMap(each => ['--header', each])),
      ).toMatchObject({ ok: true })
      expect(await stand.sees('message')).toMatchObject({
        user: ROMEO,
        peer: JULIET,
        text: 'Wherefore art thou?',
        id: '<answer@verona.test>',
        replyTo: id,
        thread: id,
        subject: 'Re: The balcony',
        origin: 'remote',
      })
      await stand.session.send!(mail(JULIET, 'Call me but love'))
      expect(await parsed()).toMatchObject({
        inReplyTo: '<answer@verona.test>',
        references: `${id} <answer@verona.test>`,
        subject: 'Re: The balcony',
      })
    })

    test('after a restart the address of a conversation is the same', async () => {
      const first = await open()
      await first.session.send!(mail(JULIET, 'before'))
      const address = addressOf(await parsed())
      await first.end()
      const second = await open()
      expect((await swaks(exim.port, JULIET, address, '--body', 'after')).ok).toBe(true)
      expect(await second.sees('message')).toMatchObject({ user: ROMEO, peer: JULIET, text: 'after' })
    })

    test('nobody of that name: said at once, or by a report that comes back', async () => {
      const stand = await open()
      await expect(stand.session.send!(mail('tybalt@verona.test', 'A word'))).rejects.toMatchObject({
        failure: 'not-found',
      })
      await stand.session.send!(mail('nobody@far.test', 'Is anyone there?', { key: 'lost' }))
      expect(await stand.sees('bounced')).toMatchObject({
        user: ROMEO,
        key: 'lost',
        error: { failure: 'not-found', message: 'The mail to nobody@far.test could not be delivered' },
      })
    })

    test('an automatic answer is a notice, and no answer goes to it (threat 157)', async () => {
      const stand = await open()
      await stand.session.send!(mail(JULIET, 'Where are you?'))
      const address = addressOf(await parsed())
      await swaks(
        exim.port,
        JULIET,
        address,
        '--body',
        'I am at the mass',
        '--header',
        'Auto-Submitted: auto-replied',
        '--header',
        'Subject: Away',
      )
      expect(await stand.sees('notice')).toEqual({
        type: 'notice',
        user: ROMEO,
        text: `Automatic answer from ${JULIET}: Away\nI am at the mass`,
      })
      expect(stand.count('message')).toBe(0)
    })

    test('files stay behind, and the user is told which', async () => {
      const stand = await open()
      await stand.session.send!(mail(JULIET, 'Your picture, please'))
      const address = addressOf(await parsed())
      await swaks(
        exim.port,
        JULIET,
        address,
        '--body',
        'Here',
        '--attach-name',
        'balcony.jpg',
        '--attach-type',
        'image/jpeg',
        '--attach',
        'x'.repeat(3000),
      )
      expect((await stand.sees('message')).text).toBe(
        'Here\n[Files that this gateway does not pass on: balcony.jpg (3 KB)]',
      )
    })

    test('who is not the other side is named; who has no address of a conversation gets nowhere', async () => {
      const stand = await open()
      await stand.session.send!(mail(JULIET, 'For you alone'))
      const address = addressOf(await parsed())
      await swaks(exim.port, 'nurse@verona.test', address, '--body', 'She is coming')
      expect(await stand.sees('message')).toMatchObject({
        peer: JULIET,
        text: '[from nurse@verona.test]\nShe is coming',
      })
      for (const to of ['romeo@email.example.org', 'romeo+aaaaaaaaaaaaaaaa@email.example.org', 'romeo@elsewhere.test'])
        expect((await swaks(ours, JULIET, to, '--body', 'Hello')).said).toContain('550 5.1.1')
    })

    test('a plain address takes mail where the operator says so, of those that the mail server vouches for', async () => {
      const stand = await open({ open: true, verifier: 'mx.verona.test' })
      const hello = (...fields: string[]) =>
        swaks(
          ours,
          JULIET,
          'romeo@email.example.org',
          '--body',
          'Good morrow',
          ...fields.flatMap(each => ['--header', each]),
        )
      expect((await hello()).said).toContain('554 5.6.0')
      expect((await hello('Authentication-Results: mx.evil.test; dmarc=pass')).said).toContain('554 5.6.0')
      expect((await hello('Authentication-Results: mx.verona.test; dmarc=pass header.from=verona.test')).ok).toBe(true)
      expect(await stand.sees('message')).toMatchObject({ user: ROMEO, peer: JULIET, text: 'Good morrow' })
    })

    test('LMTP answers for each recipient', async () => {
      const stand = await open({ open: true })
      const { ok, said } = await swaks(
        ours,
        JULIET,
        'romeo@email.example.org,paris@email.example.org',
        '--protocol',
        'LMTP',
        '--body',
        'Both',
      )
      expect(ok).toBe(true)
      expect(said.match(/250 2\.6\.0 OK/g)).toHaveLength(2)
      expect((await stand.sees('message')).user).toBe(ROMEO)
      expect((await stand.sees('message')).user).toBe('paris@example.org')
    })

    test('what comes again under one key is sent once', async () => {
      const stand = await open()
      const once = mail(JULIET, 'Once')
      expect(await stand.session.send!(once)).toEqual(await stand.session.send!(once))
      await stand.session.send!(mail(JULIET, 'Then'))
      // Exim delivers side by side.
      expect([await parsed(), await parsed()].map(({ text }) => text?.trim()).sort()).toEqual(['Once', 'Then'])
    })
  })
