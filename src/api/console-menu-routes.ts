import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { matchesPassword } from '../build/password-hash.ts'
import {
  type ConsoleMenuPolicy,
  MenuChoice,
  type MenuImage,
  MenuOffer,
  MenuReply,
  menuTransfers,
  whyMenuRefused,
} from '../core/console-menu.ts'
import type { DiskRule } from '../core/disk-rule.ts'
import { dryRun } from '../core/dry-run.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Layout } from '../core/layout.ts'
import type { Machine } from '../core/machine.ts'
import type { DeployWish } from '../core/machine-order.ts'
import { readyLayouts } from '../core/ready-layouts.ts'
import { Conflict, Forbidden, NotFound } from '../deploy/refusals.ts'
import type { Session } from '../store/session-rows.ts'
import { authenticate } from './agent-session.ts'
import type { BootPlane } from './boot-plane.ts'
import { isWholeDisk } from './choose-target.ts'
import { endsInTime } from './ends-in-time.ts'
import type { ImageShelf } from './image-shelf.ts'
import { PasswordAttempts } from './password-attempts.ts'
import { placeDeployment, resolveDeployWish } from './place-order.ts'

/** Of an image; older ones are for the operator's command line. */
const mostVersions = 50

/** Who asks, and what its site says of that. */
type Asker = { machine: Machine; session: Session; policy: ConsoleMenuPolicy; address: string }

/** What a person at a machine's console may choose, and the order that becomes of it (core/console-menu.ts). */
export function consoleMenuRoutes(plane: BootPlane): FastifyPluginAsyncTypebox {
  const attempts = new PasswordAttempts(() => plane.state.now())
  return async (app) => {
    app.get('/', { schema: { response: { 200: MenuOffer } } }, async (request): Promise<MenuOffer> => {
      const { machine, session, policy } = await askerOf(plane, await authenticate(plane, request), request.ip)
      const reason = whyMenuRefused(policy, machine, session.tokenNonce === undefined)
      const images = reason === undefined ? await offeredImages(plane.images, policy) : []
      const provision =
        reason === undefined
          ? { kind: 'allowed' as const, needsPassword: policy.password !== undefined }
          : { kind: 'refused' as const, reason }
      return { provision, images, layouts: [...readyLayouts], transfers: [...menuTransfers] }
    })

    app.post(
      '/deploy',
      { schema: { body: MenuChoice, response: { 200: MenuReply } } },
      async (request): Promise<MenuReply> => {
        const asker = await askerOf(plane, await authenticate(plane, request), request.ip)
        const { machine, session, policy } = asker
        const { deploymentId } = machine.intent
        // Its answer was lost.
        if (deploymentId !== undefined && deploymentId === session.workId) return { kind: 'ordered', deploymentId }
        const reason = whyMenuRefused(policy, machine, session.tokenNonce === undefined)
        if (reason !== undefined) throw new Forbidden(reason)
        await checkPassword(plane, attempts, asker, request.body.password)
        const { wish, id: version, missing } = await resolveChoice(plane, asker, request.body)
        if (missing !== undefined && !(await endsInTime(plane.streams.ensureRendition(version, missing)))) {
          return { kind: 'making' }
        }
        const isAnonymous = session.tokenNonce === undefined
        const { id } = await placeDeployment(plane, machine, wish, { ...(isAnonymous && { sessionOnly: true }) })
        await plane.sessions.assign(session, id)
        const how = request.body.unattended ? "by its kernel's arguments" : 'at its console'
        const message = `${machine.name} was told ${how} to write this${isAnonymous ? ', without a boot token' : ''}`
        await plane.state.commit((change) =>
          change.tell({ machineId: machine.id, deploymentId: id, kind: 'agent', message }),
        )
        return { kind: 'ordered', deploymentId: id }
      },
    )
  }
}

async function askerOf(plane: BootPlane, session: Session, address: string): Promise<Asker> {
  const machine = await plane.machines.findById(session.machineId)
  if (!machine) throw new NotFound('The machine of this session was removed')
  return { machine, session, address, policy: plane.consoleMenuOf(machine, address) }
}

async function offeredImages(images: ImageShelf, policy: ConsoleMenuPolicy): Promise<MenuImage[]> {
  const byImage = Map.groupBy(await images.versions(), ({ image }) => image)
  return [...byImage]
    .filter(([name]) => isOffered(name, policy))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, versions]) => ({
      name,
      versions: versions.slice(0, mostVersions).map(({ id, createdAt, tags, comment, sizeBytes, source, entries }) => ({
        ...{ id, createdAt, tags, sizeBytes },
        ...(comment !== undefined && { comment: comment.slice(0, 300) }),
        isWholeDisk: isWholeDisk({ ...(source && { source }), entries }),
      })),
    }))
}

function isOffered(image: string, { images }: ConsoleMenuPolicy): boolean {
  return images === undefined || images.includes(image)
}

async function checkPassword(
  plane: BootPlane,
  attempts: PasswordAttempts,
  { policy, machine, address }: Asker,
  given: string | undefined,
): Promise<void> {
  if (policy.password === undefined) return
  if (given === undefined) throw new Forbidden('This site wants a password for that, which only a person can give')
  const who = [machine.id, address]
  const seconds = attempts.secondsToWait(who)
  if (seconds > 0) throw new Forbidden(`The password was wrong too often; try again in ${seconds} s`)
  // Counted before it is looked at: many at once are no way around the limit.
  attempts.wrong(who)
  if (await matchesPassword(given, policy.password)) return attempts.right(who)
  const message = `a wrong password was given at the console of ${machine.name}, from ${address}`
  await plane.state.commit((change) => change.tell({ machineId: machine.id, kind: 'security', message }))
  throw new Forbidden('The password is wrong')
}

/** Throws Forbidden and Conflict, and what the choice of a version or a layout throws. */
async function resolveChoice(plane: BootPlane, { machine, policy }: Asker, choice: MenuChoice) {
  const { disk, layout, filesystem, unattended = false, again = false } = choice
  const given: DeployWish = { image: choice.image, disk, layout, ...(filesystem && { filesystem }) }
  const onDisk = await plane.deployments.onDisk(machine.id)
  const { image, id, target, diskRule, missing } = await resolveDeployWish(plane.images, given, onDisk)
  if (!isOffered(image, policy)) throw new Forbidden(`This site does not offer ${image} at the console`)
  if (unattended && !again && onDisk?.version === id) {
    throw new Conflict(
      `${image}@${id.slice(0, 12)} was written to ${machine.name} before, and its kernel's arguments would do so at every boot: let it start from its disk, or say bootwright.again`,
    )
  }
  await refuseUnfit(plane, machine, diskRule, target.layout)
  // A tag may move while something is being made.
  return { wish: { ...given, image: `${image}@${id}` }, id, missing }
}

/** What would fail on the machine is refused while a person looks. Throws Conflict. */
async function refuseUnfit({ machines }: BootPlane, { id, name }: Machine, rule: DiskRule, layout: Layout) {
  const inventory = (await machines.inventory(id)) as Inventory | undefined
  if (inventory === undefined) throw new Conflict(`${name} has sent no inventory yet`)
  const { refusal } = dryRun(inventory, rule, layout)
  if (refusal !== undefined) throw new Conflict(refusal)
}
