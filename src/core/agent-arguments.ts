/** Names on the agent's kernel command line, set by the boot script. */
export const agentArguments = {
  /** `http://10.0.0.1:4280`, no slash at the end. */
  server: 'bootwright.server',
  token: 'bootwright.token',
  /** `01-52-54-00-12-34-56`: the interface the machine was booted from. */
  bootInterface: 'BOOTIF',
  /** `42`: frames on that interface need this VLAN's tag. */
  vlan: 'bootwright.vlan',
} as const
