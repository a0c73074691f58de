import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { AgentBoot, BootScript, KernelBoot, LocalBoot, MenuBoot, RefusedBoot } from '../boot/boot-script.ts'
import { readBootToken } from '../boot/boot-token.ts'
import { renderGrub, renderSignedGrub } from '../boot/render-grub.ts'
import { renderIpxe } from '../boot/render-ipxe.ts'
import { renderPxelinux } from '../boot/render-pxelinux.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { type Mac, parseMac } from '../bytes/mac.ts'
import { type AgentArchitecture, agentArchitectures, defaultConsoles } from '../core/agent-architecture.ts'
import { agentArguments } from '../core/agent-arguments.ts'
import { type BootMenu, type BootMenuEntry, menuEntryNamePattern } from '../core/boot-menu.ts'
import { findEsp } from '../core/find-esp.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import { beginWork, endTurn } from './begin-work.ts'
import type { BootPlane, BootRamdisk } from './boot-plane.ts'
import { initrdsFor } from './machine-initrds.ts'
import { isIgnored } from './newcomer-of.ts'
import { ramrootScript } from './ramroot-script.ts'
import { bytesOf, waitForTurn } from './wait-for-turn.ts'

const Query = Type.Object({
  mac: Type.String({ maxLength: 17 }),
  token: Type.Optional(Type.String({ maxLength: 64 })),
  /** Of the menu. */
  entry: Type.Optional(Type.String({ pattern: menuEntryNamePattern })),
  vlan: Type.Optional(Type.Integer({ minimum: 1, maximum: 4094 })),
  /** Left out by the loaders of a PC. */
  arch: Type.Optional(Type.Enum([...agentArchitectures])),
  /** Asked for by a script that waits. */
  inside: Type.Optional(Type.Literal('wait')),
})

const renderers = [
  { loader: 'iPXE', path: '/boot.ipxe', render: renderIpxe, mayWait: true },
  { loader: 'GRUB', path: '/boot.grub', render: renderGrub, mayWait: true },
  // Over TFTP (packets-part.ts), which is its own brake: each machine has a window on its way.
  { loader: 'Signed GRUB', path: '/boot.shim', render: renderSignedGrub, mayWait: false },
  { loader: 'PXELINUX', path: '/boot.pxelinux', render: renderPxelinux, mayWait: true },
] as const

/** The script a loader asks for at the address its DHCP answer named. */
export function bootScriptRoute(plane: BootPlane): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const { loader, path, render, mayWait } of renderers) {
      app.get(path, { schema: { querystring: Query } }, async (request, reply) => {
        const mac = parseMac(request.query.mac)
        const machine = await plane.machines.findByMac(mac)
        const chosen = await chooseScript(plane, {
          mac,
          machine,
          token: request.query.token,
          entry: request.query.entry,
          url: plane.url + request.url,
          vlan: request.query.vlan,
          architecture: request.query.arch ?? 'x64',
          remoteAddress: request.ip,
          isInsideWait: request.query.inside !== undefined,
          isLook: request.method !== 'GET',
          mayWait,
        })
        // A HEAD is a look, not a boot; whoever waits was told already.
        const isBoot = machine && request.method === 'GET' && chosen.kind !== 'wait'
        const script = isBoot ? await beginWork(plane, machine, chosen, request.query.token) : chosen
        if (isBoot) await tellScript(plane, machine, script, loader, request.query.entry)
        return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store').send(render(script))
      })
    }
  }
}

type ScriptRequest = {
  mac: Mac
  machine: Machine | undefined
  token: string | undefined
  entry: string | undefined
  /** Of the script itself. */
  url: string
  vlan: number | undefined
  architecture: AgentArchitecture
  remoteAddress: string
  isInsideWait: boolean
  isLook: boolean
  /** Whether its loader can. */
  mayWait: boolean
}

