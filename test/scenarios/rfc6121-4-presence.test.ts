import { p, scenario } from '@parley/testkit'

scenario(
  'RFC 6121 § 4.2.2: initial presence reaches contacts and the own other resource',
  async ({ server, befriend }) => {
    const stage = await server('a.test')
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)
    const [phone] = await stage.connect('romeo/phone')

    await phone.sends`<presence><show>away</show></presence>`
    await juliet.receives`<presence from="${phone}" to="${juliet.bare}"><show>away</show></presence>`
    await romeo.receives`<presence from="${phone}"><show>away</show></presence>`
    await phone.receivesUnordered(
      p`<presence from="${phone}"><show>away</show></presence>`,
      p`<presence from="${romeo}"/>`,
      p`<presence from="${juliet}"/>`,
    )
  },
)

scenario('RFC 6121 § 4.5.2: unavailable presence ends what contacts see', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await romeo.sends`<presence type="unavailable"><status>gone</status></presence>`
  await juliet.receives`<presence type="unavailable" from="${romeo}"><status>gone</status></presence>`
  await romeo.receivesNothing()
})
