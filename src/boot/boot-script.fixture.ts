import { parseMac } from '../bytes/mac.ts'
import type { AgentBoot } from './boot-script.ts'

/** What the renderers' tests have in common; every part of it is as a real one. */
export const agentBoot: AgentBoot = {
  kind: 'agent',
  title: 'rack-3: deploy debian:current',
  server: 'http://10.0.0.1:4280',
  kernelPath: '/ramdisk/3f9a/vmlinuz',
  initrdPaths: ['/ramdisk/3f9a/modules.cpio.zst', '/ramdisk/3f9a/tools.cpio.zst', '/ramdisk/3f9a/site.cpio'],
  token: 'AAECAwQFBgcICQoLcT-0gGnvWn8rDOyBWd6fPqLZcTg',
  mac: parseMac('52:54:00:12:34:56'),
  consoles: ['tty0', 'ttyS0,115200'],
  kernelArguments: [],
}

/** For t.assert.fileSnapshot(). */
export const golden = (name: string) => `${import.meta.dirname}/goldens/${name}`
export const asText = { serializers: [(value: string) => value] }
