import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import type { Desktop } from './desktop.ts'
import { DOMAIN, password, type Stage } from './stage.ts'

/** A profile as Pidgin itself would have written it after its first run: nothing opens that the test did not ask for. */
function writeProfile(folder: string, stage: Stage, username: string): void {
  const trusted = join(folder, 'certificates/x509/tls_peers')
  mkdirSync(trusted, { recursive: true })
  writeFileSync(join(trusted, DOMAIN), readFileSync(stage.certificate))
  writeFileSync(join(folder, 'accounts.xml'), accounts(stage, username))
  writeFileSync(join(folder, 'prefs.xml'), PREFERENCES)
}

const accounts = (stage: Stage, username: string) => `<?xml version='1.0' encoding='UTF-8' ?>
<account version='1.0'>
 <account>
  <protocol>prpl-jabber</protocol>
  <name>${username}@${DOMAIN}/pidgin</name>
  <password>${password(username)}</password>
  <alias>Romeo Montague</alias>
  <statuses><status type='available' name='Available' active='true'><attributes/></status></statuses>
  <settings>
   <setting name='connect_server' type='string'>${DOMAIN}</setting>
   <setting name='port' type='int'>${stage.ports.client}</setting>
   <setting name='connection_security' type='string'>require_tls</setting>
  </settings>
  <settings ui='gtk-gaim'><setting name='auto-login' type='bool'>1</setting></settings>
 </account>
</account>
`

const PREFERENCES = `<?xml version='1.0' encoding='UTF-8' ?>
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
   <pref name='x' type='int' value='26'/><pref name='y' type='int' value='40'/>
   <pref name='width' type='int' value='250'/><pref name='height' type='int' value='400'/>
  </pref>
  <pref name='conversations'>
   <pref name='show_formatting_toolbar' type='bool' value='0'/>
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
export function startPidgin(stage: Stage, desktop: Desktop, username: string): Child {
  const home = stage.folder('pidgin')
  const profile = join(home, 'profile')
  mkdirSync(profile)
  writeProfile(profile, stage, username)
  writeFileSync(join(home, 'look'), LOOK)
  return new Child('pidgin', ['-c', profile, '-d'], {
    env: { ...desktop.env, HOME: home, GTK2_RC_FILES: join(home, 'look') },
  })
}
