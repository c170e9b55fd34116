import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import type { Desktop } from './desktop.ts'
import { DOMAIN, password } from './stage.ts'

/** The server that Pidgin logs in to, at `localhost`. */
export interface Host {
  /** Absent: {@link DOMAIN}. */
  readonly domain?: string
  readonly ports: { readonly client: number }
  /** The PEM file of its certificate. */
  readonly certificate: string
  /** A new folder, removed with the server. */
  folder(name: string): string
}

/** How the buddy list stands on the screen, in pixels, and what it shows. */
export interface Look {
  readonly height: number
  /** Pictures and words of presence below each name. */
  readonly details: boolean
}
const USUAL: Look = { height: 400, details: true }

/** A profile as Pidgin itself would have written it after its first run: nothing opens that the test did not ask for. */
function writeProfile(folder: string, host: Host, username: string, look: Look): void {
  const trusted = join(folder, 'certificates/x509/tls_peers')
  mkdirSync(trusted, { recursive: true })
  writeFileSync(join(trusted, DOMAIN), readFileSync(host.certificate))
  writeFileSync(join(folder, 'accounts.xml'), accounts(host, username))
  writeFileSync(join(folder, 'prefs.xml'), preferences(look))
}

const accounts = ({ domain = DOMAIN, ports }: Host, username: string) => `<?xml version='1.0' encoding='UTF-8' ?>
<account version='1.0'>
 <account>
  <protocol>prpl-jabber</protocol>
  <name>${username}@${domain}/pidgin</name>
  <password>${password(username)}</password>
  <alias>Romeo Montague</alias>
  <statuses><status type='available' name='Available' active='true'><attributes/></status></statuses>
  <settings>
   <setting name='connect_server' type='string'>${DOMAIN}</setting>
   <setting name='port' type='int'>${ports.client}</setting>
   <setting name='connection_security' type='string'>require_tls</setting>
  </settings>
  <settings ui='gtk-gaim'><setting name='auto-login' type='bool'>1</setting></settings>
 </account>
</account>
`

const preferences = ({ height, details }: Look) => `<?xml version='1.0' encoding='UTF-8' ?>
<pref version='1' name='/'>
 <pref name='purple'>
  <pref name='away'><pref name='idle_reporting' type='string' value='none'/></pref>
  <pref name='logging'><pref name='log_ims' type='bool' value='0'/></pref>
 </pref>
 <pref name='pidgin'>
  <pref name='sound'><pref name='method' type='string' value='none'/></pref>
  <pref name='docklet'><pref name='show' type='string' value='never'/></pref>
  <pref name='blist'>
   <pref name='list_visible' type='bool' value='1'/>
   <pref name='show_offline_buddies' type='bool' value='1'/>
   <pref name='show_empty_groups' type='bool' value='0'/>
   <pref name='show_buddy_icons' type='bool' value='${details ? 1 : 0}'/>
   <pref name='x' type='int' value='26'/><pref name='y' type='int' value='40'/>
   <pref name='width' type='int' value='250'/><pref name='height' type='int' value='${height}'/>
  </pref>
  <pref name='conversations'>
   <pref name='show_formatting_toolbar' type='bool' value='0'/>
   <pref name='tabs' type='bool' value='0'/>
   <pref name='im'>
    <pref name='x' type='int' value='300'/><pref name='y' type='int' value='40'/>
    <pref name='default_width' type='int' value='470'/><pref name='default_height' type='int' value='270'/>
    <pref name='entry_height' type='int' value='48'/>
    <pref name='hide_new' type='string' value='never'/>
   </pref>
  </pref>
 </pref>
</pref>
`

const LOOK = `gtk-theme-name = "Clearlooks"
gtk-icon-theme-name = "Adwaita"
gtk-font-name = "DejaVu Sans 9"
`

/** Starts Pidgin, which logs in by itself; its output tells each stanza. */
export function startPidgin(host: Host, desktop: Desktop, username: string, look = USUAL): Child {
  const home = host.folder('pidgin')
  const profile = join(home, 'profile')
  mkdirSync(profile)
  writeProfile(profile, host, username, look)
  writeFileSync(join(home, 'look'), LOOK)
  return new Child('pidgin', ['-c', profile, '-d'], {
    env: { ...desktop.env, HOME: home, GTK2_RC_FILES: join(home, 'look') },
  })
}
