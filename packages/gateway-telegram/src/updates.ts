import type { Event, Profile } from '@parley/adapter'
import { canonical, isRoom, messageId } from './ids.ts'
import { type Fields, fieldsOf, listOf, numberOf, textOf } from './json.ts'
import { clean, lineOf, wordsOf } from './text.ts'

/** Kinds of news that are asked for. */
export const KINDS = ['message', 'edited_message', 'message_reaction', 'my_chat_member', 'chat_member'] as const

/** Somebody there. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly username?: string
}

/** What a piece of news is, before it is known what the user cares for. */
export type News =
  | {
      readonly type: 'said'
      readonly chat: string
      readonly title?: string
      readonly by: Person
      readonly event: Event
    }
  | { readonly type: 'came'; readonly chat: string; readonly who: Person }
  | { readonly type: 'went'; readonly chat: string; readonly who: Person }
  | { readonly type: 'titled'; readonly chat: string; readonly title: string; readonly by: Person }
  /** Whether the bot itself is in a group, or may write to somebody. */
  | {
      readonly type: 'own'
      readonly chat: string
      readonly title?: string
      readonly there: boolean
      readonly banned: boolean
    }
  | { readonly type: 'moved'; readonly chat: string; readonly to: string }

/** What is no text, by the field that it is in. */
const MEDIA: Readonly<Record<string, string>> = {
  photo: 'picture',
  video: 'video',
  video_note: 'video',
  animation: 'animation',
  audio: 'sound',
  voice: 'voice message',
  document: 'file',
  poll: 'poll',
  contact: 'contact',
  game: 'game',
  story: 'story',
}

/** What an update says; empty: nothing that matters here. Never throws, whatever it is given. */
export function newsOf(update: unknown): News[] {
  const fields = fieldsOf(update)
  const message = fieldsOf(fields?.['message'])
  if (message) return said(message, false)
  const edited = fieldsOf(fields?.['edited_message'])
  if (edited) return said(edited, true)
  const reaction = fieldsOf(fields?.['message_reaction'])
  if (reaction) return reacted(reaction)
  const own = fieldsOf(fields?.['my_chat_member'])
  if (own) return membership(own, true)
  const other = fieldsOf(fields?.['chat_member'])
  return other ? membership(other, false) : []
}

export function personOf(value: unknown): Person | undefined {
  const user = fieldsOf(value)
  const id = canonical(String(numberOf(user?.['id']) ?? ''))
  if (!user || id === undefined) return undefined
  const name = lineOf([user['first_name'], user['last_name']].map(textOf).filter(Boolean).join(' '))
  const username = textOf(user['username'])
  return { id, name: name || username || id, ...(username && { username: lineOf(username) }) }
}

export function profileOf({ id, name, username }: Person): Profile {
  return { id, name, ...(username && { nick: username, url: `https://t.me/${encodeURIComponent(username)}` }) }
}

function chatOf(value: unknown): { chat: string; title?: string } | undefined {
  const fields = fieldsOf(value)
  const chat = canonical(String(numberOf(fields?.['id']) ?? ''))
  const title = textOf(fields?.['title'])
  return chat === undefined ? undefined : { chat, ...(title && { title: lineOf(title) }) }
}

function said(message: Fields, edited: boolean): News[] {
  const place = chatOf(message['chat'])
  // Who writes for a whole group has no person: the group itself.
  const by = personOf(message['from']) ?? groupAsPerson(message['sender_chat'])
  const number = numberOf(message['message_id'])
  if (!place || !by || number === undefined || number < 1) return []
  const { chat } = place
  const moved = canonical(String(numberOf(message['migrate_to_chat_id']) ?? ''))
  if (moved !== undefined) return [{ type: 'moved', chat, to: moved }]
  const service = serviceNews(message, chat, by)
  if (service.length > 0) return service
  const text = textIn(message)
  if (!text) return []
  const peer = { peer: chat, ...(isRoom(chat) && { nick: by.name }) }
  const id = messageId(chat, number)
  const seconds = numberOf(message['date'])
  const answered = numberOf(fieldsOf(message['reply_to_message'])?.['message_id'])
  const more = {
    ...(seconds !== undefined && seconds > 0 && seconds < 4e9 && { at: seconds * 1000 }),
    ...(answered !== undefined && { replyTo: messageId(chat, answered) }),
  }
  const event: Event = edited
    ? { type: 'edit', target: id, text, origin: 'remote', ...peer }
    : { type: 'message', id, text, origin: 'remote', ...peer, ...more }
  return [{ type: 'said', ...place, by, event }]
}

function groupAsPerson(value: unknown): Person | undefined {
  const place = chatOf(value)
  return place && { id: place.chat, name: place.title ?? place.chat }
}

function serviceNews(message: Fields, chat: string, by: Person): News[] {
  const news: News[] = []
  for (const each of listOf(message['new_chat_members']).slice(0, 100)) {
    const who = personOf(each)
    if (who) news.push({ type: 'came', chat, who })
  }
  const left = personOf(message['left_chat_member'])
  if (left) news.push({ type: 'went', chat, who: left })
  const title = textOf(message['new_chat_title'])
  if (title !== undefined) news.push({ type: 'titled', chat, title: lineOf(title), by })
  return news
}

/** The words, and what else there is in brackets: files stay there. */
function textIn(message: Fields): string {
  const text = textOf(message['text'])
  if (text !== undefined) return wordsOf(text, message['entities'])
  const caption = textOf(message['caption'])
  const words = caption === undefined ? '' : wordsOf(caption, message['caption_entities'])
  const sticker = fieldsOf(message['sticker'])
  if (sticker) return clean(textOf(sticker['emoji']) ?? '') || '[sticker]'
  const place = fieldsOf(message['location'])
  if (typeof place?.['latitude'] === 'number' && typeof place['longitude'] === 'number')
    return `geo:${place['latitude']},${place['longitude']}`
  const kind = Object.keys(MEDIA).find(name => message[name] !== undefined)
  if (kind === undefined) return words
  const name = lineOf(textOf(fieldsOf(message[kind])?.['file_name']) ?? '')
  return `${words}\n[${MEDIA[kind]}${name ? ` ${name}` : ''}: this gateway does not pass it on]`.trim()
}

function reacted(reaction: Fields): News[] {
  const place = chatOf(reaction['chat'])
  const by = personOf(reaction['user'])
  const number = numberOf(reaction['message_id'])
  if (!place || !by || number === undefined) return []
  const emojis = listOf(reaction['new_reaction'])
    .slice(0, 10)
    .flatMap(each => clean(textOf(fieldsOf(each)?.['emoji']) ?? '').slice(0, 20) || [])
  const target = messageId(place.chat, number)
  const peer = { peer: place.chat, ...(isRoom(place.chat) && { nick: by.name }) }
  return [{ type: 'said', ...place, by, event: { type: 'reaction', target, emojis, origin: 'remote', ...peer } }]
}

function membership(change: Fields, own: boolean): News[] {
  const place = chatOf(change['chat'])
  const now = fieldsOf(change['new_chat_member'])
  const status = textOf(now?.['status'])
  if (!place || status === undefined) return []
  const there = !/^(?:left|kicked)$/.test(status) && now?.['is_member'] !== false
  if (own) return [{ type: 'own', ...place, there, banned: status === 'kicked' }]
  const who = personOf(now?.['user'])
  return who ? [{ type: there ? 'came' : 'went', chat: place.chat, who }] : []
}
