import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bootNonceBytes, mintBootToken } from '../../src/boot/boot-token.ts'
import type { Ipv4 } from '../../src/bytes/ipv4.ts'
import type { Mac } from '../../src/bytes/mac.ts'
import { encodePublicKey, unseal } from '../../src/core/seal.ts'
import { openSiteKeys } from '../../src/deploy/site-keys.ts'
import type { Network } from './network-pair.ts'

/** What the scripts may use beside their HTTP client; `sleep` is short. */
const programs = [
  'sh',
  'sed',
  'sha256sum',
  'cut',
  'head',
  'tail',
  'cat',
  'awk',
  'tr',
  'od',
  'mkdir',
  'rm',
  'ln',
  'mv',
  'wc',
]

/**
 * A machine that boots a version from memory as far as its server sees: it gets its script, opens a session, takes order and files,
 * and runs the scripts of these, with its own `systemctl`, `kexec` and `sleep`.
 */
export class RamrootMachine {
  readonly #site: { directory: string; server: Network; client: Network }
  readonly #mac: Mac
  #updating: ChildProcess | undefined
  /** What the system said since it booted. */
  said = ''

  constructor(site: { directory: string; server: Network; client: Network }, mac: Mac) {
    this.#site = site
    this.#mac = mac
  }

  get directory(): string {
    return join(this.#site.directory, 'machine')
  }

  /** As the loader does, with a token of the server's DHCP. */
  async bootByFirmware(): Promise<string> {
    const script = await this.#http('GET', `/boot.ipxe?mac=${this.#mac}&token=${await this.#mint()}`)
    const token = /bootwright\.token=(\S+)/.exec(script)?.[1]
    assert.ok(token, script)
    return token
  }

  /** The early system, with a boot token; gives the title of its order. */
  async startEarlySystem(token: string): Promise<string> {
    const { privateKey, publicKey } = generateKeyPairSync('x25519')
    const nonce = randomBytes(16).toString('hex')
    const offer = { token, mac: this.#mac, publicKey: encodePublicKey(publicKey), nonce }
    const { session } = JSON.parse(await this.#http('POST', '/agent/session', { body: offer })) as { session: string }
    const order = await this.#http('GET', `/agent/ramroot/order?mac=${this.#mac}`, { bearer: session })
    const sealed = await this.#http('GET', `/agent/ramroot/files?mac=${this.#mac}`, { bearer: session })
    await this.stop()
    await rm(this.directory, { recursive: true, force: true })
    await mkdir(this.directory)
    execFileSync('cpio', ['-idm', '--quiet'], { cwd: this.directory, input: unseal(sealed, privateKey) })
    return /^title (.*)$/m.exec(order)?.[1] ?? ''
  }

  /** The system itself: it says that it is up, and asks for updates from then on, through one HTTP client. */
  async startSystem(httpClient: 'curl' | 'bash' | 'wget', { hasKexec = true } = {}): Promise<void> {
    await this.#makePrograms(httpClient, hasKexec)
    const upToken = (await this.#read('up-token')).trim()
    await this.#http('POST', '/agent/ramroot/up', { body: {}, bearer: upToken })
    const script = (await this.#read('update.sh'))
      .replaceAll('/var/lib/bootwright', join(this.directory, 'systemd/var/lib/bootwright'))
      .replaceAll('/run/bootwright', join(this.directory, 'run'))
      .replaceAll("kexec_places='/usr/sbin/kexec /sbin/kexec'", `kexec_places='${join(this.directory, 'kexec-place')}'`)
      .replace('PATH=$PATH:/usr/sbin:/sbin:', 'PATH=$PATH:')
    const file = join(this.directory, 'update.sh')
    await writeFile(file, script)
    const path = `PATH=${join(this.directory, 'bin')}`
    const [program, values] = this.#site.client.command('env', '-i', path, `MACHINE=${this.directory}`, 'sh', file)
    this.#updating = spawn(program, values, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.said = ''
    for (const stream of [this.#updating.stdout!, this.#updating.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.said += text
      })
    }
  }

  async stop(): Promise<void> {
    const running = this.#updating
    this.#updating = undefined
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    running.kill('SIGKILL')
    await once(running, 'exit')
  }

  /** Somebody else's key: as if another answered in the place of the server. */
  async forgetKey(): Promise<void> {
    await writeFile(join(this.directory, 'systemd/var/lib/bootwright/update-key'), 'another')
  }

  /** What `kexec` or `systemctl` was called with last; undefined where it was not. */
  called(program: 'kexec' | 'systemctl'): Promise<string | undefined> {
    return readFile(join(this.directory, `${program}.called`), 'utf8').catch(() => undefined)
  }

  /** What was given to the kernel: `vmlinuz` or `initrd`. */
  loaded(name: 'vmlinuz' | 'initrd'): Promise<Buffer> {
    return readFile(join(this.directory, `loaded-${name}`))
  }

  #read(name: string): Promise<string> {
    return readFile(join(this.directory, 'systemd/var/lib/bootwright', name), 'utf8')
  }

  async #makePrograms(httpClient: string, hasKexec: boolean): Promise<void> {
    const bin = join(this.directory, 'bin')
    await mkdir(bin)
    for (const name of [...programs, httpClient, 'timeout']) {
      await symlink(execFileSync('which', [name]).toString().trim(), join(bin, name))
    }
    await this.#program('sleep', 'exec /bin/sleep 0.1')
    await this.#program('systemctl', 'echo "$*" >"$MACHINE/systemctl.called"; exec /bin/sleep 30')
    if (!hasKexec) return
    await this.#program(
      'kexec',
      `[ "$1" = --load ] || exit 0
for word; do case $word in --initrd=*) cat "\${word#*=}" >"$MACHINE/loaded-initrd" ;; esac; done
cat "$3" >"$MACHINE/loaded-vmlinuz"
echo "$*" >"$MACHINE/kexec.called"`,
    )
  }

  async #program(name: string, text: string): Promise<void> {
    const file = join(this.directory, 'bin', name)
    await writeFile(file, `#!/bin/sh\n${text}\n`)
    await chmod(file, 0o755)
  }

  async #mint(): Promise<string> {
    const { directory, server } = this.#site
    const { tokenKey } = await openSiteKeys(join(directory, 'keys'))
    const shown = await server.run('bin/bootwright', [
      'machine',
      'show',
      'rack-1',
      '--json',
      '--data',
      join(directory, 'data'),
    ])
    const { machine } = JSON.parse(shown.stdout) as { machine: { intent: { revision: number } } }
    return mintBootToken(tokenKey, {
      ...{ nonce: randomBytes(bootNonceBytes), expiresAtSeconds: Math.floor(Date.now() / 1000) + 600 },
      ...{ address: 0 as Ipv4, mac: this.#mac, intentRevision: machine.intent.revision },
    })
  }

  async #http(method: 'GET' | 'POST', path: string, { body, bearer }: { body?: object; bearer?: string } = {}) {
    const { client, server } = this.#site
    const values = ['-sS', '--fail-with-body', '--retry', '20', '--retry-connrefused', '-X', method]
    if (body) values.push('-H', 'content-type: application/json', '-d', JSON.stringify(body))
    if (bearer !== undefined) values.push('-H', `authorization: Bearer ${bearer}`)
    const { code, stdout, stderr } = await client.run('curl', [...values, `http://${server.address}:4280${path}`])
    assert.equal(code, 0, `${method} ${path}: ${stdout} ${stderr}`)
    return stdout
  }
}
