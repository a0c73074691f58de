import { type Mac, parseMac } from '../bytes/mac.ts'
import { type ClientPacket, makeClientPacket } from '../dhcp/client-packet.ts'
import { decodeMessage } from '../dhcp/message.ts'
import type { NotTaken } from './imported.ts'
import { askedByFirmware, itself, type OldServer, type ServerAnswer, toldNames } from './old-server.ts'
import type { Asked, RehearsedSite } from './rehearse-ours.ts'

/** `why` is what of the line was not taken over, or the decision's own sentence. */
export type Difference = { what: string; old: string; ours: string; why: string }

/** One machine (or any unknown one) as one kind of firmware. */
export type RehearsedAnswer = { firmware: string; old: ServerAnswer; ours: ServerAnswer; differences: Difference[] }

export type RehearsedMachine = { name: string; mac: Mac; subnet: string; answers: RehearsedAnswer[] }

type Firmware = Pick<ClientPacket, 'architecture' | 'vendorClass' | 'isIpxe'> & { name: string }

const firmwares: readonly Firmware[] = [
  { name: 'BIOS', architecture: 0, isIpxe: false },
  { name: 'UEFI x64', architecture: 7, isIpxe: false },
  { name: 'UEFI HTTP', architecture: 16, isIpxe: false },
  { name: 'iPXE', architecture: 7, isIpxe: true },
]
const mac: Firmware = { name: 'Mac', vendorClass: 'AAPLBSDPC/i386/MacBookPro', isIpxe: false }

/** Locally administered, so that no file of real machines has it. */
const nobody = parseMac('02:00:5e:00:53:01')

/** Every machine the old file knows, and an unknown one on each of its networks, asked of both as each firmware. */
export function rehearse(old: OldServer, ours: RehearsedSite, notTaken: readonly NotTaken[]): RehearsedMachine[] {
  const all = old.knowsMacs ? [...firmwares, mac] : firmwares
  const unknown = old.subnets.map((subnet) => ({ name: 'unknown', mac: nobody, subnet }))
  const reasons = new Map(notTaken.map(({ file, line, reason }) => [`${file}:${line}`, reason]))
  return [...old.machines, ...unknown].map((machine) => ({
    ...machine,
    answers: all.map((firmware) => rehearseOne(machine, firmware, { old, ours, reasons })),
  }))
}

type Both = { old: OldServer; ours: RehearsedSite; reasons: ReadonlyMap<string, string> }

function rehearseOne(
  machine: Pick<RehearsedMachine, 'mac' | 'subnet'>,
  { name, ...packet }: Firmware,
  both: Both,
): RehearsedAnswer {
  const client = { ...packet, mac: machine.mac, parameters: askedByFirmware }
  const { options } = decodeMessage(makeClientPacket({ ...client, type: 'discover' }))
  const old = both.old.answer({ ...machine, options })
  const ours = both.ours.ask(client, machine.subnet)
  return { firmware: name, old, ours: ours.answer, differences: differencesOf(old, ours, both) }
}

function differencesOf(
  old: ServerAnswer,
  { answer: ours, because }: Asked,
  { ours: { ownAddress }, reasons }: Both,
): Difference[] {
  if (old.kind === 'unclear') return [{ what: 'answer', old: 'unclear', ours: formatAnswer(ours), why: old.reason }]
  if (old.kind !== 'answer' || ours.kind !== 'answer') {
    if (old.kind === ours.kind) return []
    const why = old.kind === 'none' ? `before: ${old.reason}; now: ${because}` : because
    return [{ what: 'answer', old: formatAnswer(old), ours: formatAnswer(ours), why }]
  }
  const boots = old.told['boot file'] ?? ours.told['boot file']
  return toldNames.flatMap((what) => {
    const [before, after] = [old.told[what], ours.told[what]]
    if (what === 'server' && before?.text === ownAddress && after?.text === itself) return []
    // where nothing is to be fetched, it does not matter from where; and who names no server is it
    if (what === 'server' && (!boots || (before === undefined && after?.text === itself))) return []
    if (before?.text === after?.text) return []
    const place = before?.place && `${before.place.file}:${before.place.line}`
    const notTaken = place === undefined ? undefined : reasons.get(place)
    const why = notTaken === undefined ? reasonOf(what, [before?.text, after?.text], because) : `${place}: ${notTaken}`
    return [{ what, old: before?.text ?? '-', ours: after?.text ?? '-', why }]
  })
}

/** What is known of such differences; else what the decision says behind its `because`. */
function reasonOf(
  what: string,
  [before, after]: readonly [string | undefined, string | undefined],
  because: string,
): string {
  if (after?.startsWith(`http://${itself}:`)) return 'firmware that boots over HTTP is given a URL, not a name for TFTP'
  const isSiteOption = /^\d+$/.test(what)
  if (isSiteOption && before === undefined) return 'it is said to everybody, not only to who asks for it'
  return because.replace(/^.* because /, '')
}

/** `10.0.0.11, pxelinux.0 from 10.0.0.1, 209 pxelinux.cfg/default`. */
export function formatAnswer(answer: ServerAnswer): string {
  if (answer.kind === 'none') return 'no answer'
  if (answer.kind === 'unclear') return 'unclear'
  const { address, 'boot file': bootFile, server, ...rest } = answer.told
  const from = server && !bootFile?.text.includes('://') ? ` from ${server.text}` : ''
  const boot = bootFile ? `${bootFile.text}${from}` : 'no boot file'
  return [
    address?.text ?? 'no address',
    boot,
    ...Object.entries(rest).map(([name, { text }]) => `${name} ${text}`),
  ].join(', ')
}

/** A line for each machine, where the answers are the same; beneath it one for each thing that is not. */
export function formatRehearsal(machines: readonly RehearsedMachine[]): string {
  const lines = machines.flatMap(({ name, mac: address, subnet, answers }) => {
    const who = name === 'unknown' ? `unknown machines on ${subnet}` : `${name} ${address}`
    const same = answers.filter(({ differences }) => differences.length === 0)
    const sameLine = folded(same.map(({ firmware, ours }) => [firmware, formatAnswer(ours)]))
    const others = folded(
      answers.flatMap(({ firmware, differences }) =>
        differences.map(({ what, old, ours, why }) => [firmware, `${what}: ${old} → ${ours}: ${why}`] as const),
      ),
    )
    const all = same.length === answers.length ? 'all firmware: same' : 'same'
    const shown = sameLine.map(([firmware, text]) =>
      firmware.length === answers.length ? text : `${firmware.join(', ')}: ${text}`,
    )
    return [
      `${who}: ${same.length === 0 ? 'nothing is the same' : `${all}: ${shown.join('; ')}`}`,
      ...others.map(
        ([firmware, text]) => `  ${firmware.length === answers.length ? 'all firmware' : firmware.join(', ')}: ${text}`,
      ),
    ]
  })
  const answers = machines.flatMap((machine) => machine.answers)
  const same = answers.filter(({ differences }) => differences.length === 0).length
  const count = `${machines.length} machines, ${answers.length} answers: ${same} the same, ${answers.length - same} not`
  return `${[...lines, count].join('\n')}\n`
}

/** Those of whom the same is said, together. */
function folded(entries: readonly (readonly [firmware: string, text: string])[]): [firmware: string[], text: string][] {
  const byText = new Map<string, string[]>()
  for (const [firmware, text] of entries) byText.set(text, [...(byText.get(text) ?? []), firmware])
  return [...byText].map(([text, firmware]) => [firmware, text])
}
