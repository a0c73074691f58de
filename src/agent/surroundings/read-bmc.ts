import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Bmc } from '../../core/inventory.ts'
import { askBmc } from '../../linux/ipmi.ts'
import { runProgram } from '../../programs/run-program.ts'
import { decodeBmcFirmware, decodeLanParameter, type LanParameter, lanParameter } from './lan-parameters.ts'

const device = '/dev/ipmi0'
/** Either is there by the machine's own description (ACPI, SMBIOS) alone: where none is, nobody is asked. */
const interfaceDrivers = ['/sys/module/ipmi_si', '/sys/module/ipmi_ssif']
const driverTimeoutMs = 20_000
const deviceTimeoutMs = 10_000
/** Slow ones take seconds for each. */
const answerTimeoutMs = 10_000

const application = { netFn: 0x06, getDeviceId: 0x01 }
const transport = { netFn: 0x0c, getLanParameters: 0x02 }
/** IPMI has channels 1 to 11 for media; most BMCs have their LAN on 1, some on 2 or 8. */
const mediaChannels = Array.from({ length: 11 }, (_, index) => index + 1)

/** What the machine's BMC says of itself; undefined where there is none. Rejects with LinuxError, BmcSilent, DecodeError. */
export async function readBmc(): Promise<Bmc | undefined> {
  if (!interfaceDrivers.some((path) => existsSync(path))) return undefined
  await runProgram('modprobe', ['-q', 'ipmi_devintf'], { timeoutMs: driverTimeoutMs })
  if (!(await appears(device))) return undefined
  const file = await open(device, 'r+')
  try {
    const ask = (request: Parameters<typeof askBmc>[1]) => askBmc(file.fd, request, answerTimeoutMs)
    const firmware = decodeBmcFirmware(await ask({ netFn: application.netFn, command: application.getDeviceId }))
    const lan = await findLan(async (channel, parameter) => {
      const data = Uint8Array.of(channel, lanParameter[parameter], 0, 0)
      return decodeLanParameter(
        parameter,
        await ask({ netFn: transport.netFn, command: transport.getLanParameters, data }),
      )
    })
    return { ...lan, ...(firmware !== undefined && { firmware }) }
  } finally {
    await file.close()
  }
}

/** Of the first channel that has an address, or else of the first that is a network card. */
export async function findLan(
  ask: (channel: number, parameter: LanParameter) => Promise<string | undefined>,
): Promise<Pick<Bmc, 'address' | 'mac' | 'source'>> {
  let first: Pick<Bmc, 'address' | 'mac' | 'source'> = {}
  for (const channel of mediaChannels) {
    const mac = await ask(channel, 'mac')
    if (mac === undefined) continue
    const address = await ask(channel, 'address')
    const source = await ask(channel, 'source')
    const found = { mac, ...(address !== undefined && { address }), ...(source !== undefined && { source }) }
    if (address !== undefined) return found
    if (first.mac === undefined) first = found
  }
  return first
}

async function appears(path: string): Promise<boolean> {
  const deadlineAt = performance.now() + deviceTimeoutMs
  while (!existsSync(path)) {
    if (performance.now() > deadlineAt) return false
    await wait(200)
  }
  return true
}
