import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, writeSync } from 'node:fs'

const words = '\r\nA shell of the ramdisk; lsblk shows the disks. exit leads back to the menu.\r\n'

/** A shell for the person at a console, until they leave it. */
export async function runConsoleShell(path: string): Promise<void> {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY)
  try {
    writeSync(fd, words)
    const term = /tty\d+$/.test(path) ? 'linux' : 'vt102'
    // Not the shell itself: when the owner of a console's terminal ends, the kernel hangs up whoever else writes there.
    const shell = spawn('script', ['--quiet', '--command', 'sh -i', '/dev/null'], {
      stdio: [fd, fd, fd],
      env: { ...process.env, TERM: term, SHELL: '/bin/sh', PS1: 'bootwright# ' },
    })
    await once(shell, 'exit')
  } finally {
    closeSync(fd)
  }
}
