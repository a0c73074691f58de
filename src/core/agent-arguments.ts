/** Names on the agent's kernel command line, set by the boot script. */
export const agentArguments = {
  /** `http://10.0.0.1:4280`, no slash at the end. */
  server: 'bootwright.server',
  token: 'bootwright.token',
  /** `01-52-54-00-12-34-56`: the interface the machine was booted from. */
  bootInterface: 'BOOTIF',
  /** `42`: frames on that interface need this VLAN's tag. */
  vlan: 'bootwright.vlan',
  /** The loader's menu led here: the agent shows its own. */
  menu: 'bootwright.menu',
  /** `debian:current`: written without a key being pressed, as chosen by the next ones. */
  image: 'bootwright.image',
  /** `serial=S1234`, with commas between several: a rule that one disk satisfies; left out, the only fixed disk. */
  disk: 'bootwright.disk',
  /** Name of a ready one; `whole-disk` where left out. */
  layout: 'bootwright.layout',
  filesystem: 'bootwright.filesystem',
  /** Even if that version was written to this machine before. */
  again: 'bootwright.again',
  /** A word alone: /init gives a shell when something fails, and a rescue has one at its console. */
  debug: 'bootwright.debug',
} as const
