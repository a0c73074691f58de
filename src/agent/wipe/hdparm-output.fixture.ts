/** What `hdparm -I` prints of a WDC WD4003FZEX and a Crucial SSD, cut to what is read; `security` is its section. */
export function identityText(security: string, commands = ''): string {
  return `
/dev/sda:

ATA device, with non-removable media
\tModel Number:       WDC WD4003FZEX-00Z4SA0
\tSerial Number:      WD-WCC1F0000000
Commands/features:
\tEnabled\tSupported:
\t   *\tSMART feature set
\t    \tSecurity Mode feature set
\t   *\tPower Management feature set
${commands}\t   *\tSCT Features Control (AC4)
${security}Logical Unit WWN Device Identifier: 50014ee0593d4632
\tNAA\t\t: 5
Checksum: correct
`
}

type Flags = { enabled?: boolean; locked?: boolean; frozen?: boolean; enhanced?: boolean; minutes?: number }

export function securityText({ enabled, locked, frozen, enhanced = true, minutes = 424 }: Flags): string {
  const line = (is: boolean | undefined, word: string) => `\t${is ? '' : 'not'}\t${word}\n`
  const both = enhanced ? ` ${minutes}min for ENHANCED SECURITY ERASE UNIT.` : ''
  return (
    'Security: \n\tMaster password revision code = 65534\n\t\tsupported\n' +
    line(enabled, 'enabled') +
    line(locked, 'locked') +
    line(frozen, 'frozen') +
    '\tnot\texpired: security count\n' +
    `${line(enhanced, 'supported: enhanced erase')}${enabled ? '\tSecurity level high\n' : ''}` +
    `\t${minutes}min for SECURITY ERASE UNIT.${both}\n`
  )
}