async function chooseScript(plane: BootPlane, request: ScriptRequest): Promise<BootScript> {
  const { mac, machine, token } = request
  const name = machine?.name ?? mac
  if (isIgnored(plane, mac, machine, request.remoteAddress)) {
    return refused(name, 'it is not known here, and unknown machines are ignored')
  }
  if (token !== undefined) {
    const verdict = readBootToken(plane.tokenKey, token, {
      address: parseIpv4(request.remoteAddress),
      mac,
      intentRevision: machine?.intent.revision ?? 0,
      nowSeconds: Math.floor(plane.state.now() / 1000),
    })
    if (verdict.kind === 'refused') return refused(name, `boot token: ${verdict.reason}`)
  }
  const isLocal = machine?.intent.kind === 'local'
  const menu = machine && (isLocal || machine.intent.kind === 'menu') && menuFor(plane, machine)
  if (menu) return menuScript(plane, request, machine, menu)
  if (isLocal) return localScript(plane, machine, request.architecture)
  if (machine && machine.intent.kind === 'kernel' && token !== undefined)
    return orderedKernelScript(plane, request, machine)
  if (machine?.standing.kind === 'ramroot' && machine.intent.kind === 'ramroot' && token !== undefined)
    return ramrootScript(plane, machine, machine.standing.boot, { ...request, token })
  return agentScript(plane, request)
}

/** The operator's kernel, once or standing, with what only this boot knows filled into its arguments. */
async function orderedKernelScript(plane: BootPlane, request: ScriptRequest, machine: Machine): Promise<BootScript> {
  const { errandId } = machine.intent
  const work = errandId === undefined ? undefined : (await plane.errands.get(errandId)).work
  const { standing } = machine
  const boot = work?.kind === 'kernel' ? work.boot : standing.kind === 'kernel' ? standing.boot : undefined
  if (!boot) return refused(machine.name, 'no kernel was chosen')
  const facts = {
    ...{ name: machine.name, mac: request.mac, address: request.remoteAddress, server: plane.url },
    ...(errandId !== undefined && { done: `${plane.url}/agent/done/${plane.orders.doneToken(errandId)}` }),
  }
  const kernelArguments = (boot.arguments ?? []).map((argument) => fillIn(argument, facts))
  return kernelScript(plane, machine, { title: 'a kernel of the site', ...boot, arguments: kernelArguments })
}

/** `{{name}}` of what is known; anything else in braces is left as it stands. */
function fillIn(argument: string, facts: Record<string, string>): string {
  return argument.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => facts[name] ?? whole)
}

/** The menu itself, or what was chosen from it. */
async function menuScript(plane: BootPlane, request: ScriptRequest, machine: Machine, menu: BootMenu) {
  const { entry: chosen, url } = request
  if (chosen === undefined) return renderableMenu(menu, machine, url)
  const entry = menu.entries.find(({ name }) => name === chosen)
  if (!entry) return refused(machine.name, `the menu has no entry ${chosen} any more`)
  if ('kernel' in entry) return kernelScript(plane, machine, entry)
  if (entry.boot === 'disk') return localScript(plane, machine, request.architecture)
  return agentScript(plane, request, [agentArguments.menu])
}

/** The loader's menu where nothing is ordered; where the intent asks for a menu it is patient. Without one that is the agent's. */
function menuFor({ menuOf }: BootPlane, machine: Machine): BootMenu | undefined {
  const menu = menuOf(machine)
  if (menu === undefined || machine.intent.kind !== 'menu') return menu
  const { timeoutSeconds: _, ...patient } = menu
  return patient
}

function renderableMenu({ timeoutSeconds, defaultEntry, entries }: BootMenu, { name }: Machine, url: string): MenuBoot {
  return {
    kind: 'menu',
    title: name,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    defaultEntry: defaultEntry ?? entries[0]!.name,
    entries: entries.map((entry) => ({ name: entry.name, title: entry.title, url: `${url}&entry=${entry.name}` })),
  }
}

function kernelScript(
  { url }: BootPlane,
  machine: Machine,
  entry: Omit<Extract<BootMenuEntry, { kernel: string }>, 'name'>,
): KernelBoot {
  return {
    kind: 'kernel',
    title: `${machine.name}: ${entry.title}`,
    server: url,
    kernelPath: `/${entry.kernel}`,
    initrdPaths: (entry.initrds ?? []).map((path) => `/${path}`),
    kernelArguments: entry.arguments ?? [],
  }
}

