import { parseMac } from '../bytes/mac.ts'
import type { AgentBoot, KernelBoot, MenuBoot, WaitBoot } from './boot-script.ts'

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

export const kernelBoot: KernelBoot = {
  kind: 'kernel',
  title: 'rack-3: Rescue system',
  server: 'http://10.0.0.1:4280',
  kernelPath: '/rescue/vmlinuz',
  initrdPaths: ['/rescue/initrd.img'],
  kernelArguments: ['ro', 'console=ttyS0'],
}

/** `loader` as the path of its scripts names it. */
export const menuBoot = (loader: string): MenuBoot => ({
  kind: 'menu',
  title: "rack-3: what shall it boot? ^x { ' }",
  timeoutSeconds: 10,
  defaultEntry: 'disk',
  entries: ['disk', 'rescue'].map((name) => ({
    name,
    title: `Start the ${name}; 'now' { reboot`,
    url: `http://10.0.0.1:4280/boot.${loader}?mac=52-54-00-12-34-56&token=AAEC&entry=${name}`,
  })),
})

/** For t.assert.fileSnapshot(). */
export const golden = (name: string) => `${import.meta.dirname}/goldens/${name}`
export const asText = { serializers: [(value: string) => value] }

/** `loader` as the path of its scripts names it. */
export const waitBoot = (loader: string): WaitBoot => ({
  kind: 'wait',
  title: 'rack-3: deploy',
  ...{ place: 12, etaSeconds: 35, askAgainSeconds: 12, isInside: false },
  url: `http://10.0.0.1:4280/boot.${loader}?mac=52-54-00-12-34-56&token=AAEC&inside=wait`,
})
