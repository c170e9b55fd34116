import { SERVERS, type ServerName } from '../servers/server.ts'
import { machine, subject, value } from './format.ts'
import { type Measured, measured, type Result } from './result.ts'

const WIDTH = 860
const LEFT = 310
const BAR = { longest: 420, height: 13, gap: 3 }
const GROUP_GAP = 16
const TOP = 74
const COLOURS: Readonly<Record<ServerName, string>> = { parley: '#0b7a5b', ejabberd: '#7d8b99', prosody: '#b9c2cb' }
const NAMES: Readonly<Record<ServerName, string>> = { parley: 'Parley', ejabberd: 'ejabberd', prosody: 'Prosody' }

/** Bars of all lines that more than one server has a figure of, each line on a scale of its own. */
export function chart(result: Result): string {
  const parts: string[] = []
  let y = TOP
  for (const found of measured(result)) {
    const bars = barsOf(found)
    if (bars.length < 2) continue
    parts.push(group(found, bars, y))
    y += bars.length * (BAR.height + BAR.gap) + GROUP_GAP
  }
  const height = y + 42
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Server CPU and memory by unit">
<style>text { font-family: -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 13px; fill: #1f2933 } .head { font-size: 17px; font-weight: 600 } .small { font-size: 11px; fill: #52606d }</style>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
${text(24, 32, 'One core: what a unit of work costs the server (shorter is better)', 'class="head"')}
${legend(54)}
${parts.join('\n')}
${text(24, height - 32, subject(result), 'class="small"')}
${text(24, height - 14, machine(result), 'class="small"')}
</svg>
`
}

interface Bar {
  readonly server: ServerName
  readonly figure: number
  /** It is that of another row. */
  readonly borrowed: boolean
}

function barsOf({ values, borrowed }: Measured): Bar[] {
  return SERVERS.flatMap(server => {
    const figure = values[server] ?? borrowed[server]
    return figure === undefined ? [] : [{ server, figure, borrowed: values[server] === undefined }]
  })
}

function group({ row, line }: Measured, bars: readonly Bar[], y: number): string {
  const longest = Math.max(...bars.map(({ figure }) => figure))
  const middle = y + (bars.length * (BAR.height + BAR.gap) - BAR.gap) / 2 + 4
  const title = line.title.startsWith('– ') ? `${row.title}: ${line.title.slice(2)}` : line.title
  const drawn = bars.map(({ server, figure, borrowed }, index) => {
    const top = y + index * (BAR.height + BAR.gap)
    const width = Math.max(2, longest === 0 ? 0 : (figure / longest) * BAR.longest)
    const said = value(figure, line.unit) + (borrowed ? ', one node' : '')
    return `<rect x="${LEFT}" y="${top}" width="${width.toFixed(1)}" height="${BAR.height}" rx="2" fill="${COLOURS[server]}"/>
${text(LEFT + width + 6, top + 11, said, 'class="small"')}`
  })
  return [text(LEFT - 12, middle, title, 'text-anchor="end"'), ...drawn].join('\n')
}

function legend(y: number): string {
  return SERVERS.map((server, index) => {
    const x = LEFT + index * 110
    return `<rect x="${x}" y="${y - 10}" width="12" height="12" rx="2" fill="${COLOURS[server]}"/>\n${text(x + 18, y, NAMES[server])}`
  }).join('\n')
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${attributes && ` ${attributes}`}>${escaped}</text>`
}