async function localScript(plane: BootPlane, machine: Machine, architecture: AgentArchitecture): Promise<LocalBoot> {
  const title = `${machine.name}: boots its own disk`
  return { kind: 'local', title, architecture, ...(await diskLoader(plane, machine, architecture)) }
}

function refused(title: string, reason: string): RefusedBoot {
  return { kind: 'refused', title, reason }
}

async function agentScript(
  plane: BootPlane,
  request: ScriptRequest,
  kernelArguments: readonly string[] = [],
): Promise<BootScript> {
  const { mac, machine, architecture } = request
  const name = machine?.name ?? mac
  const state = plane.ramdisk(architecture)
  if (state.kind !== 'ready') return refused(name, whyNoRamdisk(state.kind, architecture))
  const boot = { ...(await agentBoot(plane, request, state.ramdisk)), kernelArguments }
  if (request.isLook) return boot
  return (await waitForTurn(plane, request, boot, bytesOf(state.ramdisk, boot))) ?? boot
}

async function agentBoot(plane: BootPlane, request: ScriptRequest, ramdisk: BootRamdisk): Promise<AgentBoot> {
  const { mac, machine, token, vlan, architecture } = request
  // Without a token (somebody else's DHCP server booted it) the machine is anonymous: it may look around, no more.
  const intent = token === undefined ? 'discover' : (machine?.intent.kind ?? 'discover')
  return {
    kind: 'agent',
    title: `${machine?.name ?? mac}: ${intent}`,
    server: plane.url,
    kernelPath: `/ramdisk/${ramdisk.id}/${ramdisk.kernel}`,
    initrdPaths: (await initrdsFor(plane, ramdisk, machine, intent)).map((file) => `/ramdisk/${ramdisk.id}/${file}`),
    ...(token !== undefined && { token }),
    mac,
    ...(vlan !== undefined && { vlan }),
    consoles: plane.consoles ?? defaultConsoles[architecture],
    kernelArguments: [],
  }
}

function whyNoRamdisk(state: 'making' | 'not-served', architecture: AgentArchitecture): string {
  if (state === 'making') return 'the server is still making its ramdisk, try again in a minute'
  return `the server has no ramdisk for ${architecture}: name it under architectures in its site file`
}

/** What starts the disk that was deployed, where it is known which that is; else what starts the first disk it finds. */
async function diskLoader(plane: BootPlane, machine: Machine, architecture: AgentArchitecture) {
  const { url, machines, deployments } = plane
  const loader = architecture === 'x64' ? plane.diskLoader : undefined
  const inventory = (await machines.inventory(machine.id)) as Inventory | undefined
  const rule = (await deployments.onDisk(machine.id))?.diskRule
  const espUuid = inventory && rule && findEsp(inventory, rule)
  return {
    ...(espUuid !== undefined && { espUuid }),
    ...(loader && { diskLoaderUrl: espUuid === undefined ? loader.url : `${url}/disk-loader/${espUuid}.efi` }),
  }
}

async function tellScript(
  plane: BootPlane,
  machine: Machine,
  script: BootScript,
  loader: string,
  entry: string | undefined,
): Promise<void> {
  const chosen = entry === undefined ? '' : `, chosen from the menu (${entry})`
  const message = `${loader} fetched its script: ${describeScript(script, machine)}${chosen}`
  const data = { script: script.kind }
  await plane.state.commit((change) => change.tell({ machineId: machine.id, kind: 'script', message, data }))
  await endTurn(plane, machine, script)
  if (script.kind === 'local') await plane.deployments.cameByFirmware(machine.id)
}

function describeScript(script: BootScript, machine: Machine): string {
  switch (script.kind) {
    case 'agent':
      return script.token === undefined ? 'the agent, without a boot token' : `the agent, intent ${machine.intent.kind}`
    case 'kernel':
      return `the kernel ${script.kernelPath}`
    case 'local':
      return 'it boots its own disk'
    case 'menu':
      return 'a menu'
    case 'refused':
      return `refused, ${script.reason}`
    case 'wait':
      return 'it waits'
  }
}
