import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fetchPeer } from '../../../bench/peer-program.ts'
import { runProgram } from '../../../src/programs/run-program.ts'

const startTimeoutMs = 30_000
const bridge = 'ovs'

type Programs = { server: string; switch: string; tool: string; control: string; schema: string; libraryPath: string }

/** Debian's Open vSwitch, unpacked and not installed. */
export async function fetchOpenVSwitch(log: (line: string) => void): Promise<Programs> {
  const main = await fetchPeer('openvswitch-switch', 'usr', log)
  const common = await fetchPeer('openvswitch-common', 'usr', log)
  return {
    server: join(common.program, 'sbin/ovsdb-server'),
    switch: join(main.program, 'lib/openvswitch-switch/ovs-vswitchd'),
    tool: join(common.program, 'bin/ovsdb-tool'),
    control: join(main.program, 'bin/ovs-vsctl'),
    schema: join(main.program, 'share/openvswitch/vswitch.ovsschema'),
    libraryPath: main.libraryPath,
  }
}

/** As ovs-vswitchd.conf.db(5) has them. */
export type PortSettings = { tag?: number; trunks?: number; vlan_mode?: 'access' | 'trunk' | 'native-untagged' }

/**
 * A switch that knows VLANs, in user space: not every kernel does. Its ports are interfaces that are plugged into the rack's
 * bridges, which pass tags as they are. Inside a rack; it ends with it.
 */
export class OpenVSwitch {
  readonly #programs: Programs
  readonly #socket: string
  readonly #environment: Record<string, string>

  private constructor(programs: Programs, directory: string) {
    this.#programs = programs
    this.#socket = join(directory, 'db.sock')
    const places = { OVS_RUNDIR: directory, OVS_LOGDIR: directory, OVS_DBDIR: directory }
    this.#environment = { LD_LIBRARY_PATH: programs.libraryPath, ...places }
  }

  static async open(directory: string): Promise<OpenVSwitch> {
    await mkdir(directory)
    const programs = await fetchOpenVSwitch(() => {})
    const ovs = new OpenVSwitch(programs, directory)
    const database = join(directory, 'conf.db')
    await ovs.#run(programs.tool, ['create', database, programs.schema])
    const control = (name: string) => `--unixctl=${join(directory, `${name}.ctl`)}`
    ovs.#start(programs.server, [database, `--remote=punix:${ovs.#socket}`, control('ovsdb')])
    await appears(ovs.#socket)
    ovs.#start(programs.switch, [`unix:${ovs.#socket}`, control('vswitchd')])
    await ovs.#configure(['add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev'])
    return ovs
  }

  /** A port that is plugged into one of the rack's bridges. */
  async addPort(name: string, rackBridge: string, settings: PortSettings): Promise<void> {
    const internal = ['--', 'set', 'interface', name, 'type=internal']
    await this.#configure(['add-port', bridge, name, ...columns(settings), ...internal])
    await runProgram('ip', ['link', 'set', name, 'master', rackBridge, 'up'])
  }

  /** In place of all that was said of the port before. */
  async setPort(name: string, settings: PortSettings): Promise<void> {
    const clear = ['clear', 'port', name, 'tag', 'trunks', 'vlan_mode']
    await this.#configure([...clear, '--', 'set', 'port', name, ...columns(settings)])
  }

  /** ovs-vsctl waits until the switch has done it. */
  async #configure(values: readonly string[]): Promise<void> {
    const { control } = this.#programs
    await this.#run(control, [`--db=unix:${this.#socket}`, `--timeout=${startTimeoutMs / 1000}`, ...values])
  }

  #run(program: string, values: readonly string[]): Promise<string> {
    return runProgram(program, values, { environment: this.#environment })
  }

  #start(program: string, values: readonly string[]): void {
    const log = createWriteStream(join(dirname(this.#socket), 'openvswitch.log'), { flags: 'a' })
    const started = spawn(program, values, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#environment },
    })
    for (const output of [started.stdout, started.stderr]) output.pipe(log, { end: false })
  }
}

function columns(settings: PortSettings): string[] {
  return Object.entries(settings).map(([column, value]) => `${column}=${value}`)
}

async function appears(path: string): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  while (
    !(await access(path).then(
      () => true,
      () => false,
    ))
  ) {
    if (performance.now() > deadline) throw new Error(`${path} was not there after ${startTimeoutMs / 1000} s`)
    await wait(20)
  }
}
