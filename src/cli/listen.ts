import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { printable } from '../bytes/printable.ts'
import { describeMessage } from '../dhcp/describe-message.ts'
import { decodeMessage } from '../dhcp/message.ts'
import { InterfaceNotUsable } from '../net/interfaces.ts'
import { type CapturedDatagram, readPcap } from '../net/pcap.ts'
import { decodePacket } from '../tftp/packet.ts'
import { dataOption, socketPathOf } from './data-directory.ts'
import { type Explainer, serviceExplainer, siteExplainer } from './explainer.ts'
import { readSite } from './read-site.ts'

type ListenOptions = { interface: string; config?: string; data: string; count?: string; verbose?: boolean }

export function listenCommand(): Command {
  return new Command('listen')
    .description('shows every boot packet on a segment in plain words, and what we would answer; sends nothing')
    .requiredOption('--interface <name>', 'where to listen')
    .option('--config <file>', 'what would be answered by this site file (default: by the running service, or ours)')
    .option('--count <packets>', 'ends after so many')
    .option('--verbose', 'DHCP packets option by option')
    .addOption(dataOption())
    .action(listen)
}

/** DHCP, proxyDHCP, and the first packet of a TFTP transfer. */
const filter = 'udp and (port 67 or port 68 or port 4011 or dst port 69)'

async function listen(options: ListenOptions): Promise<void> {
  const explainer = await chooseExplainer(options)
  const values = ['-i', options.interface, '-U', '-n', '-s', '0', '-w', '-', filter]
  const capture = spawn('tcpdump', values, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  capture.stderr.on('data', (text: Buffer) => {
    said = (said + text.toString('utf8')).slice(-2000)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    capture.once('close', resolve)
    capture.once('error', (cause) => reject(new Error(`tcpdump cannot be started: ${cause.message}`, { cause })))
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => capture.kill('SIGTERM'))
  let left = Number(options.count ?? Number.POSITIVE_INFINITY)
  process.stderr.write(`listening on ${options.interface}\n`)
  for await (const datagram of readPcap(capture.stdout)) {
    await show(datagram, options, explainer)
    left -= 1
    if (left <= 0) capture.kill('SIGTERM')
    if (left <= 0) break
  }
  const code = await ended
  if (code !== 0 && code !== null && left > 0) throw new Error(`tcpdump on ${options.interface} ended: ${said.trim()}`)
}

/** The service knows machines and leases; where none runs, the interface is taken for one we are authoritative on. */
async function chooseExplainer({ config, data, interface: name }: ListenOptions): Promise<Explainer> {
  if (config !== undefined) return siteExplainer(await readSite(config, {}))
  if (existsSync(socketPathOf(data))) return serviceExplainer(socketPathOf(data))
  try {
    return siteExplainer(await readSite(undefined, { interface: name }))
  } catch (error) {
    if (!(error instanceof InterfaceNotUsable)) throw error
    return async () => ({ interface: name, answer: `nothing: ${error.message}` })
  }
}

async function show(datagram: CapturedDatagram, options: ListenOptions, explainer: Explainer): Promise<void> {
  const time = new Date(datagram.at * 1000).toISOString().slice(11, 23)
  const route = `${datagram.source} → ${datagram.destination}`
  const write = (text: string) => process.stdout.write(`${time}  ${route}  ${text}\n`)
  if (datagram.destinationPort === 69) return void write(describeTftp(datagram.payload))
  try {
    const message = decodeMessage(datagram.payload)
    write(describeMessage(message))
    if (message.op === 1) await showAnswer(datagram, options, explainer)
  } catch (error) {
    write(`not understood: ${(error as Error).message}`)
  }
}

async function showAnswer(datagram: CapturedDatagram, options: ListenOptions, explainer: Explainer): Promise<void> {
  const { payload, source, destination, destinationPort } = datagram
  const { answer, request, reply } = await explainer({
    packet: payload,
    interface: options.interface,
    address: source,
    isUnicast: destination !== '255.255.255.255',
    localPort: destinationPort === 4011 ? 4011 : 67,
  })
  if (options.verbose) process.stdout.write(`${request ?? ''}${reply ?? ''}`)
  process.stdout.write(`${' '.repeat(14)}we: ${answer}\n`)
}

function describeTftp(payload: Uint8Array): string {
  try {
    const packet = decodePacket(payload)
    if (packet.kind === 'rrq') return `TFTP: asks for ${printable(packet.filename)}`
    return `TFTP: ${packet.kind}`
  } catch (error) {
    return `TFTP, not understood: ${(error as Error).message}`
  }
}
