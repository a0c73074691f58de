import type { RackCase } from '../../src/cli/rack/case.ts'
import { OldNetwork, oldMachine } from './networks/old-network.ts'

const network = new OldNetwork('dnsmasq', {
  configuration: (files) => `# PXELINUX from dnsmasq's own TFTP server
port=0
interface=${oldMachine.interface}
bind-interfaces
dhcp-range=10.77.0.100,10.77.0.120,255.255.255.0,1h
dhcp-host=${oldMachine.mac},set:worker,worker-1,${oldMachine.address}
dhcp-boot=pxelinux.0
dhcp-option-force=tag:worker,209,roles/worker.cfg
enable-tftp
tftp-root=${files}
`,
})

export const rackCase: RackCase = {
  name: 'import-dnsmasq-boot',
  describe: 'a machine that dnsmasq boots boots the same from its imported dnsmasq.conf, files and all',
  set: 'long',
  ...network.setting,
}
