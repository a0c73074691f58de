import { DecodeError } from '../bytes/decode-error.ts'
import { type Mac, parseMac } from '../bytes/mac.ts'
import { agentArguments } from '../core/agent-arguments.ts'

/** What the boot script told the agent on the kernel command line. */
export type AgentCommandLine = {
  /** Origin of the boot plane, no slash at the end: `http://10.0.0.1:4280`. */
  server: string
  token: string | undefined
  /** The interface the machine was booted from. */
  bootMac: Mac | undefined
  /** The tag that frames on it need. */
  vlan: number | undefined
  /** The loader's menu led here. */
  isMenuChosen: boolean
  /** `bootwright.debug` */
  isDebugged: boolean
  /** Values of `console=`, in order: `ttyS0,115200n8`. */
  consoles: string[]
}

/** Reads /proc/cmdline's text. Throws DecodeError when the server is missing or an argument is malformed. */
export function parseCommandLine(text: string): AgentCommandLine {
  const words = text.trim().split(/\s+/)
  const value = (name: string) => words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
  const bootInterface = value(agentArguments.bootInterface)
  return {
    server: parseServer(value(agentArguments.server)),
    token: value(agentArguments.token),
    bootMac: bootInterface === undefined ? undefined : parseBootInterface(bootInterface),
    vlan: parseVlan(value(agentArguments.vlan)),
    isMenuChosen: words.includes(agentArguments.menu),
    isDebugged: words.includes(agentArguments.debug),
    consoles: words.filter((word) => word.startsWith('console=')).map((word) => word.slice('console='.length)),
  }
}

function parseServer(text: string | undefined): string {
  if (text === undefined) {
    throw new DecodeError(
      'kernel command line',
      `${agentArguments.server}= is missing; boot through Bootwright's script`,
    )
  }
  const url = URL.parse(text)
  // The address is written into a shell script of the deployed machine: nothing but an origin may pass.
  if (url === null || !/^https?:$/.test(url.protocol) || !/^[\w.[\]:-]+$/.test(url.host)) {
    throw new DecodeError('kernel command line', `${agentArguments.server}=${text} is not an http:// address`)
  }
  return url.origin
}

function parseVlan(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const vlan = Number(text)
  if (Number.isInteger(vlan) && vlan >= 1 && vlan <= 4094) return vlan
  throw new DecodeError('kernel command line', `${agentArguments.vlan}=${text} is no VLAN: 1 to 4094`)
}

/** PXELINUX's and iPXE's form: hardware type 01, then the MAC with hyphens. */
function parseBootInterface(text: string): Mac {
  return parseMac(text.replace(/^01[-:](?=(?:[0-9a-f]{2}[-:]){5})/i, ''))
}
